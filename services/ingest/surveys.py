"""The hosted survey: can a request be answered, what does a form say, which revision has an answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from schemas.requests import SurveyRequested
from schemas.responses import FurtherAnswer, Order, ResponseRecorded, ResponseStatus, response_id
from schemas.scales import SCALES, Metric
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.ingest.acceptance import milliseconds
from services.ingest.api_keys import RESERVED_SOURCE

COMMENT_LIMIT = 5_000
FINAL_AFTER = timedelta(minutes=30)
"""A score whose page was never finished counts as it stands after this time."""
SCORE_ONLY = "score"
"""What the button says that sends the score before the rest of the page."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person said at one revision."""

    score: int
    comment: str
    revision: int
    first_answered_at: datetime
    answered_at: datetime
    further: FurtherAnswer | None = None
    provisional: bool = False
    """Only the score was sent so far, or nobody knows yet whether a person sent it."""
    retracted: bool = False
    """It was a scanner's."""


@dataclass(frozen=True, slots=True)
class SurveyState:
    """One survey request as ingest knows it. `request` is None while only its cancellation has arrived."""

    request_id: UUID
    request: SurveyRequested | None
    cancelled: bool
    answer: Answer | None
    sent_at: datetime | None = None
    """When the mail that invites was sent first."""

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


class Mistake(StrEnum):
    """What is wrong with a field."""

    NO_SCORE = "no_score"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, as far as it can be read; shown again when something is wrong with it."""

    score: int | None
    comment: str = ""
    further: str = ""
    """The answer to the second open question."""
    finished: bool = True
    """False: the score was sent before the rest of the page."""
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)
    """By field (`score`, `comment`, `further`)."""


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
    if previous is None or previous.retracted:
        return Form(clicked)
    score = previous.score if clicked is None else clicked
    return Form(score, previous.comment, previous.further.answer if previous.further else "")


def read_score(metric: Metric, given: str) -> int | None:
    """The score that a form or a link names; None when it is not on the metric's scale."""
    scale = SCALES[metric]
    readable = given.isascii() and given.isdigit() and len(given) <= len("10")
    return int(given) if readable and scale.lowest <= int(given) <= scale.highest else None


def read_form(metric: Metric, fields: Mapping[str, str]) -> Form:
    """Reads the posted form: a score on the metric's scale is required, all else is optional."""
    score = read_score(metric, fields.get("score", ""))
    texts = {
        name: fields.get(name, "").replace("\r\n", "\n").replace("\x00", "").strip()
        for name in ("comment", "further")
    }
    mistakes = {name: Mistake.TOO_LONG for name, text in texts.items() if len(text) > COMMENT_LIMIT}
    if score is None:
        mistakes = {"score": Mistake.NO_SCORE, **mistakes}
    return Form(score, **texts, finished=fields.get("part") != SCORE_ONLY, mistakes=mistakes)


def answered(
    previous: Answer | None,
    form: Form,
    now: datetime,
    *,
    further_question: str | None = None,
    doubtful: bool = False,
) -> Answer | None:
    """The answer after the form, one revision above the previous; None when it repeats the previous answer.

    A score that comes without the rest leaves the rest as it was. A doubtful answer without words is
    provisional. Raises ValueError for a form with mistakes.
    """
    if form.score is None or form.mistakes:
        raise ValueError("a form with mistakes is no answer")
    standing_answer = None if previous and previous.retracted else previous
    if standing_answer and not form.finished:
        comment, further = standing_answer.comment, standing_answer.further
    else:
        comment, further = form.comment, _further(further_question, form.further)
    finished = form.finished and not (doubtful and not comment)
    provisional = not finished and (standing_answer is None or standing_answer.provisional)
    answer = Answer(
        score=form.score,
        comment=comment,
        revision=milliseconds(now),
        first_answered_at=now,
        answered_at=now,
        further=further,
        provisional=provisional,
    )
    return _after(previous, answer) if previous else answer


def finished_by_time(answer: Answer, now: datetime) -> Answer:
    """A provisional answer once its time has passed: final as it stands, given when it was given."""
    return replace(said_again(answer, now), provisional=False)


def taken_back(answer: Answer, now: datetime) -> Answer:
    """A provisional answer that turned out to be a scanner's."""
    return replace(said_again(answer, now), provisional=False, retracted=True)


def said_again(answer: Answer, now: datetime) -> Answer:
    """The same answer in a new revision, for those who act on it by facts that have changed since."""
    return replace(answer, revision=max(milliseconds(now), answer.revision + 1))


def _after(previous: Answer, answer: Answer) -> Answer | None:
    later = replace(
        answer,
        revision=max(answer.revision, previous.revision + 1),
        first_answered_at=previous.first_answered_at,
    )
    as_before = replace(previous, revision=later.revision, answered_at=later.answered_at)
    return None if later == as_before else later


def _further(question: str | None, answer: str) -> FurtherAnswer | None:
    return FurtherAnswer(question=question, answer=answer) if question and answer else None


def step_taken(request: SurveyRequested, step: SurveyStep, at: datetime) -> SurveyStepOccurred:
    """What a survey request has come to."""
    return SurveyStepOccurred(
        request_id=request.request_id,
        person_key=request.person_key,
        program=request.program,
        channel=request.channel,
        reminder=request.reminder,
        step=step,
        occurred_at=at,
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
        further_answers=(answer.further,) if answer.further else (),
        language=request.language,
        responded_at=answer.answered_at,
        received_at=answer.answered_at,
        provisional=answer.provisional,
        status=ResponseStatus.RETRACTED if answer.retracted else ResponseStatus.ANSWERED,
        retraction_reason="bot" if answer.retracted else None,
        request_id=request.request_id,
        program=request.program,
        channel=request.channel,
        context=request.context,
    )
