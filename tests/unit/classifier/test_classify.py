import pytest

from schemas.classified import TagSource, ThemeTag
from schemas.responses import FurtherAnswer
from schemas.scales import Group, Metric
from services.classifier.classify import classify
from services.classifier.lookup import Lookup
from services.classifier.masking import Masked
from services.classifier.mentions import Mentions
from services.classifier.reading import NO_MODEL, Reading, listed
from services.classifier.sentiment import Feeling
from tests.unit.classifier.conftest import Answer


@pytest.mark.parametrize(
    ("metric", "score", "group"),
    [
        (Metric.NPS, 0, Group.DETRACTOR),
        (Metric.NPS, 6, Group.DETRACTOR),
        (Metric.NPS, 7, Group.PASSIVE),
        (Metric.NPS, 8, Group.PASSIVE),
        (Metric.NPS, 9, Group.PROMOTER),
        (Metric.NPS, 10, Group.PROMOTER),
        (Metric.CSAT, 2, Group.NEGATIVE),
        (Metric.CSAT, 3, Group.NEUTRAL),
        (Metric.CSAT, 4, Group.POSITIVE),
        (Metric.CES, 3, Group.NEGATIVE),
        (Metric.CES, 4, Group.NEUTRAL),
        (Metric.CES, 5, Group.POSITIVE),
        (Metric.NPS, None, None),
    ],
)
def test_the_group_follows_the_metrics_scale(
    metric: Metric, score: int | None, group: Group | None, answer: Answer
) -> None:
    response = answer(metric=metric, score=score)

    assert classify(response, Reading(), taxonomy_version=1, version=1).group is group


def test_all_that_was_understood_is_told(answer: Answer) -> None:
    response = answer("Call 0171 2345678, Jonas!", score=9)
    tags = (ThemeTag(theme="support", source=TagSource.LOOKUP, polarity=-1, evidence=("Call",)),)
    reading = Reading(
        themes=tags,
        functions=("Support",),
        language="en",
        language_detected=True,
        feeling=Feeling("negative", -0.7),
        mentions=Mentions(("Jonas Weber",), ("Kim",)),
        masked=Masked("Call [phone], Jonas!", ("phone",)),
        not_known={"sentiment": NO_MODEL},
        model_version="abc",
    )

    result = classify(response, reading, taxonomy_version=3, version=12)

    assert (result.taxonomy_version, result.classification_version, result.model_version) == (3, 12, "abc")
    assert (result.themes, result.functions) == (tags, ("Support",))
    assert (result.language, result.language_detected) == ("en", True)
    assert (result.sentiment, result.sentiment_score, result.score_text_mismatch) == ("negative", -0.7, True)
    assert (result.mentions, result.unsure_mentions) == (("Jonas Weber",), ("Kim",))
    assert (result.masked_comment, result.personal_details) == ("Call [phone], Jonas!", ("phone",))
    assert result.not_known == {"sentiment": NO_MODEL}


@pytest.mark.parametrize(
    ("score", "feeling", "is_mismatch"),
    [
        (9, Feeling("negative", -0.6), True),
        (1, Feeling("positive", 0.6), True),
        (9, Feeling("negative", -0.2), False),
        (9, Feeling("positive", 0.9), False),
        (7, Feeling("negative", -0.9), False),
        (None, Feeling("negative", -0.9), False),
        (9, None, False),
    ],
)
def test_only_clear_words_contradict_a_score(
    score: int | None, feeling: Feeling | None, is_mismatch: bool, answer: Answer
) -> None:
    result = classify(answer("…", score=score), Reading(feeling=feeling), taxonomy_version=1, version=1)

    assert result.score_text_mismatch is is_mismatch


def test_lists_name_functions_once_and_look_for_nothing_else(taxonomy: Lookup) -> None:
    reading = listed("It crashes, it is slow and it is too expensive.", "en-GB", taxonomy)

    assert reading == Reading(
        themes=(
            ThemeTag(theme="pricing", source=TagSource.LOOKUP, evidence=("too expensive",)),
            ThemeTag(theme="reliability", source=TagSource.LOOKUP, evidence=("crashes",)),
            ThemeTag(theme="speed", source=TagSource.LOOKUP, evidence=("slow",)),
        ),
        functions=("Sales", "Product"),
        language="en-GB",
    )


@pytest.mark.parametrize("comment", [None, "", "   ", "👍", "100% 🎉"])
def test_a_comment_without_keywords_has_no_themes(comment: str | None, taxonomy: Lookup) -> None:
    assert listed(comment, "en-GB", taxonomy) == Reading(language="en-GB")


def test_a_response_that_was_classified_can_be_written_and_read(answer: Answer, taxonomy: Lookup) -> None:
    response = answer("slow")
    result = classify(response, listed("slow", None, taxonomy), taxonomy_version=7, version=7)

    assert type(result).model_validate_json(result.model_dump_json()) == result


def test_further_answers_are_masked_as_the_comment_is(answer: Answer) -> None:
    further = (
        FurtherAnswer(question="What did you miss?", answer="Mail ann@shop.test"),
        FurtherAnswer(question="Who helped?", answer="Jonas"),
    )
    response = answer(score=9).model_copy(update={"further_answers": further})

    result = classify(response, Reading(), taxonomy_version=1, version=1)

    assert result.masked_further_answers == ("Mail [email]", "Jonas")
