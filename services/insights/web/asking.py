"""Why somebody was asked or not, in words. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from services.insights.scheduler_api import Decision

MOST_LINES = 25
"""Decisions on a page."""
GATES: Mapping[str, str] = {
    "account": "enough people of the account were asked lately",
    "audience": "they are not among those the program is for",
    "bounced": "mail to them comes back",
    "daily_cap": "enough people were asked that day",
    "erased": "they are forgotten",
    "expired": "it came too late to ask",
    "fatigue": "they were asked or answered too lately",
    "hold_out": "they are among those never asked, to compare with",
    "hours": "it was outside the hours in which they may hear from us",
    "internal": "they are a colleague or a test",
    "no_address": "there is no way to reach them",
    "once": "the program asks each person once",
    "opted_out": "they want no surveys",
    "outranked": "a program of higher priority comes first",
    "paused": "the program was paused",
    "program_removed": "the program is gone",
    "quiet": "it was a quiet period",
    "quota": "enough people like them were asked that month",
    "sample": "they were not drawn",
    "tenure": "they have not been a customer for long enough",
    "trouble": "something of theirs is open that must be solved first",
}
"""What each gate of the scheduler keeps somebody from being asked by."""
_OUTCOMES: Mapping[str, str] = {"asked": "Asked", "postponed": "Put off", "skipped": "Not asked"}


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the page."""

    at: datetime
    program: str
    what: str
    because: str
    """Empty where nothing kept the program from asking."""
    seen: str
    """The facts that kept it; empty without any."""
    eligible_at: datetime | None


def told(decisions: Iterable[Decision]) -> list[Told]:
    """Decisions as people read them, in their order; of many the first."""
    return [
        Told(
            one.decided_at,
            one.program,
            _OUTCOMES.get(one.outcome, one.outcome),
            GATES.get(one.gate, one.gate.replace("_", " ")) if one.gate else "",
            _seen(one.fact),
            one.next_eligible_at,
        )
        for one in islice(decisions, MOST_LINES)
    ]


def _seen(fact: Mapping[str, object]) -> str:
    known = ((name, value) for name, value in fact.items() if value is not None)
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in known)
