"""The shape of rules.yaml. `rules.py` turns it into what planning works with."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    create_model,
    field_validator,
    model_validator,
)

from runtime.expressions import Condition
from schemas.lifecycle import Moment
from services.router.facts import VOCABULARY
from services.router.follow_up import FollowUpTerms
from services.router.occasion import Occasion
from services.router.plugins import AnyPlugin
from services.router.templates import Templates
from services.router.timing import DEFAULT_QUIET_HOURS, Deliver, QuietHours

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _cause(written: str) -> str:
    if written not in CAUSES:
        raise ValueError(f"nothing ends on {written!r}: expected one of {', '.join(CAUSES)}")
    return written


CAUSES = (
    *("reply", "claim", "new_answer", "opt_out"),
    *(f"lifecycle:{moment}" for moment in Moment),
)
"""What can end an action that was not delivered yet."""
Cause = Annotated[str, AfterValidator(_cause)]
Days = Annotated[float, Field(ge=0, le=365)]

_SEQUENCE = "timed steps"
"""Tag of a sequence. No key of the file is called so, else complaints would name that key's line."""

AUTO_MAIL = "auto_mail"
"""The action id that all automatic mails of one answer share, so that there is at most one."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class TimedEntry(_Entry):
    """What can be said of the time of every delivery."""

    destination: str
    after_days: Days = 0
    """Days after the answer, or after the survey was asked for."""
    deliver: Deliver = Deliver.AT_ONCE


class ActionEntry(TimedEntry):
    """One entry of `do:` or `else:`; the other fields are the destination's own."""

    id: Id
    ends_on: tuple[Cause, ...] = ()
    """What calls it off as long as it was not delivered."""
    once_in_days: Annotated[float, Field(gt=0, le=3650)] | None = None
    """Not planned where it was planned for the same person less than so many days ago."""


class BandEntry(_Entry):
    """The steps for the scores of one band."""

    scores: tuple[int, int]
    """Lowest and highest score, both included."""
    steps: Sequence[Any]

    @model_validator(mode="after")
    def _in_order(self) -> "BandEntry":
        if self.scores[0] > self.scores[1]:
            raise ValueError("the lowest score comes first")
        days = [step.after_days for step in self.steps]
        if days != sorted(days):
            raise ValueError("steps follow one another: after_days never falls")
        return self


class SequenceEntry(_Entry):
    """An entry of `do:` with several timed steps; each is a delivery of its own, `<id>.1`, `<id>.2`, …"""

    id: Id
    sequence: Sequence[Any]
    ends_on: tuple[Cause, ...] = ("reply", "claim", "new_answer", "opt_out")
    """What calls off the steps that were not delivered yet."""

    @model_validator(mode="after")
    def _bands_are_apart(self) -> "SequenceEntry":
        bands = sorted(band.scores for band in self.sequence)
        for (_, highest), (lowest, _) in pairwise(bands):
            if lowest <= highest:
                raise ValueError(f"the score {lowest} is in two bands")
        return self


class RuleEntry(_Entry):
    """One rule of the file. `do` and `else` are narrowed to the destinations there are when it is read."""

    id: Id
    why: str = Field(min_length=1)
    """Why this is done, for the people who live with it."""
    source: str | None = None
    """Where the advice comes from."""
    about: Occasion = Occasion.RESPONSE
    when: str
    do: Sequence[Any] = ()
    else_: Sequence[Any] = Field(default=(), alias="else")
    """What is done where the condition is false; nothing where it cannot be told."""
    follow_up: FollowUpTerms | None = None
    """Where it holds, somebody has to get in touch with the person."""
    stop: bool = False
    """Where it holds, later rules of the file are not looked at."""
    shadow: bool = False
    """It is recorded what the rule would do, and nothing is delivered."""

    @field_validator("when")
    @classmethod
    def _checked(cls, source: str) -> str:
        Condition(source, VOCABULARY)
        return source

    @model_validator(mode="after")
    def _does_something(self) -> "RuleEntry":
        if not (self.do or self.else_ or self.follow_up or self.stop):
            raise ValueError("does nothing: expected do, else, follow_up or stop")
        return self

    @property
    def entries(self) -> Iterator[ActionEntry | SequenceEntry]:
        """All of `do` and `else`."""
        yield from self.do
        yield from self.else_


class RulesFile(_Entry):
    """The whole file."""

    quiet_hours: QuietHours = DEFAULT_QUIET_HOURS
    """When `deliver: outside_quiet_hours` waits, in the respondent's time zone."""
    sources_that_thank: tuple[str, ...] = ()
    """Sources that answer people by themselves: their answers get no automatic mail."""
    rules: Sequence[RuleEntry]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "RulesFile":
        seen: set[str] = set()
        for name in [rule.id for rule in self.rules] + [
            action.id for rule in self.rules for action in rule.entries if action.id != AUTO_MAIL
        ]:
            if name in seen:
                raise ValueError(f"the id {name!r} is given twice; rules and actions need ids of their own")
            seen.add(name)
        return self


def file_model(plugins: Mapping[str, AnyPlugin], templates: Templates) -> type[RulesFile]:
    """The model of the file with these destinations; it checks the templates that actions name."""
    step: Any = _one_of({name: _model(TimedEntry, plugin, templates) for name, plugin in plugins.items()})
    band = create_model("Band", __base__=BandEntry, steps=(list[step], Field(min_length=1)))
    sequence = create_model("Sequence", __base__=SequenceEntry, sequence=(list[band], Field(min_length=1)))
    action: Any = _one_of(
        {name: _model(ActionEntry, plugin, templates) for name, plugin in plugins.items()}
        | {_SEQUENCE: sequence}
    )
    rule = create_model(
        "Rule",
        __base__=RuleEntry,
        do=(list[action], Field(default=())),
        else_=(list[action], Field(default=(), alias="else")),
    )
    return create_model("Rules", __base__=RulesFile, rules=(list[rule], Field(min_length=1)))


def _model(base: type[TimedEntry], plugin: AnyPlugin, templates: Templates) -> type[BaseModel]:
    def has_templates(action: BaseModel) -> BaseModel:
        for name in plugin.templates(action):
            templates.check(name)
        return action

    checks: dict[str, Any] = {"has_templates": model_validator(mode="after")(has_templates)}
    destination: Any = (Literal[plugin.name], ...)
    return create_model(
        f"{plugin.name}{base.__name__}",
        __base__=(base, plugin.action),
        __validators__=checks,
        destination=destination,
    )


def _one_of(models: Mapping[str, type[BaseModel]]) -> Any:  # noqa: ANN401 - a type made of types
    def kind(entry: object) -> str | None:
        if not isinstance(entry, Mapping):
            return None
        return _SEQUENCE if "sequence" in entry else str(entry.get("destination"))

    names = [name for name in models if name != _SEQUENCE]
    expected = f"expected `destination:` with one of {', '.join(map(repr, names))}" + (
        ", or `sequence:`" if _SEQUENCE in models else ""
    )

    def there_is(entry: object) -> object:
        if kind(entry) in models:
            return entry
        written = entry.get("destination") if isinstance(entry, Mapping) else None
        if written is None:
            raise ValueError(expected)
        close = get_close_matches(str(written), names, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"{written!r}: there is no such destination{hint} ({expected})")

    tagged = [Annotated[model, Tag(name)] for name, model in models.items()]
    return Annotated[reduce(or_, tagged), Discriminator(kind), BeforeValidator(there_is)]
