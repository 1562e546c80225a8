"""The user's examples of what their programs do: a person's life, and the surveys that must come of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from cli.examples import Difference
from runtime.yaml_file import load_yaml
from schemas.lifecycle import Moment
from services.scheduler.facts import Account, Person
from services.scheduler.planning import Life
from services.scheduler.program import Channel
from services.scheduler.programs import Programs
from services.scheduler.rehearsal import Stage, foresee, lives_from, play
from services.scheduler.triggers import Happening

_NAMES = UUID("00000000-0000-5000-8000-000000000002")
_NOON = time(12, tzinfo=UTC)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(_Entry):
    """Something that happened, at noon (UTC) of a day."""

    moment: Moment
    day: date
    to: str = Field(default="person", pattern="^(person|account|everybody)$")
    context: dict[str, str] = Field(default_factory=dict)


class Expected(_Entry):
    """A survey, on a day or up to some days after it."""

    program: str
    day: date
    or_within_days: int = Field(default=0, ge=0, le=30)

    def is_met_by(self, program: str, day: date) -> bool:
        """Whether it is this survey."""
        return program == self.program and 0 <= (day - self.day).days <= self.or_within_days


class Example(_Entry):
    """One example."""

    name: str = Field(min_length=1)
    profile: dict[str, Any] = Field(default_factory=dict)
    account: dict[str, Any] = Field(default_factory=dict)
    renewal_date: date | None = None
    time_zone: str | None = None
    last_contact_on: date | None = None
    happened: tuple[Event, ...] = ()
    begins: date
    """The first day that is played."""
    days: int = Field(default=120, ge=1, le=1_100)
    asked: tuple[Expected, ...]
    """Exactly the surveys of these days, in order."""


class Examples(_Entry):
    """The file: programs_test.yaml."""

    examples: tuple[Example, ...] = Field(min_length=1)


def read_examples(path: Path) -> Sequence[Example]:
    """The examples of a file; raises runtime.yaml_file.ConfigError with the line of what is wrong."""
    return load_yaml(path, Examples).examples


def differences(examples: Sequence[Example], programs: Programs) -> list[Difference]:
    """The examples that do not come out as expected."""
    found = []
    for example in examples:
        asked = surveys(example, programs)
        missing = []
        for expected in example.asked:
            met = next((one for one in asked if expected.is_met_by(*one)), None)
            if met is None:
                missing.append(f"{expected.program} on {expected.day}")
            else:
                asked.remove(met)
        if missing or asked:
            unexpected = tuple(f"{program} on {day}" for program, day in asked)
            found.append(Difference(example.name, tuple(missing), unexpected))
    return found


def surveys(example: Example, programs: Programs) -> list[tuple[str, date]]:
    """Program and day (UTC) of every survey that comes of an example."""
    begins = datetime.combine(example.begins, time.min, UTC)
    stage = Stage(programs, begins, begins + timedelta(days=example.days))
    ready = lives_from([_life(example)], programs, begins)
    foresee(ready, stage)
    return [(done.work.program, now.date()) for now, done in play(ready, stage) if done.request is not None]


def _life(example: Example) -> Life:
    person = Person(
        key=uuid5(_NAMES, example.name).hex,
        channels=frozenset(map(str, Channel)),
        account=Account("example", example.renewal_date, example.account),
        time_zone=example.time_zone,
        facts=example.profile,
        last_contact_at=(
            datetime.combine(example.last_contact_on, _NOON) if example.last_contact_on else None
        ),
    )
    return Life(person, [_happening(number, one, person) for number, one in enumerate(example.happened)])


def _happening(number: int, event: Event, person: Person) -> Happening:
    return Happening(
        id=uuid5(_NAMES, f"{person.key} {number}"),
        moment=event.moment,
        occurred_at=datetime.combine(event.day, _NOON),
        person=person.key if event.to == "person" else None,
        account_id="example" if event.to == "account" else None,
        context=event.context,
    )
