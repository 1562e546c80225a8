"""What must come of a schedule, in plain words: what is wanted of an effect, and which is next of a key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from services.router.attempt import Status
from services.router.destination import AfterAmbiguity, Traits
from services.router.effect import effect_id
from services.router.ledger import Completion, lane_below
from tests.unit.router.outside_world import Outside

PERSONS = {"response:1": "ann", "response:2": "ann"}
"""Subjects, and whom each is about: one person's deliveries keep their order."""
CARD, NOTE = "card", "note"


@dataclass
class Expected:
    """An effect. `text` None: nothing is wanted. `given_up_at`: the version that visibly ended unsent."""

    key: str
    text: str | None = None
    version: int = 0
    given_up_at: int | None = None


@dataclass
class Told:
    """What has been said of a subject: each revision's text, None where it asks for nothing."""

    texts: dict[int, str | None] = field(default_factory=dict)
    delivered: int = 0


class Model:
    """Knows nothing of rows, leases and attempts."""

    def __init__(self) -> None:
        self.told = {subject: Told() for subject in PERSONS}
        self.expected: dict[UUID, Expected] = {}
        self.queues: dict[str, list[UUID]] = {}

    def say(self, subject: str, revision: int, text: str | None, *, delivers: bool) -> None:
        """An answer is heard of: the newest text known is wanted once a revision above the last one sent may
        be sent.
        """
        told = self.told[subject]
        is_newest = revision > max(told.texts, default=0)
        if is_newest:
            told.texts[revision] = text
        if not delivers or not (is_newest or revision > told.delivered):
            return
        told.delivered = max(told.delivered, revision)
        wanted = told.texts[max(told.texts)]
        known = self.expected.get(effect_id(subject, CARD))
        if (known.text if known else None) != wanted:
            self.want(subject, CARD, wanted)

    def want(self, subject: str, action: str, text: str | None) -> None:
        """Something else is wanted; the effect queues up unless it does."""
        id_ = effect_id(subject, action)
        key = PERSONS[subject] if action == CARD else lane_below(effect_id(subject, CARD))
        expected = self.expected.setdefault(id_, Expected(key))
        expected.text, expected.version = text, expected.version + 1
        queue = self.queues.setdefault(key, [])
        if id_ not in queue:
            queue.append(id_)

    def is_next(self, id_: UUID) -> bool:
        """Whether nothing of the same key was to come before it."""
        return self.queues[self.expected[id_].key][0] == id_

    def recorded(self, done: Iterable[Completion]) -> None:
        """These were written down: what has been brought to its version queues no more."""
        for one in done:
            id_, version = one.claimed.effect_id, one.claimed.effect.desired_version
            expected = self.expected[id_]
            if one.next.due_in_seconds is None and version == expected.version:
                self.queues[expected.key].remove(id_)
                if one.next.status in {Status.WITHHELD, Status.FAILED}:
                    expected.given_up_at = version

    def check(self, outside: Outside, traits: Traits) -> None:
        """Nothing is lost, and nothing is there that nobody wants."""
        for id_, expected in self.expected.items():
            if expected.given_up_at == expected.version:
                continue
            standing = [one for one in outside.things.get(id_, ()) if one.stands]
            if traits.after_ambiguity is AfterAmbiguity.ASSUME_DELIVERED:
                # Sent once it cannot be changed; what may have been sent counts as sent.
                assert standing or expected.text is None or id_ in outside.unsure, "a lost mail"
            elif expected.text is None:
                assert not standing, "an effect nobody wants is still there"
            else:
                assert standing, "a lost effect"
                assert (standing[0].version, standing[0].text) == (expected.version, expected.text)
