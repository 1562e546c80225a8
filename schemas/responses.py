"""`feedback.responses.v1`: what a person answered."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from schemas.event import NAMESPACE, Contract, Effects, Event, PersonKey, UtcDatetime, derived_id
from schemas.scales import SCALES, Metric


class ResponseStatus(StrEnum):
    """Whether the answer stands."""

    ANSWERED = "answered"
    RETRACTED = "retracted"


class Order(Contract):
    """Which of two records of a response is newer: compared field by field, an equal order is a duplicate."""

    revision: int = Field(ge=0)
    """The source's own clock, usually its modification time in milliseconds since 1970."""
    tie: int = Field(ge=0)
    """First receipt, milliseconds since 1970; decides between equal revisions."""
    mapping_version: int = Field(default=1, ge=1)
    """Version of the code that read the vendor's body."""

    def key(self) -> tuple[int, int, int]:
        """The fields in the order in which they are compared."""
        return (self.revision, self.tie, self.mapping_version)


class Respondent(Contract):
    """Who answered, as the source named them. Personal: never in a header, a log or a metric."""

    customer_id: str | None = Field(default=None, max_length=256)
    """The company's own id of the person."""
    email: str | None = Field(default=None, max_length=320)
    """Address as the source gave it."""
    name: str | None = Field(default=None, max_length=256)
    """Display name as the source gave it."""
    visitor_id: str | None = Field(default=None, max_length=256)
    """The vendor's id of somebody who is not known otherwise."""


class FurtherAnswer(Contract):
    """What the person answered to one more open question of the same survey."""

    question: str = Field(min_length=1, max_length=500)
    """As the person read it."""
    answer: str = Field(min_length=1, max_length=20_000)
    """As written."""


class ResponseRecorded(Event):
    """An answer as it stands at one revision: new, edited, commented later, or retracted."""

    TOPIC: ClassVar[str] = "feedback.responses.v1"
    TYPE: ClassVar[str] = "feedback.response.recorded.v1"

    response_id: UUID
    """UUIDv5 of the source's name and the source's own id."""
    person_key: PersonKey
    """Who answered."""
    account_id: str | None = Field(default=None, max_length=256)
    """The account the source named."""
    source: str = Field(min_length=1, max_length=64)
    """Configured name of where the answer came from."""
    source_id: str = Field(min_length=1, max_length=256)
    """The source's own id of the answer."""
    order: Order
    """Which of two records of this response is newer."""
    effects: Effects = Effects.DELIVER
    """Whether this record may cause anything outside."""
    status: ResponseStatus = ResponseStatus.ANSWERED
    """Whether the answer stands."""
    retraction_reason: str | None = Field(default=None, max_length=200)
    """E.g. bot, duplicate, test."""
    metric: Metric
    """Which standard question."""
    score: int | None = None
    """Null where the question was skipped."""
    comment: str | None = Field(default=None, max_length=20_000)
    """The open answer, as written."""
    further_answers: tuple[FurtherAnswer, ...] = ()
    """Answers to further questions, in the order in which they were asked."""
    language: str | None = Field(default=None, max_length=35)
    """BCP 47 tag the source gave."""
    responded_at: UtcDatetime
    """When the person answered, UTC."""
    received_at: UtcDatetime
    """When ingest first had it."""
    provisional: bool = False
    """The score was given, the page not finished: alerts wait."""
    test: bool = False
    """Somebody trying it out: recorded, never counted."""
    request_id: UUID | None = None
    """The survey request it answers."""
    program: str | None = Field(default=None, max_length=64)
    """Id of the survey program, where there is one."""
    channel: str | None = Field(default=None, max_length=32)
    """E.g. email, in_app, web."""
    respondent: Respondent = Respondent()
    """The person as the source named them."""
    context: dict[str, str] = Field(default_factory=dict)
    """What the question was about, e.g. a case id or a release."""

    @model_validator(mode="after")
    def _score_on_scale(self) -> "ResponseRecorded":
        if self.score is not None:
            scale = SCALES[self.metric]
            if not scale.lowest <= self.score <= scale.highest:
                raise ValueError(f"score: {self.metric} runs from {scale.lowest} to {scale.highest}")
        return self

    def event_key(self) -> str:
        """The person, so that one person's answers keep their order."""
        return self.person_key

    def event_id(self) -> str:
        """Of the response and its order."""
        return str(derived_id(self.response_id, *self.order.key()))

    def event_time(self) -> datetime:
        """When the person answered."""
        return self.responded_at


def response_id(source: str, source_id: str) -> UUID:
    """The id a response has for ever: of its source's configured name and the source's own id."""
    return derived_id(NAMESPACE, "response", source, source_id)
