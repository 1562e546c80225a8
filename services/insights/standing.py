"""What a person's answers count as: one place in every dimension, told anew whenever a fact changes. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.classified import ResponseClassified
from schemas.corrections import CorrectedField
from schemas.responses import ResponseStatus
from schemas.scales import Metric, group_of
from services.insights.definitions import LOST_STAGES
from services.insights.filters import Dimension

DAY = "day"
"""The dimension that periods are chosen by; its values are days of the reporting time zone."""
FIRST = "first"
"""In place of the previous answer's group, where there is no such answer."""
GIVEN = "given"


class Mark(NamedTuple):
    """A value of a dimension, as a bitmap tells it."""

    dimension: str
    value: str


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


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the person belongs to."""

    owner: str | None = None
    segment: str | None = None
    stage: str | None = None


_NO_ACCOUNT = Account()


@dataclass(frozen=True, slots=True)
class Answer:
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
    product: str | None
    sentiment: str | None
    themes: Sequence[str]
    functions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person put right in an answer of which they saw `revision`."""

    field: str
    revision: int
    after: Sequence[str]


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer counts as."""

    day: date
    marks: frozenset[Mark]


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


def standings(
    person: Person,
    accounts: Mapping[str, Account],
    answers: Iterable[Answer],
    corrections: Mapping[UUID, Sequence[Correction]],
    zone: ZoneInfo,
) -> dict[UUID, Standing]:
    """What each of a person's answers counts as; those that count for nothing are left out.

    The account is the profile's; where there is none, the one that the answer's source named.
    """
    found: dict[UUID, Standing] = {}
    previous: dict[str, Answer] = {}
    for answer in sorted(answers, key=lambda one: (one.responded_at, str(one.response_id))):
        if not counts(answer, person):
            continue
        day = answer.responded_at.astimezone(zone).date()
        account = accounts.get(person.account_id or answer.account_id or "", _NO_ACCOUNT)
        marks = {Mark(DAY, day.isoformat()), *_of_person(person, account)}
        marks.update(_of_answer(answer, person, corrections.get(answer.response_id, ())))
        marks.add(Mark(Dimension.BEFORE, _group(previous.get(answer.metric))))
        previous[answer.metric] = answer
        found[answer.response_id] = Standing(day, frozenset(marks))
    return found


def counts(answer: Answer, person: Person) -> bool:
    """Whether an answer is in the figures at all: colleagues' and forgotten people's are not."""
    return answer.state == GIVEN and not person.internal and not answer.is_forgotten


def stage_of(person: Person, account: Account) -> str:
    """The person's own stage, else the account's; who is lost as an account is lost."""
    if account.stage in LOST_STAGES:
        return account.stage
    return person.stage or account.stage or ""


def _of_person(person: Person, account: Account) -> Iterator[Mark]:
    yield Mark(Dimension.SEGMENT, person.segment or account.segment or "")
    yield Mark(Dimension.COHORT, person.cohort or "")
    yield Mark(Dimension.ROLE, person.role or "")
    yield Mark(Dimension.STAGE, stage_of(person, account))
    yield Mark(Dimension.OWNER, account.owner or "")


def _of_answer(answer: Answer, person: Person, corrections: Sequence[Correction]) -> Iterator[Mark]:
    only_product = person.products[0] if len(person.products) == 1 else ""
    yield Mark(Dimension.PRODUCT, answer.product or only_product)
    yield Mark(Dimension.PROGRAM, answer.program or "")
    yield Mark(Dimension.CHANNEL, answer.channel or "")
    yield Mark(Dimension.SOURCE, answer.source)
    yield Mark(Dimension.SCORE, str(answer.score))
    yield Mark(Dimension.GROUP, _group(answer))
    corrected = {one.field: one.after for one in corrections if one.revision >= answer.comment_revision}
    sentiment = corrected.get(CorrectedField.SENTIMENT, (answer.sentiment,) if answer.sentiment else ())
    yield Mark(Dimension.SENTIMENT, sentiment[0] if sentiment else "")
    for theme in corrected.get(CorrectedField.THEMES, answer.themes):
        yield Mark(Dimension.THEME, theme)
    for function in corrected.get(CorrectedField.FUNCTIONS, answer.functions):
        yield Mark(Dimension.FUNCTION, function)


def _group(answer: Answer | None) -> str:
    if answer is None or answer.score is None:
        return FIRST
    return group_of(Metric(answer.metric), answer.score).value
