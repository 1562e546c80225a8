"""Jinja2 templates of the user, rendered in a sandbox."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, nodes, select_autoescape
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


class Templates:
    """The folder of templates. A name ending in `.html.j2` escapes what it inserts, any other does not.

    Besides Jinja2's own filters there are `first_name` (of a full name), `scores` (all scores of a metric)
    and `day` (a date in words). What is not known is inserted as nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = ImmutableSandboxedEnvironment(
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
        """Raise ValueError, saying where, for a missing or invalid template and for an unknown fact."""
        try:
            self._environment.get_template(name)
            source = (self.folder / name).read_text()
            tree = self._environment.parse(source, name)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            where = f"{self.folder / name}:{line}" if line else str(self.folder / name)
            raise ValueError(f"{where}: {error.message or 'no such template'}") from error
        for line, unknown in _unknown_names(tree):
            raise ValueError(f"{self.folder / name}:{line}: {unknown}")

    def render(self, name: str, facts: Facts) -> str:
        """The template filled with the facts of `VARIABLES`.

        Raises jinja2.UndefinedError when it uses a name that does not exist.
        """
        return self._environment.get_template(name).render(
            {variable: getattr(facts, variable) for variable in VARIABLES}
        )


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
