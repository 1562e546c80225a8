"""What a company's own past teaches: corrections that people made, and the scores beside the words. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from uuid import UUID

from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected, CorrectedField
from schemas.scales import GROUPS
from services.classifier.examples import FeltComment, Label, LabelledComment

SCORES_WEIGH = 0.3
"""A score says how somebody feels, not how the words read."""
_SIGNS = {"negative": -1, "neutral": 0, "positive": 1}

Latest = Mapping[tuple[UUID, CorrectedField], ClassificationCorrected]


def latest(corrections: Iterable[ClassificationCorrected]) -> Latest:
    """Of each response and field the correction that was made last."""
    found: dict[tuple[UUID, CorrectedField], ClassificationCorrected] = {}
    for one in sorted(corrections, key=lambda each: each.corrected_at):
        found[one.response_id, one.field] = one
    return found


def corrected_examples(
    answers: Iterable[ResponseClassified], corrections: Latest, known: Set[str]
) -> Iterator[LabelledComment]:
    """Comments whose themes a person put right, with all their themes; `known` are the taxonomy's.

    What was corrected before the answer changed says nothing of the answer as it is now.
    """
    for answer in answers:
        correction = _of(answer, CorrectedField.THEMES, corrections)
        if correction is None or not answer.response.comment:
            continue
        polarities = {tag.theme: tag.polarity for tag in answer.themes}
        yield LabelledComment(
            text=answer.response.comment,
            labels=tuple(
                Label(theme=theme, polarity=polarities.get(theme))
                for theme in correction.after
                if theme in known
            ),
            language=answer.language,
        )


def felt_comments(answers: Iterable[ResponseClassified], corrections: Latest) -> Iterator[FeltComment]:
    """How people felt: as somebody put it right, else as their score has it, which weighs less."""
    for answer in answers:
        comment = answer.response.comment
        if not comment:
            continue
        correction = _of(answer, CorrectedField.SENTIMENT, corrections)
        if correction is not None and correction.after and correction.after[0] in _SIGNS:
            yield FeltComment(comment, _SIGNS[correction.after[0]], answer.language)
        elif answer.group is not None:
            sign = GROUPS[answer.response.metric].index(answer.group) - 1
            yield FeltComment(comment, sign, answer.language, SCORES_WEIGH)


def unlabelled(answers: Iterable[ResponseClassified], examples: Sequence[LabelledComment]) -> list[str]:
    """Comments that no example is made of."""
    labelled = {example.text for example in examples}
    comments = (answer.response.comment for answer in answers)
    return [comment for comment in comments if comment and comment not in labelled]


def _of(
    answer: ResponseClassified, field: CorrectedField, corrections: Latest
) -> ClassificationCorrected | None:
    found = corrections.get((answer.response.response_id, field))
    return found if found is not None and found.revision == answer.response.order.revision else None
