"""What the conditions of programs.yaml may test: CEL over what is known of a person, as in rules.yaml."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from runtime.expressions import Condition, Vocabulary
from services.scheduler.facts import Occasion, Person, Trait

if TYPE_CHECKING:
    import cel


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class ProfileFacts(_Facts):
    """The person."""

    role: str | None = None
    segment: str | None = None
    cohort: str | None = None
    stage: str | None = None
    language: str | None = None
    products: tuple[str, ...] = ()
    traits: dict[str, Trait] = Field(default_factory=dict)


class AccountFacts(_Facts):
    """The company the person belongs to."""

    id: str
    segment: str | None = None
    stage: str | None = None
    arr: float | None = None
    """Annual recurring revenue, in `currency`."""
    currency: str | None = None
    health: str | None = None
    days_to_renewal: int | None = None
    """Negative once the date has passed."""
    traits: dict[str, Trait] = Field(default_factory=dict)


class HistoryFacts(_Facts):
    """What follows from the lifecycle events of the person and the account."""

    purchases: int = 0
    converted: bool = False
    """Bought at least once."""
    days_as_customer: int | None = None
    """Since the first purchase; not known before it."""


class OccasionFacts(_Facts):
    """What happened; for a program that a date brings up, `moment` is empty."""

    moment: str = ""
    context: dict[str, str] = Field(default_factory=dict)


class AudienceFacts(_Facts):
    """All of them."""

    profile: ProfileFacts
    account: AccountFacts | None = None
    history: HistoryFacts
    occasion: OccasionFacts | None = None


VOCABULARY = Vocabulary(AudienceFacts)
CHANGES_WITH_TIME = frozenset({("account", "days_to_renewal"), ("history", "days_as_customer")})
"""Facts that differ from one day to the next without any event."""


def _condition(written: object) -> object:
    return Condition(written, VOCABULARY) if isinstance(written, str) else written


AudienceCondition = Annotated[Condition, BeforeValidator(_condition)]


class Known:
    """The facts of one person at one time, made ready for conditions when the first is asked."""

    def __init__(self, person: Person, now: datetime, occasion: Occasion | None = None) -> None:
        self._person = person
        self._now = now
        self._occasion = occasion
        self._facts: Mapping[str, Mapping[str, object]] | None = None
        self._context: cel.Context | None = None

    def holds(self, condition: Condition) -> bool:
        """Whether it is true; raises ValueError where it cannot be told."""
        if self._facts is None:
            self._facts = self._gathered()
        told = self._told(condition)
        if told is None:
            return self._evaluated(condition)
        key = (condition.source, told)
        verdict = _VERDICTS.get(key)
        if verdict is None:
            if len(_VERDICTS) >= REMEMBERED:
                _VERDICTS.clear()
            try:
                verdict = self._evaluated(condition)
            except ValueError as error:
                verdict = str(error)
            _VERDICTS[key] = verdict
        if isinstance(verdict, bool):
            return verdict
        raise ValueError(verdict)

    def _evaluated(self, condition: Condition) -> bool:
        if self._context is None:
            self._context = VOCABULARY.context(self._facts or {})
        return condition.holds(self._context)

    def _told(self, condition: Condition) -> tuple[object, ...] | None:
        """The values that the outcome depends on; None where that are too many to be remembered."""
        facts = self._facts or {}
        told: list[object] = []
        for root, member in _tested(condition):
            value = facts.get(root, _NOTHING).get(member, _ABSENT)
            if isinstance(value, _MANY):
                if value:
                    return None
                value = _EMPTY
            told.append(value)
        return tuple(told)

    def _gathered(self) -> dict[str, Mapping[str, object]]:
        person, account, occasion = self._person, self._person.account, self._occasion
        bought = person.first_purchase_at
        history: dict[str, object] = {"purchases": person.purchases, "converted": person.purchases > 0}
        if bought is not None:
            history["days_as_customer"] = (self._now - bought).days
        facts: dict[str, Mapping[str, object]] = {
            "profile": {"language": person.language, "products": [], "traits": {}, **person.facts},
            "history": history,
        }
        if account is not None:
            company: dict[str, object] = {"id": account.id, "traits": {}, **account.facts}
            if account.renewal_date is not None:
                company["days_to_renewal"] = (account.renewal_date - self._now.astimezone(UTC).date()).days
            facts["account"] = company
        if occasion is not None:
            facts["occasion"] = {"moment": occasion.moment, "context": dict(occasion.context)}
        return facts


@cache
def _tested(condition: Condition) -> tuple[tuple[str, str], ...]:
    return tuple(
        (root, member) for root, members in sorted(condition.reads.items()) for member in sorted(members)
    )


REMEMBERED = 50_000
"""Verdicts kept: most people are alike in the few facts that a condition tests, and evaluating one anew takes
fifty times as long.
"""
_VERDICTS: dict[tuple[str, tuple[object, ...]], bool | str] = {}
_MANY = (list, dict)  # made once: a union of types costs more than the test
_NOTHING: Mapping[str, object] = {}
_ABSENT, _EMPTY = object(), object()
