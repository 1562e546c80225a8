"""What a rehearsal counted, as tables."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

from rich.console import Console
from rich.table import Table

from services.scheduler.eligibility import Outcome
from services.scheduler.rounds import Decided


@dataclass(slots=True)
class Counts:
    """Decisions by program, gate and day."""

    each_stands_for: int = 1
    """People that one stands for, where only a sample was played."""
    asked: Counter[str] = field(default_factory=Counter)
    asked_on: Counter[date] = field(default_factory=Counter)
    held: Counter[tuple[str, str, Outcome]] = field(default_factory=Counter)
    """By program, gate and whether it only postponed."""

    def add(self, at: datetime, done: Decided) -> None:
        """One more decision."""
        if done.request is not None:
            self.asked[done.work.program] += self.each_stands_for
            self.asked_on[at.date()] += self.each_stands_for
        elif done.decision.gate is not None:
            self.held[done.work.program, done.decision.gate, done.decision.outcome] += self.each_stands_for


def print_counts(counts: Counts, console: Console) -> None:
    """Prints who asks how many, which gates hold back how many, and the days."""
    programs = Table("program", "asked", "held back by", title="By program", title_justify="left")
    for name in sorted({*counts.asked, *(program for program, _, _ in counts.held)}):
        gates = [
            f"{gate} {count}" + (" (later)" if outcome is Outcome.POSTPONED else "")
            for (program, gate, outcome), count in counts.held.most_common()
            if program == name
        ]
        programs.add_row(name, str(counts.asked[name]), ", ".join(gates))
    console.print(programs)
    days = Table("day", "asked", title="By day", title_justify="left")
    for day, count in sorted(counts.asked_on.items()):
        days.add_row(f"{day:%a %Y-%m-%d}", str(count))
    console.print(days)
    console.print(f"{counts.asked.total()} surveys in all")
