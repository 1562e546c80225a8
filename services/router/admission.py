"""Which revisions of an answer or a survey request are planned, and which are only recorded. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.router.occasion import Occasion


class Standing(StrEnum):
    """Whether an answer stands."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    """The page is not finished: what it asks for waits."""
    TEST = "test"
    RETRACTED = "retracted"
    """Also: the survey request was cancelled."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A revision of a response or of a survey request, as the ledger sees either.

    `key` orders the revisions of one subject, its first number is the revision. `happened_at` is when the
    person answered or the request was made; after `expires_at` nothing is created any more.
    """

    subject: str
    occasion: Occasion
    person_key: str
    account_id: str | None
    key: tuple[int, int, int, int]
    delivers: bool
    standing: Standing
    happened_at: datetime
    expires_at: datetime | None = None

    @property
    def revision(self) -> int:
        """The subject's revision."""
        return self.key[0]


@dataclass(frozen=True, slots=True)
class SubjectState:
    """What was seen of a subject so far: the highest key of all, and the highest revision planned with
    effects.
    """

    highest: tuple[int, ...] = ()
    delivered_revision: int | None = None
    cancelled: bool = False


class Course(StrEnum):
    """What to do with an occurrence."""

    IGNORE = "ignore"
    RECORD = "record"
    DELIVER = "deliver"


def admit(state: SubjectState, occurrence: Occurrence) -> Course:
    """Whether an occurrence is planned, only recorded, or known already.

    A record raises the highest key and never the delivered revision, so that it cannot hide an alert: a
    delivering occurrence above the delivered revision is planned even when a record with a higher key came
    first. A cancelled subject stays cancelled.
    """
    is_newer = occurrence.key > state.highest
    if not occurrence.delivers or occurrence.standing is Standing.PROVISIONAL:
        return Course.RECORD if is_newer else Course.IGNORE
    if state.cancelled:
        return Course.IGNORE
    if is_newer or state.delivered_revision is None or occurrence.revision > state.delivered_revision:
        return Course.DELIVER
    return Course.IGNORE


def advance(state: SubjectState, occurrence: Occurrence, course: Course) -> SubjectState:
    """The subject's state after the occurrence."""
    if course is Course.IGNORE:
        return state
    delivered = state.delivered_revision
    if course is Course.DELIVER:
        delivered = max(occurrence.revision, -1 if delivered is None else delivered)
    is_cancellation = (
        occurrence.occasion is Occasion.SURVEY_REQUEST and occurrence.standing is Standing.RETRACTED
    )
    return SubjectState(
        highest=max(state.highest, occurrence.key),
        delivered_revision=delivered,
        cancelled=state.cancelled or is_cancellation,
    )


def state_after(occurrences: Iterable[Occurrence]) -> SubjectState:
    """The state of a subject that was never heard of before these, which come in this order."""
    state = SubjectState()
    for occurrence in occurrences:
        state = advance(state, occurrence, admit(state, occurrence))
    return state
