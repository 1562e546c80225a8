"""`programs.yaml`: who is asked what, when, and how often."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from runtime.business_hours import Calendar
from runtime.working_hours import OFFICE_HOURS, Country, TimeZone, WorkingHours
from runtime.yaml_file import Location, load_yaml, parse_yaml
from schemas.scales import Metric
from services.scheduler import facts
from services.scheduler.audience import CHANGES_WITH_TIME, AudienceCondition, Known
from services.scheduler.facts import Person, Terms
from services.scheduler.shares import share
from services.scheduler.triggers import BaseTrigger, any_trigger

T = TypeVar("T")

LEAST_GAP = timedelta(days=30)
"""Nobody is asked more often than this, whatever a file says."""
ONCE = "once"
UNREAD_ZONES = 1_000


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("expected at least one")
    return values


OneOrMore = Annotated[tuple[T, ...], AfterValidator(_not_empty)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Days = Annotated[int, Field(ge=1, le=730)]
Percent = Annotated[float, Field(ge=0, le=100)]
Word = Annotated[str, Field(min_length=1, max_length=64)]

if TYPE_CHECKING:
    AnyTrigger = BaseTrigger
else:
    AnyTrigger = any_trigger()


class _Config(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, arbitrary_types_allowed=True
    )


class Channel(StrEnum):
    """A way to ask."""

    EMAIL = "email"
    IN_APP = "in_app"
    WEBHOOK = "webhook"
    """A survey vendor's own sending, through the router's webhook."""


class Survey(_Config):
    """What the person reads."""

    question: Sentence
    follow_up_question: Sentence
    """Asked after the score: a score without its reason cannot be acted on."""
    why_we_ask: Sentence
    """Tells the person why they are asked now."""


class Hours(_Config):
    """When people may hear from us, in their own time zone."""

    working_hours: WorkingHours = OFFICE_HOURS
    holidays: Country | None = None
    """Whose public holidays are left out."""


class QuietPeriod(_Config):
    """Days on which nobody is asked, the first and the last included: a release freeze, an outage."""

    from_: date = Field(alias="from")
    until: date
    why: Sentence

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.from_:
            raise ValueError("ends before it begins")
        return self


class Reminders(_Config):
    """Reminders of a survey that was not answered; they are no surveys of their own."""

    after_days: Annotated[tuple[Days, ...], Field(min_length=1, max_length=2)]
    """Days after the survey, at most two reminders."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.after_days) != sorted(set(self.after_days)):
            raise ValueError("expected days that rise, such as [4, 10]")
        return self


class Program(_Config):
    """One survey program."""

    id: str = Field(pattern="^[a-z][a-z0-9_-]{0,63}$")
    """Never changes: request ids are made from it."""
    owner: Sentence
    """Team or person who acts on the answers."""
    goal: Sentence
    source: str | None = None
    """Where the advice comes from."""
    metric: Metric
    trigger: AnyTrigger
    contacts: tuple[Word, ...] = ()
    """Roles of those who are asked about what happens to their account; empty: everybody there."""
    audience: AudienceCondition | None = None
    """Who is asked; everybody without it."""
    channels: OneOrMore[Channel]
    """In order of preference."""
    fallback_after_days: Days | None = None
    """On to the next channel when the survey was not seen for so long."""
    reminders: Reminders | None = None
    gap: Literal["once"] | None = None
    """`once`: a person is asked once ever, and then 30 days from any other survey are enough."""
    minimum_tenure_days: int = Field(default=30, ge=0, le=730)
    """Nobody is asked sooner after their first purchase; those who never bought may be."""
    sample_percent: Percent | Mapping[Word, Percent] = 100
    """How many of the audience are asked, also by segment; always the same people."""
    quota: Mapping[Word, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """How many of a segment are asked in a calendar month; segments that are not named have no limit."""
    daily_cap: Annotated[int, Field(ge=1)] | None = None
    """How many are asked in a day (UTC) at most."""
    spread_days: int = Field(default=0, ge=0, le=365)
    """Occasions of one moment are spread over so many days, each person's always at the same place."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Where asking for one would leave no time for another, the higher one is asked."""
    hours: Hours | None = None
    """Instead of the file's."""
    releases_clock: tuple[Literal["bounced", "suppressed"], ...] = ("bounced", "suppressed")
    """After which ends of a request that nobody saw the person may be asked again."""
    ask_within_days: Days = 30
    """An occasion that could not be asked about this long after it came due is given up."""
    answer_within_days: Days = 30
    """The survey closes this long after it was requested."""
    survey: Survey

    @cached_property
    def audience_changes_with_time(self) -> bool:
        """Whether somebody can come into the audience just because time passes."""
        return self.audience is not None and not CHANGES_WITH_TIME.isdisjoint(self.audience.facts)

    def due_at(self, occurred_at: datetime, person: str) -> datetime:
        """When to ask a person about something that happened then."""
        spread = timedelta(days=self.spread_days) * share("spread", self.id, person)
        return occurred_at + self.trigger.delay + spread

    def gives_up_at(self, due_at: datetime) -> datetime:
        """From when on it is too late to ask about what came due then."""
        return due_at + timedelta(days=self.ask_within_days)

    def closes_at(self, requested_at: datetime) -> datetime:
        """When the survey can no longer be answered."""
        return requested_at + timedelta(days=self.answer_within_days)

    def sampled_percent(self, segment: str | None) -> float:
        """How many of a segment are asked."""
        if isinstance(self.sample_percent, Mapping):
            return self.sample_percent.get(segment or "", 100)
        return self.sample_percent


class CohortGap(_Config):
    """A gap of its own for some people."""

    who: AudienceCondition
    gap_days: int = Field(ge=LEAST_GAP.days, le=730)


class AccountLimit(_Config):
    """Not all contacts of an account at once."""

    people: int = Field(ge=1)
    within_days: Days


class Fatigue(_Config):
    """How often one person may be asked, over all programs, channels and vendors together."""

    gap_days: int = Field(default=180, ge=LEAST_GAP.days, le=730)
    cohorts: tuple[CohortGap, ...] = ()
    """The first whose condition holds counts instead of `gap_days`."""
    per_account: AccountLimit | None = None
    daily_cap: Annotated[int, Field(ge=1)] | None = None
    """How many are asked in a day (UTC) at most, over all programs."""
    hold_out_percent: Percent = 0
    """People who are never asked, to compare with; always the same ones."""

    def gap(self, known: Known) -> timedelta:
        """The least time between two surveys of a person; a cohort that cannot be told is not theirs."""
        return timedelta(
            days=next((cohort.gap_days for cohort in self.cohorts if _is(known, cohort)), self.gap_days)
        )

    @property
    def least_gap(self) -> timedelta:
        """That of the cohort that is asked most often."""
        return timedelta(days=min([self.gap_days, *(cohort.gap_days for cohort in self.cohorts)]))


class Programs(_Config):
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
    return load_yaml(path, Programs, _impossible)


def parse_programs(text: str, *, name: str) -> Programs:
    """As `load_programs`, of text that came from `name`."""
    return parse_yaml(text, Programs, _impossible, name=name)


def _impossible(programs: Programs) -> Iterator[tuple[Location, str]]:
    """Programs that cannot do what they say."""
    for index, program in enumerate(programs.programs):
        for field, what in _contradictions(program, programs.fatigue.least_gap):
            yield ("programs", index, field), what


def _contradictions(program: Program, gap: timedelta) -> Iterable[tuple[str, str]]:
    trigger, once = program.trigger, program.gap == ONCE
    interval, most = trigger.least_interval, trigger.most_ask_within
    if interval is not None and not once and interval < gap:
        yield (
            "trigger",
            (
                f"asks every {interval.days} days, and nobody may be asked more often than every {gap.days}: "
                "raise the interval, or lower gap_days of fatigue or of a cohort"
            ),
        )
    latest = trigger.delay + timedelta(days=program.spread_days + program.ask_within_days)
    if trigger.KEY == "follow_up" and not once and latest < gap:
        yield (
            "trigger",
            (
                f"whoever is followed up has just answered: not to be asked for {gap.days} days, and this "
                f"gives up after {latest.days}: expected `gap: once`, a longer delay_days or ask_within_days"
            ),
        )
    if most is not None and timedelta(days=program.ask_within_days + program.spread_days) > most:
        yield "ask_within_days", f"asks after the event itself: expected at most {most.days} with spread_days"
    if interval is not None and timedelta(days=program.ask_within_days) > interval:
        yield "ask_within_days", f"still asks when the next turn has come: expected at most {interval.days}"
    if program.fallback_after_days is not None and len(program.channels) == 1:
        yield "fallback_after_days", "there is no second channel to fall back to"
    if program.reminders and program.reminders.after_days[-1] >= program.answer_within_days:
        yield "reminders", f"reminds of a survey that is closed after {program.answer_within_days} days"


def _is(known: Known, cohort: CohortGap) -> bool:
    try:
        return known.holds(cohort.who)
    except ValueError:
        return False


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
