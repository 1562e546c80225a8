"""The user's rules: which answers and survey requests lead to which actions."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)

from runtime.yaml_file import load_yaml
from services.router.expressions import Condition, context_of
from services.router.follow_up import FollowUpTerms
from services.router.plugins import AnyPlugin
from services.router.templates import Templates

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

AUTO_MAIL = "auto_mail"
"""The action id that all automatic mails of one answer share, so that there is at most one."""


class Occasion(StrEnum):
    """What a rule looks at."""

    RESPONSE = "response"
    SURVEY_REQUEST = "survey_request"


class ActionEntry(BaseModel):
    """One entry of `do:`; the other fields are the destination's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    destination: str


class RuleEntry(BaseModel):
    """One rule of the file. `do` is narrowed to the destinations there are when the file is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    why: str = Field(min_length=1)
    about: Occasion = Occasion.RESPONSE
    when: str
    do: Sequence[Any]
    follow_up: FollowUpTerms | None = None

    @field_validator("when")
    @classmethod
    def _checked(cls, source: str) -> str:
        Condition(source)
        return source


class RulesFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: Sequence[RuleEntry]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "RulesFile":
        seen: set[str] = set()
        for name in [rule.id for rule in self.rules] + [
            action.id for rule in self.rules for action in rule.do if action.id != AUTO_MAIL
        ]:
            if name in seen:
                raise ValueError(f"the id {name!r} is given twice; rules and actions need ids of their own")
            seen.add(name)
        return self


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does: `settings` are the destination's own fields."""

    id: str
    destination: str
    settings: BaseModel


@dataclass(frozen=True, slots=True)
class Rule:
    """A loaded rule."""

    id: str
    why: str
    about: Occasion
    condition: Condition
    actions: tuple[Action, ...]
    follow_up: FollowUpTerms | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """What became of each rule: `erred` gives the reason why a rule is neither true nor false."""

    matched: tuple[Rule, ...]
    erred: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules in the order of the file; `version` is a digest of the file."""

    version: str
    rules: tuple[Rule, ...]

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the rules that exist."""
        return frozenset(rule.id for rule in self.rules)

    def evaluate(self, occasion: Occasion, facts: Mapping[str, Any]) -> Matches:
        """Evaluate every rule for this occasion on facts dumped as JSON without unknown ones."""
        context = context_of(facts)
        matched: list[Rule] = []
        erred: dict[str, str] = {}
        for rule in self.rules:
            if rule.about is not occasion:
                continue
            try:
                if rule.condition.holds(context):
                    matched.append(rule)
            except ValueError as error:
                erred[rule.id] = str(error)
        return Matches(tuple(matched), erred)


def load_rules(path: Path, plugins: Mapping[str, AnyPlugin], templates: Templates) -> Ruleset:
    """Read and check rules.yaml.

    Raises runtime.yaml_file.ConfigError with file, line and what was expected.
    """
    entries: RulesFile = load_yaml(path, _file_model(plugins, templates))
    return Ruleset(
        version=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
        rules=tuple(
            Rule(
                id=entry.id,
                why=entry.why,
                about=entry.about,
                condition=Condition(entry.when),
                actions=tuple(Action(action.id, action.destination, action) for action in entry.do),
                follow_up=entry.follow_up,
            )
            for entry in entries.rules
        ),
    )


def _file_model(plugins: Mapping[str, AnyPlugin], templates: Templates) -> type[RulesFile]:
    actions = [_action_model(plugin, templates) for plugin in plugins.values()]
    action: Any = reduce(or_, actions)
    if len(actions) > 1:
        action = Annotated[action, Field(discriminator="destination")]
    rule = create_model("Rule", __base__=RuleEntry, do=(list[action], Field(min_length=1)))
    return create_model("Rules", __base__=RulesFile, rules=(list[rule], Field(min_length=1)))


def _action_model(plugin: AnyPlugin, templates: Templates) -> type[BaseModel]:
    def has_templates(action: BaseModel) -> BaseModel:
        for name in plugin.templates(action):
            templates.check(name)
        return action

    checks: dict[str, Any] = {"has_templates": model_validator(mode="after")(has_templates)}
    destination: Any = (Literal[plugin.name], ...)
    return create_model(
        f"{plugin.name}Action",
        __base__=(ActionEntry, plugin.action),
        __validators__=checks,
        destination=destination,
    )
