"""Lives played by the shipped programs: who is asked what, on which day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

from services.scheduler.facts import Account, Person
from services.scheduler.planning import Life
from services.scheduler.programs import Programs, load_programs
from services.scheduler.rehearsal import Stage, foresee, lives_from, play
from services.scheduler.triggers import Happening

SHIPPED = load_programs(Path("deploy/config/programs.yaml"))
MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""Day 0 of every life; noon, within the hours in which people hear from us."""


def person(key: str = "ann", **facts: object) -> Person:
    """Somebody with an address and the company's product."""
    channels = frozenset({"email", "in_app", "webhook"})
    return Person(key, channels=channels, account=Account("acme", facts={"segment": "smb"}), facts=facts)


def happened(
    moment: str, on: float, *, who: str | None = "ann", account: str | None = None, **context: str
) -> Happening:
    """Something on a day."""
    at = MONDAY + timedelta(days=on)
    return Happening(uuid5(UUID(int=0), f"{moment} {on} {who}"), moment, at, who, account, context)


def asked(
    who: Person, happenings: Sequence[Happening], *, days: int = 400, programs: Programs = SHIPPED
) -> list[tuple[str, int]]:
    """Program and day of every survey, in order."""
    stage = Stage(programs, MONDAY, MONDAY + timedelta(days=days))
    ready = lives_from([Life(who, happenings)], programs, MONDAY)
    foresee(ready, stage)
    return [
        (done.work.program, day_of(now.date()))
        for now, done in play(ready, stage)
        if done.request is not None
    ]


def day_of(day: date) -> int:
    """Its number in these lives."""
    return (day - MONDAY.date()).days
