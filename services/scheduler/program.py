"""One program of `programs.yaml`: who is asked what, on which occasion and how."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from runtime.working_hours import OFFICE_HOURS, Country, WorkingHours
from schemas.scales import Metric
from services.scheduler.audience import CHANGES_WITH_TIME, AudienceCondition
from services.scheduler.shares import share
from services.scheduler.triggers import BaseTrigger, any_trigger

T = TypeVar("T")

ONCE: Literal["once"] = "once"


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("expected at least one")
    return values


OneOrMore = Annotated[tuple[T, ...], AfterValidator(_not_empty)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Days = Annotated[int, Field(ge=1, le=730)]
Percent = Annotated[float, Field(ge=0, le=100)]
Word = Annotated[str, Field(min_length=1, max_length=64)]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]

if TYPE_CHECKING:
    AnyTrigger = BaseTrigger
else:
    AnyTrigger = any_trigger()


class Config(BaseModel):
    """What all parts of the file have in common."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, arbitrary_types_allowed=True
    )


class Channel(StrEnum):
    """A way to ask."""

    EMAIL = "email"
    IN_APP = "in_app"
    WEBHOOK = "webhook"
    """A survey vendor's own sending, through the router's webhook."""


class Texts(Config):
    """What the person reads."""

    question: Sentence
    follow_up_question: Sentence
    """Asked after the score: a score without its reason cannot be acted on."""
    why_we_ask: Sentence
    """Tells the person why they are asked now."""


class Survey(Texts):
    """The texts of a survey in one language, and in others."""

    language: Language = "en"
    """What the texts beside it are written in."""
    translations: Mapping[Language, Texts] = Field(default_factory=dict)
    """The same in other languages; who speaks none of them reads the first."""

    def spoken(self, wanted: str) -> tuple[str, Texts]:
        """The texts for somebody who speaks this language (BCP 47), and what they are written in."""
        for tag in (wanted, wanted.partition("-")[0]):
            if tag == self.language:
                break
            if tag in self.translations:
                return tag, self.translations[tag]
        return self.language, self


class Hours(Config):
    """When people may hear from us, in their own time zone."""

    working_hours: WorkingHours = OFFICE_HOURS
    holidays: Country | None = None
    """Whose public holidays are left out."""


class Reminders(Config):
    """Reminders of a survey that was not answered; they are no surveys of their own."""

    after_days: Annotated[tuple[Days, ...], Field(min_length=1, max_length=2)]
    """Days after the survey, at most two reminders."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.after_days) != sorted(set(self.after_days)):
            raise ValueError("expected days that rise, such as [4, 10]")
        return self


class Program(Config):
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

    @cached_property
    def reach(self) -> timedelta:
        """How long after an occasion it can still be asked about at most."""
        return self._delay + timedelta(days=self.spread_days) + self._ask_within

    def due_at(self, occurred_at: datetime, person: str) -> datetime:
        """When to ask a person about something that happened then."""
        due_at = occurred_at + self._delay
        if self.spread_days:
            due_at += timedelta(days=self.spread_days) * share("spread", self.id, person)
        return due_at

    def gives_up_at(self, due_at: datetime) -> datetime:
        """From when on it is too late to ask about what came due then."""
        return due_at + self._ask_within

    @cached_property
    def _delay(self) -> timedelta:
        return self.trigger.delay

    @cached_property
    def _ask_within(self) -> timedelta:
        return timedelta(days=self.ask_within_days)

    def closes_at(self, requested_at: datetime) -> datetime:
        """When the survey can no longer be answered."""
        return requested_at + timedelta(days=self.answer_within_days)

    def sampled_percent(self, segment: str | None) -> float:
        """How many of a segment are asked."""
        if isinstance(self.sample_percent, Mapping):
            return self.sample_percent.get(segment or "", 100)
        return self.sample_percent
