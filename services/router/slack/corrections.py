"""What "not useful" says to the classifier: one correction for each thing that is put right. Pure."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from schemas.corrections import ClassificationCorrected, CorrectedField
from services.router.corrections import Read, correction
from services.router.slack.content import Card
from services.router.slack.requests import Submitted

USEFUL = "useful"
NOT_USEFUL = "not_useful"


def corrections(
    submitted: Submitted, card: Card, *, actor: str, now: datetime
) -> Iterator[ClassificationCorrected]:
    """The corrections of a form: that the card was of no use and why, and each field that was changed.

    The same correction by the same person of the same revision has one id, however often it is sent.
    """
    seen = card.seen
    reason = submitted.text("reason") or "other"
    stated: list[tuple[CorrectedField, tuple[str, ...], tuple[str, ...]]] = [
        (CorrectedField.USEFULNESS, (USEFUL,), (NOT_USEFUL, reason))
    ]
    themes, functions = submitted.values("themes"), submitted.values("functions")
    if themes is not None:
        stated.append((CorrectedField.THEMES, seen.themes, themes))
    sentiment = submitted.text("sentiment")
    if sentiment is not None:
        stated.append((CorrectedField.SENTIMENT, (seen.sentiment,) if seen.sentiment else (), (sentiment,)))
    if functions is not None:
        stated.append((CorrectedField.FUNCTIONS, seen.functions, functions))
    read = Read(UUID(card.subject.partition(":")[2]), card.person_key, seen.revision)
    for field, before, after in stated:
        event = correction(read, field, before, after, actor=actor, now=now)
        if event is not None:
            yield event
