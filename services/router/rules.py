"""The user's rules: which answers and survey requests lead to which actions."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from runtime.expressions import Condition
from runtime.yaml_file import Location, load_yaml
from services.router.facts import VOCABULARY, Facts
from services.router.follow_up import FollowUpTerms
from services.router.occasion import Occasion
from services.router.people import People
from services.router.plugins import AnyPlugin
from services.router.rule_file import (
    ActionEntry,
    BandEntry,
    RuleEntry,
    RulesFile,
    SequenceEntry,
    TimedEntry,
    file_model,
)
from services.router.templates import Templates
from services.router.timing import AT_ONCE, DEFAULT_QUIET_HOURS, Quiet, Timing
from services.router.verdicts import Outcomes

NOBODY = People()


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does: `settings` are the destination's own fields.

    `ends_on` calls it off before it was delivered; within `once_in` it is not planned twice for a person.
    """

    id: str
    destination: str
    settings: BaseModel
    timing: Timing = AT_ONCE
    ends_on: tuple[str, ...] = ()
    once_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """The steps of a sequence for scores from `lowest` to `highest`, both included."""

    lowest: int
    highest: int
    steps: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Timed steps by score. The steps of all bands share their ids: an edited score repeats none of them."""

    id: str
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A loaded rule."""

    id: str
    why: str
    source: str | None
    about: Occasion
    condition: Condition
    actions: tuple[Action | Sequence, ...]
    action_ids: frozenset[str]
    """Of all that it can ask for, whatever the facts."""
    otherwise: tuple[Action | Sequence, ...] = ()
    follow_up: FollowUpTerms | None = None
    stop: bool = False
    shadow: bool = False

    def asked(self, *, holds: bool, score: int | None) -> tuple[Action, ...]:
        """The actions where the condition holds, or where it does not; a sequence as the score's steps."""
        entries = self.actions if holds else self.otherwise
        return tuple(_steps(entries, score)) if entries else ()


class Verdict(NamedTuple):
    """What became of a rule: it held or not; `error` is the reason why that cannot be told."""

    rule: Rule
    holds: bool = False
    error: str | None = None


@dataclass(frozen=True)
class Ruleset:
    """The rules in the order of the file; `version` is a digest of the file."""

    version: str
    rules: tuple[Rule, ...]
    quiet: Quiet = DEFAULT_QUIET_HOURS
    thanking_sources: frozenset[str] = frozenset()
    """Their answers get no automatic mail."""
    clocked: frozenset[str] = frozenset()
    """Ids of the actions that may not come too often for a person."""

    @cached_property
    def ids(self) -> frozenset[str]:
        """Ids of the rules that exist."""
        return frozenset(rule.id for rule in self.rules)

    def evaluate(self, occasion: Occasion, facts: Facts) -> Iterator[Verdict]:
        """The rules for this occasion, up to one that stops."""
        rules, outcomes = self._about[occasion]
        for rule, outcome in zip(rules, outcomes.of(facts), strict=True):
            if isinstance(outcome, str):
                yield Verdict(rule, error=outcome)
                continue
            yield Verdict(rule, outcome)
            if outcome and rule.stop and not rule.shadow:
                return

    @cached_property
    def _about(self) -> Mapping[Occasion, tuple[tuple[Rule, ...], Outcomes]]:
        """The rules for each occasion, and what their conditions say."""
        by_occasion = {about: tuple(rule for rule in self.rules if rule.about is about) for about in Occasion}
        return {
            about: (rules, Outcomes([rule.condition for rule in rules]))
            for about, rules in by_occasion.items()
        }


def load_rules(
    path: Path, plugins: Mapping[str, AnyPlugin], templates: Templates, people: People = NOBODY
) -> Ruleset:
    """Read and check rules.yaml, also against the teams of people.yaml where these are known.

    Raises runtime.yaml_file.ConfigError with file, line and what was expected.
    """
    file: RulesFile = load_yaml(path, file_model(plugins, templates), partial(_unknown_teams, people))
    rules = tuple(_rule(entry) for entry in file.rules)
    return Ruleset(
        version=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
        rules=rules,
        clocked=frozenset(_clocked(rules)),
        quiet=file.quiet_hours,
        thanking_sources=frozenset(file.sources_that_thank),
    )


def _clocked(rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        for action in (*rule.actions, *rule.otherwise):
            if isinstance(action, Action) and action.once_in is not None:
                yield action.id


def _unknown_teams(people: People, file: RulesFile) -> Iterator[tuple[Location, str]]:
    for place, rule in enumerate(file.rules):
        if people.teams and rule.follow_up is not None and rule.follow_up.team not in people.teams:
            known = ", ".join(people.teams)
            yield (
                ("rules", place, "follow_up", "team"),
                f"{rule.follow_up.team!r} is no team of people.yaml: expected one of {known}",
            )


def _rule(entry: RuleEntry) -> Rule:
    actions = tuple(_loaded(action) for action in entry.do)
    otherwise = tuple(_loaded(action) for action in entry.else_)
    return Rule(
        id=entry.id,
        why=entry.why,
        source=entry.source,
        about=entry.about,
        condition=Condition(entry.when, VOCABULARY),
        actions=actions,
        action_ids=frozenset(_ids((*actions, *otherwise))),
        otherwise=otherwise,
        follow_up=entry.follow_up,
        stop=entry.stop,
        shadow=entry.shadow,
    )


def _ids(entries: tuple[Action | Sequence, ...]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, Action):
            yield entry.id
        else:
            yield from (step.id for band in entry.bands for step in band.steps)


def _loaded(entry: ActionEntry | SequenceEntry) -> Action | Sequence:
    if isinstance(entry, ActionEntry):
        once_in = None if entry.once_in_days is None else timedelta(days=entry.once_in_days)
        return _action(entry.id, entry, entry.ends_on, once_in)
    return Sequence(entry.id, tuple(_band(entry, band) for band in entry.sequence))


def _band(entry: SequenceEntry, band: BandEntry) -> Band:
    lowest, highest = band.scores
    numbered = enumerate(band.steps, start=1)
    steps = tuple(_action(f"{entry.id}.{number}", step, entry.ends_on) for number, step in numbered)
    return Band(lowest, highest, steps)


def _action(
    id_: str, entry: TimedEntry, ends_on: tuple[str, ...], once_in: timedelta | None = None
) -> Action:
    timing = Timing(timedelta(days=entry.after_days), entry.deliver)
    return Action(id_, entry.destination, entry, timing, ends_on, once_in)


def _steps(entries: tuple[Action | Sequence, ...], score: int | None) -> Iterator[Action]:
    for entry in entries:
        if isinstance(entry, Action):
            yield entry
        elif score is not None:
            for band in entry.bands:
                if band.lowest <= score <= band.highest:
                    yield from band.steps
