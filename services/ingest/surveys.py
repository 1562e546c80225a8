"""The hosted survey: can a request be answered, what does a form say, which revision has an answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from schemas.requests import SurveyRequested
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import SCALES, Metric
from services.ingest.acceptance import milliseconds
from services.ingest.api_keys import RESERVED_SOURCE

COMMENT_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person said at one revision."""

    score: int
    comment: str
    revision: int
    first_answered_at: datetime
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class SurveyState:
    """One survey request as ingest knows it. `request` is None while only its cancellation has arrived."""

    request_id: UUID
    request: SurveyRequested | None
    cancelled: bool
    answer: Answer | None

    @property
    def open_request(self) -> SurveyRequested:
        """The request of a state that is open. Raises ValueError for another."""
        if self.request is None:
            raise ValueError("the request has not arrived")
        return self.request


class Standing(StrEnum):
    """Whether a request can be answered now."""

    OPEN = "open"
    UNKNOWN = "unknown"
    """Not projected yet: the person was quicker than the topic."""
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, as far as it can be read; shown again when something is wrong with it."""

    score: int | None
    comment: str
    errors: Mapping[str, str]
    """By field (`score`, `comment`): what to do about it."""


def standing(state: SurveyState | None, now: datetime) -> Standing:
    """Whether the request can be answered at `now` (business clock)."""
    if state is None:
        return Standing.UNKNOWN
    if state.cancelled:
        return Standing.CANCELLED
    if state.request is None:
        return Standing.UNKNOWN
    return Standing.OPEN if now < state.request.closes_at else Standing.CLOSED


def blank_form(previous: Answer | None, clicked: int | None = None) -> Form:
    """The form before anything is filled in: an earlier answer, so that sending it again keeps it.

    `clicked` is the score that the link in the mail named. It is selected, never recorded.
    """
    score, comment = (previous.score, previous.comment) if previous else (None, "")
    return Form(score if clicked is None else clicked, comment, {})


def read_score(metric: Metric, given: str) -> int | None:
    """The score that a form or a link names; None when it is not on the metric's scale."""
    scale = SCALES[metric]
    readable = given.isascii() and given.isdigit() and len(given) <= len("10")
    return int(given) if readable and scale.lowest <= int(given) <= scale.highest else None


def read_form(metric: Metric, fields: Mapping[str, str]) -> Form:
    """Reads the posted form: a score on the metric's scale is required, a comment is optional."""
    scale = SCALES[metric]
    errors: dict[str, str] = {}
    score = read_score(metric, fields.get("score", ""))
    if score is None:
        errors["score"] = f"Please choose a number from {scale.lowest} to {scale.highest}."
    comment = fields.get("comment", "").replace("\r\n", "\n").replace("\x00", "").strip()
    if len(comment) > COMMENT_LIMIT:
        errors["comment"] = (
            f"Please shorten your comment to {COMMENT_LIMIT:,} characters; it has {len(comment):,} now."
        )
    return Form(score=score, comment=comment, errors=errors)


def answered(previous: Answer | None, form: Form, now: datetime) -> Answer | None:
    """The answer after the form, one revision above the previous; None when it repeats the previous answer.

    Raises ValueError for a form with errors.
    """
    if form.score is None or form.errors:
        raise ValueError("a form with errors is no answer")
    if previous and (previous.score, previous.comment) == (form.score, form.comment):
        return None
    last = previous.revision if previous else 0
    return Answer(
        score=form.score,
        comment=form.comment,
        revision=max(milliseconds(now), last + 1),
        first_answered_at=previous.first_answered_at if previous else now,
        answered_at=now,
    )


def survey_response(request: SurveyRequested, answer: Answer) -> ResponseRecorded:
    """The response that an answer to one of our own surveys is."""
    source_id = str(request.request_id)
    return ResponseRecorded(
        response_id=response_id(RESERVED_SOURCE, source_id),
        person_key=request.person_key,
        account_id=request.account_id,
        source=RESERVED_SOURCE,
        source_id=source_id,
        order=Order(revision=answer.revision, tie=milliseconds(answer.first_answered_at)),
        metric=request.metric,
        score=answer.score,
        comment=answer.comment or None,
        language=request.language,
        responded_at=answer.answered_at,
        received_at=answer.answered_at,
        request_id=request.request_id,
        program=request.program,
        channel=request.channel,
        context=request.context,
    )
