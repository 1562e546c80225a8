"""`programs.yaml`: who is asked what, when, and how often."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas.lifecycle import Moment
from schemas.scales import Metric

T = TypeVar("T")


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("expected at least one")
    return values


OneOrMore = Annotated[tuple[T, ...], AfterValidator(_not_empty)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Days = Annotated[int, Field(ge=1, le=730)]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Channel(StrEnum):
    """A way to ask."""

    EMAIL = "email"


class Trigger(_Config):
    """What makes a survey due, and how long after it."""

    lifecycle: Moment
    delay_days: int = Field(ge=0, le=730)


class Survey(_Config):
    """What the person reads."""

    question: Sentence
    follow_up_question: Sentence
    """Asked after the score: a score without its reason cannot be acted on."""
    why_we_ask: Sentence
    """Tells the person why they are asked now."""


class Program(_Config):
    """One survey program."""

    id: str = Field(pattern="^[a-z][a-z0-9_-]{0,63}$")
    """Never changes: request ids are made from it."""
    owner: Sentence
    """Team or person who acts on the answers."""
    goal: Sentence
    metric: Metric
    trigger: Trigger
    channels: OneOrMore[Channel]
    """In order of preference."""
    ask_within_days: Days = 30
    """An occasion that could not be asked about this long after it came due is given up."""
    answer_within_days: Days = 30
    """The survey closes this long after it was requested."""
    survey: Survey

    def due_at(self, occurred_at: datetime) -> datetime:
        """When to ask about something that happened then."""
        return occurred_at + timedelta(days=self.trigger.delay_days)

    def gives_up_at(self, occurred_at: datetime) -> datetime:
        """From when on it is too late to ask about it."""
        return self.due_at(occurred_at) + timedelta(days=self.ask_within_days)

    def closes_at(self, requested_at: datetime) -> datetime:
        """When the survey can no longer be answered."""
        return requested_at + timedelta(days=self.answer_within_days)


class Fatigue(_Config):
    """How often one person may be asked, over all programs, channels and vendors together."""

    gap_days: int = Field(default=180, ge=30, le=730)

    @property
    def gap(self) -> timedelta:
        """The least time between two surveys of one person."""
        return timedelta(days=self.gap_days)


class Programs(_Config):
    """The whole file."""

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
        return next((program for program in self.programs if program.id == program_id), None)
