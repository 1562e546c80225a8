"""What a person's answers count as: one place in every dimension, told anew whenever a fact changes. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.classified import ResponseClassified
from schemas.corrections import CorrectedField
from schemas.responses import ResponseStatus
from schemas.scales import Metric, group_of
from services.insights.definitions import LOST_STAGES
from services.insights.filters import Dimension, Within

DAY = "day"
"""The dimension that periods are chosen by; its values are days of the reporting time zone."""
FIRST = "first"
"""In place of the previous answer's group, where there is no such answer."""
NONE = "none"
"""In place of what has not come yet."""
GIVEN = "given"
CLOSES = "closes"
"""Of requests: the last day on which it can be answered."""
ANSWERED = "answered"
"""Of requests: yes or no."""
YES, NO = "yes", "no"
LOST_BEFORE, LOST_LATER = "before", "later"
"""Of lost customers: when they answered they were lost already, or stayed for more than a year."""


class Mark(NamedTuple):
    """A value of a dimension, as a bitmap tells it."""

    dimension: str
    value: str


@lru_cache(maxsize=100_000)
def _mark(dimension: str, value: str) -> Mark:
    """The same object every time: each answer has some twenty, and there are few different ones."""
    return Mark(dimension, value)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose answers they are, as far as figures tell people apart."""

    account_id: str | None = None
    segment: str | None = None
    cohort: str | None = None
    role: str | None = None
    stage: str | None = None
    products: Sequence[str] = ()
    internal: bool = False
    lost_since: datetime | None = None
    """When a lost stage was first told of them; it counts while theirs is one."""
    wishes: Sequence[str] = ()
    """Topics of their consents: what they offered to do for us, for one."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the person belongs to."""

    owner: str | None = None
    segment: str | None = None
    stage: str | None = None
    lost_since: datetime | None = None


_NO_ACCOUNT = Account()


class Answer(NamedTuple):
    """An answer as its newest record has it."""

    response_id: UUID
    state: str
    metric: str
    score: int | None
    responded_at: datetime
    is_forgotten: bool
    """Its person was forgotten after it was received."""
    account_id: str | None
    comment_revision: int
    program: str | None
    channel: str | None
    source: str
    request_id: UUID | None
    product: str | None
    sentiment: str | None
    themes: Sequence[str]
    functions: Sequence[str]


_WHEN = attrgetter("responded_at", "response_id")


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person put right in an answer of which they saw `revision`."""

    field: str
    revision: int
    after: Sequence[str]


@dataclass(frozen=True, slots=True)
class Care:
    """What the person heard from us about an answer."""

    contacted: bool = False
    """Somebody spoke or wrote to them."""
    mailed: bool = False
    """The product did."""
    missed: bool = False
    """The first contact came too late, or not yet."""
    advocacy: str | None = None
    """How far they came as an advocate, in the marketing platform's latest words."""


NO_CARE = Care()


@dataclass(frozen=True, slots=True)
class Asked:
    """A survey request, as far as it is known."""

    request_id: UUID
    program: str
    channel: str | None
    sent_at: datetime | None
    closes_at: datetime | None
    is_forgotten: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer, or a request, counts as."""

    marks: frozenset[Mark]


class Turn(NamedTuple):
    """An answer, and the same person's answers of the metric before and after it."""

    before: Answer | None
    answer: Answer
    after: Answer | None

    def values(self) -> tuple[str, str, str]:
        """What the neighbours make it count as, in the dimensions of `BETWEEN`."""
        before, answer, after = self
        return (
            FIRST if before is None else _group(before),
            NONE if after is None else _group(after),
            NONE if after is None else _turn(answer.score or 0, after.score or 0),
        )


BETWEEN = (Dimension.BEFORE, Dimension.NEXT, Dimension.TURN)
"""The dimensions that depend on a person's other answers."""


def state_of(event: ResponseClassified) -> str:
    """Whether an answer counts: only what is `given` does."""
    answer = event.response
    if answer.status is ResponseStatus.RETRACTED:
        return "retracted"
    if answer.test:
        return "test"
    if answer.score is None:
        return "skipped"
    return "provisional" if answer.provisional else GIVEN


def in_turn(answers: Iterable[Answer], person: Person) -> Iterator[Turn]:
    """The answers of a person that count, each between its neighbours of the same metric."""
    counted = sorted((one for one in answers if counts(one, person)), key=_WHEN)
    for metric in {one.metric for one in counted}:
        ordered = [one for one in counted if one.metric == metric]
        yield from map(Turn, [None, *ordered], ordered, [*ordered[1:], None])


def standing(
    turn: Turn,
    person: Person,
    accounts: Mapping[str, Account],
    corrections: Sequence[Correction],
    care: Care,
    *,
    zone: ZoneInfo,
) -> Standing:
    """What a counted answer counts as.

    The account is the profile's; where there is none, the one that the answer's source named.
    """
    answer = turn.answer
    day = answer.responded_at.astimezone(zone).date()
    account = accounts.get(person.account_id or answer.account_id or "", _NO_ACCOUNT)
    marks = {_mark(DAY, day.isoformat()), *_of_person(person, account)}
    marks.update(_of_answer(answer, person, corrections))
    marks.update(map(_mark, BETWEEN, turn.values()))
    marks.update(_of_care(care))
    marks.update(_mark(Dimension.WISH, wish) for wish in person.wishes)
    marks.update(_of_loss(answer, lost_since(person, account)))
    return Standing(frozenset(marks))


def asked_standing(
    person: Person, accounts: Mapping[str, Account], asked: Asked, zone: ZoneInfo, *, is_answered: bool
) -> Standing | None:
    """What a survey request counts as; None while it reached nobody, or somebody who is not counted."""
    if asked.sent_at is None or asked.closes_at is None or person.internal or asked.is_forgotten:
        return None
    day = asked.sent_at.astimezone(zone).date()
    closes = asked.closes_at.astimezone(zone).date()
    marks = {
        _mark(DAY, day.isoformat()),
        _mark(CLOSES, closes.isoformat()),
        _mark(ANSWERED, YES if is_answered else NO),
        _mark(Dimension.PROGRAM, asked.program),
        _mark(Dimension.CHANNEL, asked.channel or ""),
        *_of_person(person, accounts.get(person.account_id or "", _NO_ACCOUNT)),
    }
    return Standing(frozenset(marks))


def asked_about(metric: str) -> str:
    """The population of the requests that ask for a metric, beside that of its answers."""
    return f"asked {metric}"


def counts(answer: Answer, person: Person) -> bool:
    """Whether an answer is in the figures at all: colleagues' and forgotten people's are not."""
    return answer.state == GIVEN and not person.internal and not answer.is_forgotten


def answers_request(answer: Answer) -> bool:
    """Whether an answer is what a request waited for: also one whose score was skipped."""
    return answer.state in {GIVEN, "skipped"} and answer.request_id is not None and not answer.is_forgotten


def stage_of(person: Person, account: Account) -> str:
    """The person's own stage, else the account's; who is lost as an account is lost."""
    if account.stage in LOST_STAGES:
        return account.stage
    return person.stage or account.stage or ""


def lost_since(person: Person, account: Account) -> datetime | None:
    """Since when they are no customer any more; None: they are."""
    losses = [one.lost_since for one in (person, account) if one.stage in LOST_STAGES and one.lost_since]
    return min(losses, default=None)


def _of_person(person: Person, account: Account) -> Iterator[Mark]:
    yield _mark(Dimension.SEGMENT, person.segment or account.segment or "")
    yield _mark(Dimension.COHORT, person.cohort or "")
    yield _mark(Dimension.ROLE, person.role or "")
    yield _mark(Dimension.STAGE, stage_of(person, account))
    yield _mark(Dimension.OWNER, account.owner or "")


def _of_answer(answer: Answer, person: Person, corrections: Sequence[Correction]) -> Iterator[Mark]:
    only_product = person.products[0] if len(person.products) == 1 else ""
    yield _mark(Dimension.PRODUCT, answer.product or only_product)
    yield _mark(Dimension.PROGRAM, answer.program or "")
    yield _mark(Dimension.CHANNEL, answer.channel or "")
    yield _mark(Dimension.SOURCE, answer.source)
    yield _mark(Dimension.SCORE, str(answer.score))
    yield _mark(Dimension.GROUP, _group(answer))
    corrected = {one.field: one.after for one in corrections if one.revision >= answer.comment_revision}
    sentiment = corrected.get(CorrectedField.SENTIMENT, (answer.sentiment,) if answer.sentiment else ())
    yield _mark(Dimension.SENTIMENT, sentiment[0] if sentiment else "")
    for theme in corrected.get(CorrectedField.THEMES, answer.themes):
        yield _mark(Dimension.THEME, theme)
    for function in corrected.get(CorrectedField.FUNCTIONS, answer.functions):
        yield _mark(Dimension.FUNCTION, function)


def _of_care(care: Care) -> Iterator[Mark]:
    yield _mark(Dimension.HEARD_BACK, "contacted" if care.contacted else "mailed" if care.mailed else NONE)
    yield _mark(Dimension.SLA, "missed" if care.missed else "met" if care.contacted else "")

    if care.advocacy is not None:
        yield _mark(Dimension.ADVOCACY, care.advocacy)


def _of_loss(answer: Answer, since: datetime | None) -> Iterator[Mark]:
    if since is None:
        return
    if since <= answer.responded_at:
        yield _mark(Dimension.LOST_AFTER, LOST_BEFORE)
        return
    reached = [days for days in Within if since - answer.responded_at <= timedelta(days=days.days)]
    yield _mark(Dimension.LOST_AFTER, reached[0] if reached else LOST_LATER)


def _turn(score: int, following: int) -> str:
    if score == following:
        return "same"
    return "higher" if following > score else "lower"


def _group(answer: Answer) -> str:
    return _group_of(answer.metric, answer.score or 0)


@lru_cache
def _group_of(metric: str, score: int) -> str:
    return group_of(Metric(metric), score).value
