"""Which digests are wanted, and which of them are due."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from runtime.yaml_file import load_yaml
from schemas.event import NAMESPACE, derived_id
from schemas.scales import Metric
from services.insights.filters import Dimension, Filter

TOLD_FROM = time(8)
"""Digests and alerts go out from this time on, by the reporting time zone."""
WEEK_LASTS_DAYS = 3
"""Last week is told on Monday, or as late as Wednesday if nothing ran on Monday."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Every(StrEnum):
    """How often a team is told."""

    DAY = "day"
    WEEK = "week"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DigestEntry(_Entry):
    """What one team is told."""

    team: Name
    """Id in people.yaml: its Slack channel, and the addresses of its members."""
    every: tuple[Every, ...] = ()
    """A digest of yesterday, of last week (on Mondays), or both."""
    to: tuple[Name, ...] = Field(min_length=1)
    """Destinations: slack, email."""
    metrics: tuple[Metric, ...] = Field((Metric.NPS,), min_length=1)
    only: Mapping[Dimension, tuple[str, ...]] = Field(default_factory=dict)
    """Which answers it is about, such as `segment: [enterprise]`; left out: all of them."""
    alert_by: tuple[Dimension, ...] = ()
    """An alert when the score or the share of the unhappy changes within one of these, or a theme does."""


class DigestFile(_Entry):
    """digests.yaml."""

    digests: tuple[DigestEntry, ...] = ()

    @field_validator("digests")
    @classmethod
    def _one_a_team(cls, entries: tuple[DigestEntry, ...]) -> tuple[DigestEntry, ...]:
        # What a team was told is remembered under its name.
        if twice := [team for team, count in Counter(one.team for one in entries).items() if count > 1]:
            raise ValueError(f"expected one entry a team, found several of {', '.join(twice)}")
        return entries


def load_digests(path: Path) -> tuple[DigestEntry, ...]:
    """The file's entries. Raises runtime.yaml_file.ConfigError."""
    return load_yaml(path, DigestFile).digests


@dataclass(frozen=True, slots=True)
class Due:
    """A digest that a team is owed; both days are within."""

    entry: DigestEntry
    every: Every
    since: date
    until: date

    def wanted(self, metric: Metric) -> Filter:
        """The answers it is about."""
        return filter_of(self.entry, metric, self.since, self.until)

    def delivery_id(self, destination: str) -> UUID:
        """The same for the same team, period and destination, whoever works it out."""
        return derived_id(
            NAMESPACE, "digest", self.entry.team, self.every, self.since.isoformat(), destination
        )


def due(entries: Sequence[DigestEntry], now: datetime, zone: ZoneInfo) -> Iterator[Due]:
    """The digests of the periods that ended last; of those before, nobody wants to hear any more."""
    local = now.astimezone(zone)
    if local.time() < TOLD_FROM:
        return
    today = local.date()
    monday = today - timedelta(days=today.weekday())
    for entry in entries:
        if Every.DAY in entry.every:
            yesterday = today - timedelta(days=1)
            yield Due(entry, Every.DAY, yesterday, yesterday)
        if Every.WEEK in entry.every and (today - monday).days < WEEK_LASTS_DAYS:
            yield Due(entry, Every.WEEK, monday - timedelta(days=7), monday - timedelta(days=1))


def filter_of(entry: DigestEntry, metric: Metric, since: date, until: date) -> Filter:
    """A team's answers of some days."""
    wanted = Filter(metric, since, until)
    for dimension, values in entry.only.items():
        wanted = wanted.choosing(dimension, *values)
    return wanted
