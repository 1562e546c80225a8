"""The reasons not to ask, one file each.

A gate module has `PRECEDENCE` (where several hold, the lowest names the reason) and `check`. Adding a gate is
adding a file; its name is what decisions and metrics call it.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Protocol, cast

from services.scheduler.audience import Known
from services.scheduler.facts import Facts
from services.scheduler.program import Program

Fact = str | int | float | None


@dataclass(frozen=True, slots=True)
class Case:
    """May this person be asked about this occasion by this program now?"""

    facts: Facts
    program: Program
    gives_up_at: datetime
    """From when on it is too late."""
    now: datetime
    known: Known = field(init=False, compare=False)
    """What conditions of the file may test, gathered once for all gates."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", Known(self.facts.person, self.now, self.facts.occasion))


@dataclass(frozen=True, slots=True)
class Held:
    """A gate is shut."""

    fact: Mapping[str, Fact]
    """What shut it, for the person who asks why."""
    opens_at: datetime | None = None
    """When it opens by itself; None: not before the facts change."""


class Gate(Protocol):
    """What a gate module looks like."""

    PRECEDENCE: int

    @staticmethod
    def check(case: Case) -> Held | None:
        """None when the gate is open."""


@cache
def gates() -> tuple[tuple[str, Gate], ...]:
    """Every gate of this package with its name, by precedence."""
    found = [
        (info.name, cast("Gate", importlib.import_module(f"{__name__}.{info.name}")))
        for info in pkgutil.iter_modules(__path__)
    ]
    return tuple(sorted(found, key=lambda named: (named[1].PRECEDENCE, named[0])))
