"""What other rules would have made of the answers of the past. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cli.past_plans import Delivery, PastPlan
from services.router.admission import Occurrence
from services.router.occasion import Occasion
from services.router.plan import Playbook, plan

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True)
class Change:
    """What changes for one destination."""

    before: int = 0
    after: int = 0
    added: int = 0
    removed: int = 0
    twice_before: set[str] = field(default_factory=set)
    """People about whom one place (a channel, an address) got several deliveries of one answer."""
    twice_after: set[str] = field(default_factory=set)


class Backtest:
    """Plans the past again, one answer after the other, and counts what differs.

    `before` None compares with what the ledger holds. Steps of a sequence follow one another by intention:
    they are no repetition.
    """

    def __init__(self, before: Playbook | None, after: Playbook) -> None:
        self._before = _Replay(before) if before else None
        self._after = _Replay(after)
        self.changes: dict[str, Change] = {}
        self.answers = 0
        self.erred: Counter[str] = Counter()

    def add(self, past: PastPlan) -> None:
        """Plan one more; the past is told in the order in which it was planned."""
        self.answers += 1
        before = self._before.deliveries(past) if self._before else past.deliveries
        after = self._after.deliveries(past)
        self.erred.update(self._after.erred)
        for delivery in after:
            self._of(delivery).after += 1
        for delivery in before:
            self._of(delivery).before += 1
        for delivery in after - before:
            self._of(delivery).added += 1
        for delivery in before - after:
            self._of(delivery).removed += 1
        person = past.facts.profile.key
        for destination in _repeated(before):
            self.changes[destination].twice_before.add(person)
        for destination in _repeated(after):
            self.changes[destination].twice_after.add(person)

    def _of(self, delivery: Delivery) -> Change:
        return self.changes.setdefault(delivery.destination, Change())


class _Replay:
    """Plans with one playbook; remembers what it asked each person, for what may not come too often."""

    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._clocked = playbook.rules.clocked
        self._asked: dict[tuple[str, str], datetime] = {}
        """When each person was asked, by action."""
        self.erred: frozenset[str] = frozenset()

    def deliveries(self, past: PastPlan) -> frozenset[Delivery]:
        person = past.facts.profile.key
        asked = dict(past.facts.asked)
        for action in self._clocked:
            if at := self._asked.get((person, action)):
                asked[action] = at
        facts = past.facts.model_copy(update={"asked": asked})
        occurrence = occurrence_of(past)
        planned = plan(occurrence, facts, self._playbook, past.planned_at)
        self.erred = frozenset(planned.erred)
        if not planned.may_create:
            return frozenset()
        for wanted in planned.wanted:
            if wanted.action in self._clocked:
                self._asked[person, wanted.action] = occurrence.happened_at
        return frozenset(Delivery(one.action, one.destination, one.rate_key) for one in planned.wanted)


def occurrence_of(past: PastPlan) -> Occurrence:
    """The occurrence that a past plan was made for, as far as planning looks at it."""
    facts = past.facts
    occurrence = Occurrence(
        subject=past.subject,
        occasion=Occasion.RESPONSE,
        person_key=facts.profile.key,
        account_id=facts.account.id if facts.account else None,
        key=(0, 0, 0, 0),
        delivers=True,
        standing=past.standing,
        happened_at=facts.response.responded_at if facts.response else past.planned_at,
    )
    if facts.survey is None:
        return occurrence
    survey = facts.survey
    return replace(
        occurrence,
        occasion=Occasion.SURVEY_REQUEST,
        happened_at=survey.requested_at,
        expires_at=survey.expires_at,
    )


def _repeated(deliveries: Iterable[Delivery]) -> set[str]:
    places = Counter((one.destination, one.place) for one in deliveries if "." not in one.action)
    return {destination for (destination, _), count in places.items() if count > 1}
