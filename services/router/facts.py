"""The facts a plan is made from: what rules may test and templates may show.

Every field is declared here, so that a rule or template naming an unknown one is refused when it is loaded.
A fact that is not known is None here and absent in CEL, where `has(account.arr)` tests for it.
"""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from runtime.expressions import Vocabulary
from schemas.scales import Group, Metric
from services.router.movement import Crossing, Movement

Trait = str | int | float | bool


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class FurtherAnswerFacts(_Facts):
    """What the person answered to one more open question of the survey."""

    question: str
    answer: str
    """In the person's own words: see `ResponseFacts.comment`."""
    masked_answer: str | None = None
    """With personal details masked."""


class ResponseFacts(_Facts):
    """The answer, as the best revision known has it."""

    id: UUID
    revision: int
    source: str
    metric: Metric
    score: int | None = None
    group: Group | None = None
    comment: str | None = None
    """In the person's own words: for people who work with this customer, never for a wide channel."""
    masked_comment: str | None = None
    """The comment with personal details masked."""
    further_answers: tuple[FurtherAnswerFacts, ...] = ()
    themes: tuple[str, ...] = ()
    sentiment: str | None = None
    """positive, neutral or negative."""
    functions: tuple[str, ...] = ()
    urgency: str = "normal"
    """normal or high."""
    mentions: tuple[str, ...] = ()
    language: str | None = None
    program: str | None = None
    channel: str | None = None
    request_id: UUID | None = None
    responded_at: datetime
    received_at: datetime
    context: dict[str, str] = Field(default_factory=dict)
    movement: Movement | None = None
    """first, up, down or same, against `previous`; not known for an answer without a score."""
    crossed: Crossing | None = None
    """to_detractor, to_passive or to_promoter where `previous` was in another group, else not known."""


class PreviousFacts(_Facts):
    """A scored answer the person gave to the same metric before."""

    score: int
    group: Group
    responded_at: datetime


class ProfileFacts(_Facts):
    """The person; a respondent without a profile has what came with the answer."""

    key: str
    """Pseudonymous person key."""
    customer_id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    time_zone: str | None = None
    role: str | None = None
    segment: str | None = None
    cohort: str | None = None
    stage: str | None = None
    products: tuple[str, ...] = ()
    internal: bool = False
    consents: tuple[str, ...] = ()
    """What the person agreed to, e.g. reference, case_study."""
    tenure_days: int | None = None
    """Days since the trait `customer_since` (a date) of the person, else of the account."""
    traits: dict[str, Trait] = Field(default_factory=dict)


class AccountFacts(_Facts):
    """The company the person belongs to."""

    id: str
    name: str | None = None
    owner_email: str | None = None
    csm_email: str | None = None
    segment: str | None = None
    stage: str | None = None
    arr: float | None = None
    """Annual recurring revenue, in `currency`."""
    currency: str | None = None
    renewal_date: date | None = None
    days_to_renewal: int | None = None
    """Negative once the date has passed."""
    health: str | None = None
    salesforce_id: str | None = None
    traits: dict[str, Trait] = Field(default_factory=dict)


class OwnerFacts(_Facts):
    """The colleague who looks after this customer."""

    id: str | None = None
    """Their id in people.yaml; not known for an address that stands only with the account."""
    name: str | None = None
    email: str | None = None


class OpenFollowUps(_Facts):
    """Follow-ups that are not resolved, without that of the answer itself."""

    person: int = 0
    account: int = 0
    """Those of everybody in the account, the person's included."""


class SurveyFacts(_Facts):
    """The survey a person is to be asked."""

    request_id: UUID
    program: str
    metric: Metric
    channel: str
    question: str
    follow_up_question: str
    why_we_ask: str
    language: str
    requested_at: datetime
    expires_at: datetime
    """After this it is not sent any more."""
    closes_at: datetime
    """After this it cannot be answered any more."""
    url: str
    """The person's own link to the hosted survey; opening it answers nothing."""
    unsubscribe_url: str
    """One-click unsubscribe target (RFC 8058): acts on POST only."""
    reminder: int = 0
    """0 when it is first asked, then which reminder it is."""
    context: dict[str, str] = Field(default_factory=dict)


class Facts(_Facts):
    """All that is known when an answer or a survey request is planned: one of `response`, `survey` is set."""

    response: ResponseFacts | None = None
    survey: SurveyFacts | None = None
    profile: ProfileFacts
    account: AccountFacts | None = None
    owner: OwnerFacts | None = None
    previous: PreviousFacts | None = None
    """The latest of `earlier`."""
    open_follow_ups: OpenFollowUps = OpenFollowUps()
    earlier: tuple[PreviousFacts, ...] = ()
    """The person's scored answers of the metric before this one, newest first, at most three."""
    asked: dict[str, datetime] = Field(default_factory=dict)
    """When an action that may not come too often was last planned for the person, by action id; what this
    answer itself asked for left out.
    """


VOCABULARY = Vocabulary(Facts)
"""What the conditions of rules may name."""
