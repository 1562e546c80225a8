"""Conditions in CEL (Common Expression Language, https://cel.dev) over the declared facts.

Conditions are checked when they are loaded: syntax, every name, and that the outcome is true or false. What
remains for evaluation are facts that are not known: such a condition is neither true nor false.
"""

import re
import typing
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any

import cel
from pydantic import BaseModel

_STRINGS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_MEMBERS = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)(?!\s*\()")
_PROBES = re.compile(r"\bhas\s*\(\s*[A-Za-z_]\w*\s*\.\s*[A-Za-z_]\w*\s*\)")
_ALONE = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\b(?!\s*\.\s*[A-Za-z_]\w*\b(?!\s*\())")
_SAMPLES: Mapping[object, object] = {int: 1, float: 1.0, str: "x", bool: True}


def _declared(annotation: object) -> type[BaseModel] | None:
    candidates = typing.get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _sample(annotation: object) -> object:
    kinds = [
        kind
        for kind in (typing.get_args(annotation) if isinstance(annotation, UnionType) else (annotation,))
        if kind is not type(None)
    ]
    kind = kinds[0]
    if typing.get_origin(kind) is tuple:
        return [_sample(typing.get_args(kind)[0])]
    if typing.get_origin(kind) is dict:
        return {}
    return _SAMPLES.get(kind, "x")


class Vocabulary:
    """The facts that conditions may name: the models among the fields of `facts`, each a name in CEL."""

    def __init__(self, facts: type[BaseModel]) -> None:
        self.roots: Mapping[str, type[BaseModel]] = {
            name: model
            for name, field in facts.model_fields.items()
            if (model := _declared(field.annotation)) is not None
        }
        self.skeleton = self.context(
            {
                root: {name: _sample(field.annotation) for name, field in model.model_fields.items()}
                for root, model in self.roots.items()
            }
        )
        """A fact of the right kind for every name."""

    def context(self, facts: Mapping[str, Any]) -> cel.Context:
        """Facts, dumped as JSON without what is not known, as CEL sees them.

        Turning a value into CEL's own costs as much as evaluating a short condition: give no others than
        those of `read_by`.
        """
        return cel.Context({root: facts.get(root, {}) for root in self.roots})


class Condition:
    """A checked condition. Raises ValueError saying what is wrong with the source."""

    def __init__(self, source: str, vocabulary: Vocabulary) -> None:
        self.source = source
        self._roots = vocabulary.roots
        try:
            self._program = cel.compile(source)
        except ValueError as error:
            raise ValueError(f"not a CEL expression: {_first_line(error)}") from error
        self._check_names()
        self._check_outcome(vocabulary.skeleton)

    def __repr__(self) -> str:
        return f"Condition({self.source!r})"

    def holds(self, context: cel.Context) -> bool:
        """Whether it is true for these facts.

        Raises ValueError when it cannot be told, usually because a fact it tests is not known.
        """
        try:
            outcome = self._program.execute(context)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{type(error).__name__}: {_first_line(error)}") from error
        if not isinstance(outcome, bool):
            raise ValueError(f"expected true or false, got {type(outcome).__name__}")  # noqa: TRY004 - one error type
        return outcome

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """The facts it names, such as (response, score), in their order."""
        named = _MEMBERS.findall(_STRINGS.sub('""', self.source))
        return tuple(dict.fromkeys((root, member) for root, member in named if root in self._roots))

    @property
    def reads(self) -> dict[str, set[str]]:
        """The facts it may look at, by root: those it names, and all of a root that it names alone."""
        bare = _STRINGS.sub('""', self.source)
        alone = self._roots.keys() & set(_ALONE.findall(bare))
        reads = {root: set(self._roots[root].model_fields) for root in alone}
        for root, member in self.facts:
            reads.setdefault(root, set()).add(member)
        return reads

    @property
    def weighs(self) -> dict[str, set[str]]:
        """Those of `reads` whose value matters; of the others it only asks whether they are known."""
        bare = _PROBES.sub("true", _STRINGS.sub('""', self.source))
        named = {(root, member) for root, member in _MEMBERS.findall(bare)}
        whole = self._roots.keys() & set(_ALONE.findall(bare))
        return {
            root: {member for member in members if root in whole or (root, member) in named}
            for root, members in self.reads.items()
        }

    @property
    def parts(self) -> tuple[str, ...]:
        """What it joins by `&&` at its outermost level; all of it where it joins nothing."""
        bare = _STRINGS.sub(lambda found: '"' * len(found[0]), self.source)
        parts, depth, begin = [], 0, 0
        for place, character in enumerate(bare):
            depth += (character in "([{") - (character in ")]}")
            if depth == 0 and (character == "?" or bare.startswith("||", place)):
                return (self.source.strip(),)
            if depth == 0 and bare.startswith("&&", place):
                parts.append(self.source[begin:place].strip())
                begin = place + 2
        return (*parts, self.source[begin:].strip())

    def _check_names(self) -> None:
        bare = _STRINGS.sub('""', self.source)
        bound = set(re.findall(r"\b(?:all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,", bare))
        unknown = sorted(set(self._program.references()["variables"]) - self._roots.keys() - bound)
        if unknown:
            raise ValueError(f"unknown name {unknown[0]!r}; expected one of {', '.join(sorted(self._roots))}")
        for root, member in _MEMBERS.findall(bare):
            if root in self._roots and root not in bound and member not in self._roots[root].model_fields:
                known = ", ".join(sorted(self._roots[root].model_fields))
                raise ValueError(f"unknown fact {root}.{member}; {root} has {known}")

    def _check_outcome(self, skeleton: cel.Context) -> None:
        try:
            outcome = self._program.execute(skeleton)
        except KeyError:
            return  # a trait or a context entry: known only to the facts of the day
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"cannot be evaluated: {_first_line(error)}") from error
        if not isinstance(outcome, bool):
            raise ValueError(f"expected an expression that is true or false, not {type(outcome).__name__}")  # noqa: TRY004 - pydantic reports ValueError with its line


def read_by(conditions: Iterable[Condition]) -> dict[str, set[str]]:
    """The facts that any of these may look at, by root."""
    reads: dict[str, set[str]] = {}
    for condition in conditions:
        for root, members in condition.reads.items():
            reads.setdefault(root, set()).update(members)
    return reads


def _first_line(error: Exception) -> str:
    message = str(error.args[0]) if error.args else type(error).__name__
    return message.splitlines()[0].removeprefix("Failed to parse expression ")
