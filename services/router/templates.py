"""Jinja2 templates of the user, rendered in a sandbox."""

from collections.abc import Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jinja2 import (
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    nodes,
    select_autoescape,
)
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel

from schemas.scales import SCALES, Metric
from services.router.facts import (
    AccountFacts,
    Facts,
    OwnerFacts,
    PreviousFacts,
    ProfileFacts,
    ResponseFacts,
    SurveyFacts,
)

VARIABLES: Mapping[str, type[BaseModel]] = {
    "response": ResponseFacts,
    "survey": SurveyFacts,
    "profile": ProfileFacts,
    "account": AccountFacts,
    "owner": OwnerFacts,
    "previous": PreviousFacts,
}
"""What a template may name. A mail about an answer has no `survey`, a survey mail no `response`; `account`,
`owner` and `previous` may be unknown, so ask first: `{% if owner %}`.
"""


def _first_name(name: str | None) -> str:
    return name.split()[0] if name and name.split() else ""


def _scores(metric: str) -> range:
    scale = SCALES[Metric(metric)]
    return range(scale.lowest, scale.highest + 1)


def _day(moment: object) -> str:
    return f"{moment:%-d %B %Y}"


class _Environment(ImmutableSandboxedEnvironment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Jinja2's own is a ChainMap, which every rendering walks through in Python: a fifth of a short mail.
        return {**self.globals, **(d or {})}


class Templates:
    """The folder of templates. A name ending in `.html.j2` escapes what it inserts, any other does not.

    A template may have variants for some people: between its name and its ending stand a program, a cohort
    and a language, each after a dot and each if wanted, as in `survey_email.renewal_nps.de.txt.j2`.

    Besides Jinja2's own filters there are `first_name` (of a full name), `scores` (all scores of a metric)
    and `day` (a date in words). What is not known is inserted as nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._variants: dict[str, frozenset[str]] = {}
        self._environment = _Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
            undefined=StrictUndefined,
            auto_reload=False,  # a template has been checked with its rules: it changes when they do
            finalize=lambda value: "" if value is None else value,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"first_name": _first_name, "scores": _scores, "day": _day}

    def check(self, name: str) -> None:
        """Raise ValueError, saying where, for a missing or invalid template and for an unknown fact.

        Also for one of its variants, which are those of this moment.
        """
        stem, ending = _parted(name)
        found = {path.name for path in self.folder.glob(f"{stem}.*{ending}")} - {name}
        for one in (name, *sorted(found)):
            self._check(one)
        self._variants[name] = frozenset(found)

    def _check(self, name: str) -> None:
        try:
            self._environment.get_template(name)
            source = (self.folder / name).read_text()
            tree = self._environment.parse(source, name)
        except TemplateNotFound as error:
            close = get_close_matches(name, (path.name for path in self.folder.glob("*.j2")), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"{self.folder / name}: there is no such template{hint}") from error
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            where = f"{self.folder / name}:{line}" if line else str(self.folder / name)
            raise ValueError(f"{where}: {error.message}") from error
        for line, unknown in _unknown_names(tree):
            raise ValueError(f"{self.folder / name}:{line}: {unknown}")

    def render(self, name: str, facts: Facts) -> str:
        """The template, in the variant that fits these facts best, filled with the facts of `VARIABLES`.

        Raises jinja2.UndefinedError when it uses a name that does not exist.
        """
        variants = self._variants.get(name, frozenset())
        best = next((one for one in _fitting(name, facts) if one in variants), name) if variants else name
        return self._environment.get_template(best).render(
            {variable: getattr(facts, variable) for variable in VARIABLES}
        )


def _parted(name: str) -> tuple[str, str]:
    stem, dot, ending = name.partition(".")
    return stem, dot + ending


def _fitting(name: str, facts: Facts) -> Iterator[str]:
    """Variants that would fit, the best first: one that can be read before one for the program."""
    stem, ending = _parted(name)
    about = facts.survey or facts.response
    program, cohort = about.program if about else None, facts.profile.cohort
    language = (about.language if about else None) or facts.profile.language or ""
    for spoken in (language, language.partition("-")[0], ""):
        for parts in (
            (program, cohort, spoken),
            (program, "", spoken),
            ("", cohort, spoken),
            ("", "", spoken),
        ):
            yield stem + "".join(f".{part}" for part in parts if part) + ending


def _unknown_names(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    # Jinja2 overlooks that a block sees what the template sets outside of it.
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    undeclared = find_undeclared_variables(tree) - VARIABLES.keys() - own
    for name in tree.find_all(nodes.Name):
        if name.name in undeclared:
            yield name.lineno, f"{name.name!r} is unknown: a template may use {', '.join(VARIABLES)}"
    for access in tree.find_all(nodes.Getattr):
        if not isinstance(access.node, nodes.Name):
            continue
        facts = VARIABLES.get(access.node.name)
        if facts is not None and access.attr not in facts.model_fields:
            known = ", ".join(sorted(facts.model_fields))
            yield access.lineno, f"{access.node.name}.{access.attr} is unknown: expected one of {known}"
