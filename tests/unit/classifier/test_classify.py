from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.classified import ResponseClassified, TagSource, ThemeTag
from schemas.responses import ResponseRecorded
from schemas.scales import Group, Metric
from services.classifier.classify import classify
from services.classifier.lookup import Lookup

Answer = Callable[..., ResponseRecorded]


# What JSON can carry: it has no lone surrogates.
ANY = st.characters(codec="utf-8")


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
    metric: Metric, score: int | None, group: Group | None, taxonomy: Lookup, answer: Answer
) -> None:
    assert classify(answer(metric=metric, score=score), taxonomy).group is group


def test_themes_carry_their_evidence_and_name_their_functions_once(taxonomy: Lookup, answer: Answer) -> None:
    response = answer("It crashes, it is slow and it is too expensive.")

    assert classify(response, taxonomy) == ResponseClassified(
        response=response,
        classification_version=7,
        group=Group.DETRACTOR,
        themes=(
            ThemeTag(theme="pricing", source=TagSource.LOOKUP, evidence=("too expensive",)),
            ThemeTag(theme="reliability", source=TagSource.LOOKUP, evidence=("crashes",)),
            ThemeTag(theme="speed", source=TagSource.LOOKUP, evidence=("slow",)),
        ),
        functions=("Sales", "Product"),
    )


def test_what_is_not_looked_for_is_not_claimed(taxonomy: Lookup, answer: Answer) -> None:
    result = classify(answer("Awful. Everything crashes."), taxonomy)

    assert (result.sentiment, result.urgency, result.masked_comment, result.language) == (None,) * 4
    assert result.themes[0].score is None
    assert result.themes[0].polarity is None


@pytest.mark.parametrize("comment", [None, "", "   ", "👍", "100% 🎉"])
def test_a_comment_without_keywords_has_no_themes(
    comment: str | None, taxonomy: Lookup, answer: Answer
) -> None:
    result = classify(answer(comment, language="en-GB"), taxonomy)

    assert result.themes == ()
    assert result.functions == ()
    assert result.language == "en-GB"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    comment=st.text(ANY, max_size=2_000),
    language=st.none() | st.sampled_from(["en", "de-AT", "fr", "ja", "x"]) | st.text(ANY, max_size=35),
)
def test_any_text_is_classified_and_its_evidence_is_part_of_it(
    comment: str, language: str | None, taxonomy: Lookup, answer: Answer
) -> None:
    result = classify(answer(comment, language=language), taxonomy)

    assert result.response.comment == comment
    assert all(words in comment for tag in result.themes for words in tag.evidence)
    assert ResponseClassified.model_validate_json(result.model_dump_json()) == result


@given(
    before=st.text(ANY, max_size=50),
    keyword=st.sampled_from(["crash", "CRASHED", "crashing", "Crashes"]),
)
def test_a_keyword_is_found_whatever_stands_before_it(
    before: str, keyword: str, taxonomy: Lookup, answer: Answer
) -> None:
    result = classify(answer(f"{before} {keyword}", language="en"), taxonomy)

    tags = {tag.theme: tag.evidence for tag in result.themes}
    assert keyword in tags["reliability"]
