"""What must hold of the surveys that racing schedulers asked. Pure, and plain."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schemas.requests import SurveyRequested
from services.scheduler.facts import Person
from services.scheduler.triggers import Asking
from services.scheduler.triggers.clock import Trigger

if TYPE_CHECKING:
    from uuid import UUID

CLOCKS_APART = timedelta(hours=2)
"""Between the fastest and the slowest scheduler."""
MOST_TURNS = 100
"""Of one person, that are looked at."""


@dataclass(slots=True)
class Told:
    """What the schedulers were told of people, by person; times are right."""

    begins: datetime
    ends: datetime
    answers: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """Given elsewhere."""
    opted_out_at: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the programs of the race say."""

    gap: timedelta
    turn_days: int
    """Everybody is asked so often. Longer than the gap, and a turn is not given up before the next."""
    step: timedelta
    """By how much business time goes on at once."""


def surveys(requests: Iterable[SurveyRequested]) -> dict[str, list[datetime]]:
    """When each person was asked, each survey once."""
    asked: dict[str, dict[UUID, datetime]] = defaultdict(dict)
    for request in requests:
        asked[request.person_key][request.request_id] = request.requested_at
    return {person: sorted(at.values()) for person, at in asked.items()}


def violations(asked: Mapping[str, Sequence[datetime]], told: Told, rules: Rules) -> int:
    """Surveys less than the gap after another or after an answer, or to somebody who had opted out."""
    return sum(
        1
        for person, times in asked.items()
        for _ in _wrong(times, told.answers.get(person, ()), told.opted_out_at.get(person), rules.gap)
    )


def forgotten(
    people: Iterable[str], asked: Mapping[str, Sequence[datetime]], told: Told, rules: Rules
) -> int:
    """Turns of people that came due, whose gap passed, and who were not asked nor heard from."""
    late = rules.gap + 2 * CLOCKS_APART + rules.step
    return sum(
        not any(
            turn - CLOCKS_APART <= at <= turn + late
            for at in (*asked.get(person, ()), *told.answers.get(person, ()))
        )
        for person in people
        for turn in _turns(person, told.begins, rules.turn_days)
        if turn + late < min(told.ends, told.opted_out_at.get(person, told.ends))
    )


def doubled(requests: Iterable[SurveyRequested]) -> int:
    """Ids under which more than one survey was asked."""
    times: dict[UUID, set[datetime]] = defaultdict(set)
    for request in requests:
        times[request.request_id].add(request.requested_at)
    return sum(len(of_id) > 1 for of_id in times.values())


def _wrong(
    times: Sequence[datetime], answers: Sequence[datetime], opted_out_at: datetime | None, gap: timedelta
) -> Iterator[datetime]:
    for earlier, later in pairwise(times):
        if later - earlier < gap + CLOCKS_APART:
            yield later
    for asked in times:
        # Nobody can say what came first of things that are less than the clocks' difference apart.
        if any(CLOCKS_APART <= asked - answered < gap for answered in answers):
            yield asked
        if opted_out_at is not None and asked - opted_out_at > CLOCKS_APART:
            yield asked


def _turns(person: str, begins: datetime, days: int) -> Iterator[datetime]:
    asking = Asking(Person(person), is_contact=True, happenings=(), since=begins, zone=ZoneInfo("UTC"))
    for turn in islice(Trigger(every_days=days).occasions(asking), MOST_TURNS):
        yield turn.occurred_at
