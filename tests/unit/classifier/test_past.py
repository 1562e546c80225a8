"""Corrections become examples, scores become weak ones; what the answer no longer says does not count."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from schemas.classified import ResponseClassified, TagSource, ThemeTag
from schemas.corrections import ClassificationCorrected, CorrectedField
from schemas.responses import Order, ResponseRecorded
from schemas.scales import Group
from services.classifier.examples import FeltComment, Label, LabelledComment
from services.classifier.past import (
    SCORES_WEIGH,
    corrected_examples,
    felt_comments,
    latest,
    unlabelled,
)
from tests.unit.classifier.conftest import NOW

KNOWN = {"pricing", "speed"}


def _classified(response: ResponseRecorded, group: Group | None = Group.DETRACTOR) -> ResponseClassified:
    tag = ThemeTag(theme="speed", source=TagSource.MODEL, polarity=-1)
    return ResponseClassified(
        response=response, classification_version=1, group=group, themes=(tag,), language="en"
    )


def _correction(
    response: ResponseRecorded, field: CorrectedField, *after: str, minutes: int = 0, revision: int = 1
) -> ClassificationCorrected:
    return ClassificationCorrected(
        correction_id=uuid4(),
        response_id=response.response_id,
        person_key=response.person_key,
        revision=revision,
        field=field,
        after=after,
        corrected_by="anna",
        corrected_at=NOW + timedelta(minutes=minutes),
    )


def test_the_last_correction_of_what_still_stands_is_an_example(
    answer: Callable[..., ResponseRecorded],
) -> None:
    response = answer("too slow")
    first = _correction(response, CorrectedField.THEMES, "pricing")
    last = _correction(response, CorrectedField.THEMES, "speed", "gone", minutes=5)

    (example,) = corrected_examples([_classified(response)], latest([last, first]), KNOWN)
    assert example == LabelledComment(
        text="too slow", labels=(Label(theme="speed", polarity=-1),), language="en"
    )

    newer = response.model_copy(update={"comment": "fine now", "order": Order(revision=2, tie=1)})
    assert not list(corrected_examples([_classified(newer)], latest([first, last]), KNOWN))


def test_a_score_says_less_than_a_person_who_read_the_words(
    answer: Callable[..., ResponseRecorded],
) -> None:
    response = answer("too slow")
    classified = _classified(response)

    assert list(felt_comments([classified], {})) == [FeltComment("too slow", -1, "en", SCORES_WEIGH)]
    corrected = latest([_correction(response, CorrectedField.SENTIMENT, "neutral")])
    assert list(felt_comments([classified], corrected)) == [FeltComment("too slow", 0, "en")]
    assert not list(felt_comments([_classified(answer("no score"), None), _classified(answer(None))], {}))


def test_background_is_what_no_example_is_made_of(answer: Callable[..., ResponseRecorded]) -> None:
    answers = [_classified(answer(text)) for text in ("a", "b", None)]

    assert unlabelled(answers, [LabelledComment(text="a")]) == ["b"]
