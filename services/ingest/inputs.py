"""What callers may send: the bodies of the HTTP API. Strict, and unknown fields are refused.

`now` is passed as validation context; without it times are not compared with the clock.
"""

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.event import Effects
from schemas.lifecycle import Moment
from schemas.responses import ResponseStatus
from schemas.scales import SCALES, Metric

CLOCK_TOLERANCE = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

# PostgreSQL cannot store U+0000, so it is refused before it reaches a topic.
_NO_NUL = r"^[^\x00]*$"

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=_NO_NUL)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=_NO_NUL)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=256, pattern=_NO_NUL)]
Comment = Annotated[str, StringConstraints(max_length=20_000, pattern=_NO_NUL)]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$"
    ),
]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
Context = Annotated[dict[Word, Line], Field(max_length=50)]
_Exact = Field(ge=-(2**53), le=2**53)
Traits = Annotated[
    dict[Word, Line | bool | Annotated[int, _Exact] | Annotated[float, _Exact]], Field(max_length=100)
]


def _written_out(value: object) -> object:
    # pydantic would read 1763800000 and "1763800000" as seconds since 1970.
    if not isinstance(value, str) or "-" not in value[1:]:
        raise PydanticCustomError("datetime_parsing", "no date")
    return value


def _plausible(given: datetime, info: ValidationInfo) -> datetime:
    if not MINYEAR < given.year < MAXYEAR:
        raise PydanticCustomError("out_of_range", "a time after 2000-01-01 that has passed")
    # In UTC from here on: between two time zones each comparison would work out both offsets anew.
    value = given.astimezone(UTC)
    if value < EARLIEST:
        raise PydanticCustomError("too_early", "a time after 2000-01-01")
    now: datetime | None = info.context and info.context["now"]
    if now is not None and value > now + CLOCK_TOLERANCE:
        raise PydanticCustomError(
            "in_the_future",
            "a time that has passed (it is {now} here; 5 minutes of difference are allowed)",
            {"now": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
        )
    return value


Past = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_plausible)
]
"""A time with an offset, at most 5 minutes ahead of the business clock."""


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class RespondentInput(Body):
    """Who answered. The strongest identifier given counts: customer_id, else email, else visitor_id."""

    customer_id: Id | None = None
    """Your own id of the person."""
    email: Email | None = None
    name: Line | None = None
    visitor_id: Id | None = None
    """The survey tool's id of somebody you do not know otherwise."""


class ResponseInput(Body):
    """An answer to a survey. Send it again with a later `updated_at` to change it."""

    metric: Metric
    """nps (0 to 10), csat (1 to 5) or ces (1 to 7, 7 is easiest)."""
    score: int | None = None
    """Null where the person skipped the question but left a comment."""
    comment: Comment | None = None
    source_id: Id | None = None
    """Your own id of this answer. Required unless an Idempotency-Key header is sent."""
    responded_at: Past | None = None
    """When the person answered (RFC 3339 with an offset); default: now."""
    updated_at: Past | None = None
    """When the answer last changed; default: `responded_at`, else now. A higher one replaces a lower one."""
    respondent: RespondentInput = RespondentInput()
    account_id: Id | None = None
    language: Language | None = None
    """BCP 47 tag of the comment, e.g. en or pt-BR."""
    program: Word | None = None
    channel: Annotated[Word, Field(max_length=32)] | None = None
    """E.g. email, in_app, sms."""
    context: Context = Field(default_factory=dict)
    """What the question was about, e.g. a case id or a release."""
    status: ResponseStatus = ResponseStatus.ANSWERED
    """`retracted` withdraws an earlier answer."""
    retraction_reason: Annotated[Line, Field(max_length=200)] | None = None
    test: bool = False
    """A test answer: kept, never counted."""
    effects: Effects = Effects.DELIVER
    """`record` keeps the answer without alerting anybody."""

    @field_validator("score")
    @classmethod
    def _on_scale(cls, score: int | None, info: ValidationInfo) -> int | None:
        metric = info.data.get("metric")
        if score is None or metric is None:
            return score
        scale = SCALES[metric]
        if not scale.lowest <= score <= scale.highest:
            raise PydanticCustomError(
                "off_scale",
                "a whole number from {lowest} to {highest} for {metric}",
                {"lowest": scale.lowest, "highest": scale.highest, "metric": metric.value},
            )
        return score

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.status is ResponseStatus.ANSWERED and self.score is None and not self.comment:
            raise PydanticCustomError("says_nothing", "a score, a comment or both")
        return self


class LifecycleEventInput(Body):
    """Something that happened to a person or an account. A later `updated_at` corrects it."""

    moment: Moment
    source_id: Id | None = None
    """Your own id of this event. Required unless an Idempotency-Key header is sent."""
    occurred_at: Past | None = None
    """When it happened (RFC 3339 with an offset); default: now."""
    updated_at: Past | None = None
    """When the record last changed; default: `occurred_at`, else now. A higher one replaces a lower one."""
    customer_id: Id | None = None
    """Your own id of the person it happened to."""
    email: Email | None = None
    """The person's address, where you have no id."""
    account_id: Id | None = None
    retracted: bool = False
    """It never happened, e.g. a purchase that was cancelled."""
    context: Context = Field(default_factory=dict)
    """Travels on to the survey request and the answer, e.g. a case id or a release."""

    @model_validator(mode="after")
    def _happened_to_somebody(self) -> Self:
        company_wide = self.moment is Moment.RELEASE_LAUNCHED
        if not (company_wide or self.customer_id or self.email or self.account_id):
            raise PydanticCustomError("no_subject", "customer_id, email or account_id: who is it about?")
        return self


class ConsentInput(Body):
    """Something the person agreed to."""

    topic: Word
    """E.g. review, referral, case_study."""
    wording: Annotated[str, StringConstraints(max_length=2_000, pattern=_NO_NUL)]
    """The words the person saw."""
    given_at: Past


class OptOutInput(Body):
    """A survey the person does not want."""

    program: Word | None = None
    """Null: no survey at all."""
    reason: Word = "asked"
    since: Past


class IdentifierInput(Body):
    """One identifier of a person."""

    customer_id: Id | None = None
    email: Email | None = None
    visitor_id: Id | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for value in (self.customer_id, self.email, self.visitor_id)) != 1:
            raise PydanticCustomError("not_one", "one of customer_id, email or visitor_id")
        return self


class ProfileInput(Body):
    """What you know about a person. Replaces what was sent before; consents and opt-outs are only added."""

    same_as: Annotated[list[IdentifierInput], Field(max_length=20)] = []
    """Other identifiers of the same person, e.g. of a duplicate: their histories become one for ever."""
    email: Email | None = None
    name: Line | None = None
    phone: Annotated[Line, Field(max_length=64)] | None = None
    language: Language | None = None
    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]+$", max_length=64)] | None = None
    """IANA name, e.g. Europe/Berlin."""
    account_id: Id | None = None
    role: Word | None = None
    """E.g. key_contact, end_user, buyer."""
    segment: Word | None = None
    cohort: Word | None = None
    stage: Word | None = None
    """E.g. prospect, new_customer, renewal, advocate, lost."""
    products: Annotated[list[Word], Field(max_length=100)] = []
    traits: Traits = Field(default_factory=dict)
    consents: Annotated[list[ConsentInput], Field(max_length=50)] = []
    opt_outs: Annotated[list[OptOutInput], Field(max_length=50)] = []
    internal: bool = False
    """A colleague or a test person: never asked, never counted."""


class IdentifiedProfileInput(ProfileInput):
    """A person of a batch."""

    customer_id: Id
    """Your own id of the person."""


class AccountInput(Body):
    """What you know about a company you serve. It replaces what was sent before."""

    name: Line | None = None
    owner_email: Email | None = None
    """The owner in sales."""
    csm_email: Email | None = None
    """The customer success manager."""
    segment: Word | None = None
    stage: Word | None = None
    arr: Annotated[float, Field(ge=0, le=1e15)] | None = None
    """Annual recurring revenue in `currency`."""
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = None
    """ISO 4217, e.g. EUR."""
    renewal_date: date | None = None
    health: Word | None = None
    salesforce_id: Annotated[str, StringConstraints(pattern="^([A-Za-z0-9]{15}|[A-Za-z0-9]{18})$")] | None = (
        None
    )
    """15 or 18 characters."""
    traits: Traits = Field(default_factory=dict)


class IdentifiedAccountInput(AccountInput):
    """An account of a batch."""

    account_id: Id
    """Your own id of the account."""


def context(now: datetime) -> dict[str, Any]:
    """Validation context: the business clock's time."""
    return {"now": now}
