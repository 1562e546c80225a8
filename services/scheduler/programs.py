"""`programs.yaml`: who is asked what, when, and how often."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from runtime.business_hours import Calendar
from runtime.working_hours import TimeZone
from runtime.yaml_file import Location, load_yaml, parse_yaml
from services.scheduler import facts
from services.scheduler.audience import AudienceCondition, Known
from services.scheduler.contradictions import contradictions
from services.scheduler.facts import Person, Terms
from services.scheduler.fatigue import LEAST_GAP, Fatigue
from services.scheduler.program import ONCE, Config, Hours, OneOrMore, Program, Sentence

UNREAD_ZONES = 1_000
MANY_LIVES = 10_000
"""Sets of moments: what happened to most people is of the same few kinds."""


class QuietPeriod(Config):
    """Days on which nobody is asked, the first and the last included: a release freeze, an outage."""

    from_: date = Field(alias="from")
    until: date
    why: Sentence

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.from_:
            raise ValueError("ends before it begins")
        return self


class Programs(Config):
    """The whole file."""

    time_zone: TimeZone = "UTC"
    """Of people whose own is not known, and of dates in this file."""
    hours: Hours | None = None
    """When people may hear from us; at any time without it."""
    quiet: tuple[QuietPeriod, ...] = ()
    quiet_while: AudienceCondition | None = None
    """People for whom it holds are left alone, such as those with a critical case."""
    fatigue: Fatigue = Fatigue()
    programs: OneOrMore[Program]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [program.id for program in self.programs]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"each program needs an id of its own, used twice: {', '.join(twice)}")
        return self

    def get(self, program_id: str) -> Program | None:
        """The program of that id, None where it was removed from the file."""
        return self._by_id.get(program_id)

    def terms(self, program: Program, person: Person, known: Known) -> Terms:
        """What the file says of everybody, as it applies to one person asked by one program."""
        fatigue = self.fatigue
        once = program.gap == ONCE
        return Terms(
            gap=LEAST_GAP if once else fatigue.gap(known),
            hours=self._calendar(program, person.time_zone),
            quiet=self._quiet,
            quiet_while=self.quiet_while,
            hold_out_percent=fatigue.hold_out_percent,
            daily_cap=fatigue.daily_cap,
            account_limit=self._account_limit,
        )

    def that_ask_after(self, happened: frozenset[str]) -> Sequence[Program]:
        """Those that may ask somebody to whom these moments happened; who asks by date may ask anybody."""
        return self._asking_after(happened)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where dates of this file begin."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def digest(self) -> str:
        """Differs whenever the file says something else."""
        return sha256(repr(self).encode()).hexdigest()

    @cached_property
    def has_limits(self) -> bool:
        """Whether what was asked of others can keep somebody from being asked."""
        return self.fatigue.daily_cap is not None or any(one.daily_cap or one.quota for one in self.programs)

    @cached_property
    def has_priorities(self) -> bool:
        """Whether some programs come before others."""
        return len({program.priority for program in self.programs}) > 1

    @cached_property
    def _by_id(self) -> Mapping[str, Program]:
        return {program.id: program for program in self.programs}

    @cached_property
    def _asking_after(self) -> Callable[[frozenset[str]], Sequence[Program]]:
        @lru_cache(maxsize=MANY_LIVES)
        def asking(happened: frozenset[str]) -> Sequence[Program]:
            return [
                one
                for one in self.programs
                if one.trigger.moments is None or not happened.isdisjoint(one.trigger.moments)
            ]

        return asking

    @cached_property
    def _quiet(self) -> tuple[facts.Quiet, ...]:
        return tuple(
            facts.Quiet(self._begins(one.from_), self._begins(one.until + timedelta(days=1)), one.why)
            for one in self.quiet
        )

    @cached_property
    def _account_limit(self) -> facts.AccountLimit | None:
        limit = self.fatigue.per_account
        return facts.AccountLimit(limit.people, timedelta(days=limit.within_days)) if limit else None

    def _begins(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone)

    def _calendar(self, program: Program, time_zone: str | None) -> Calendar | None:
        hours = program.hours or self.hours
        if hours is None:
            return None
        zone = time_zone if time_zone and _is_zone(time_zone) else self.time_zone
        return _calendar(zone, hours.working_hours.week, hours.holidays)


def load_programs(path: Path) -> Programs:
    """The file, checked as a whole; raises runtime.yaml_file.ConfigError."""
    return load_yaml(path, Programs, _contradictions)


def parse_programs(text: str, *, name: str) -> Programs:
    """As `load_programs`, of text that came from `name`."""
    return parse_yaml(text, Programs, _contradictions, name=name)


def _contradictions(programs: Programs) -> Iterator[tuple[Location, str]]:
    return contradictions(programs.programs, programs.fatigue)


@lru_cache(maxsize=UNREAD_ZONES)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=UNREAD_ZONES)
def _calendar(zone: str, week: tuple[Any, ...], country: str | None) -> Calendar:
    return Calendar(zone, week, country)
