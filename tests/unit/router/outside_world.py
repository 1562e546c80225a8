"""What a destination really holds, whatever the ledger believes: some calls reach it late, some never."""

from dataclasses import dataclass
from uuid import UUID

from services.router.destination import Absent, AfterAmbiguity, Found, Operation, Traits
from services.router.ledger import Claimed


@dataclass
class Thing:
    """An object outside."""

    name: str
    version: int
    text: str
    stands: bool = True


class Outside:
    """The destination. Seconds are real time, whatever the clocks of the routers show."""

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self.things: dict[UUID, list[Thing]] = {}
        self.late: list[tuple[float, Operation, Claimed]] = []
        self.unsure: set[UUID] = set()
        """Effects of which a call was not heard of again."""

    def arrive(self, operation: Operation, claimed: Claimed) -> str:
        """A call takes effect; the name of its object."""
        there = self.things.setdefault(claimed.effect_id, [])
        version, text = claimed.effect.desired_version, str(claimed.content["text"])
        if operation is Operation.CREATE and not (there and self._knows_ids):
            there.append(Thing(f"{claimed.effect_id}/{len(there) + 1}", version, text))
            return there[-1].name
        if not there:
            return ""  # it is told that something is gone which it never heard of
        named = claimed.effect.external_id
        (thing,) = [one for one in there if one.name == named or self._knows_ids]
        thing.version, thing.text = version, text
        thing.stands = operation is not Operation.RETRACT
        return thing.name

    def arrive_later(self, at_seconds: float, operation: Operation, claimed: Claimed) -> None:
        """A call of which its caller heard nothing, and which takes effect then."""
        self.late.append((at_seconds, operation, claimed))

    def pass_until(self, seconds: float) -> None:
        """Time passes."""
        due = sorted((one for one in self.late if one[0] <= seconds), key=lambda one: one[0])
        self.late = [one for one in self.late if one[0] > seconds]
        for _, operation, claimed in due:
            self.arrive(operation, claimed)

    def look(self, effect_id: UUID) -> Found | Absent:
        """What reconciling finds."""
        there = self.things.get(effect_id, [])
        return Found(there[0].name) if there else Absent()

    @property
    def _knows_ids(self) -> bool:
        """Whether the receiver recognises a delivery that comes again."""
        return self._traits.after_ambiguity is AfterAmbiguity.REPEAT
