"""What the forms of an answer's page ask of the router. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

THEME = "theme "
"""Before the id of each theme that is ticked."""
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "claim": (),
    "contact": ("how",),
    "resolve": ("resolution", "root_cause", "note"),
    "reopen": ("why",),
    "note": ("note",),
    "assign": ("to",),
}
"""Of a follow-up, with the fields of their forms."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to be done with the answer's follow-up."""

    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Act:
    """Something to be done about the answer; `what` is the last part of the API's address."""

    what: str
    body: Mapping[str, object]


def meant(name: str, form: Mapping[str, str], actor: str, revision: int) -> Command | Act | None:
    """What a form asks for; None for one that no page has. What was left empty is left out."""
    if name in _COMMANDS:
        given = {field: form[field].strip() for field in _COMMANDS[name] if form.get(field, "").strip()}
        return Command({"command": name, "actor": actor, **given})
    match name:
        case "write":
            letter = {"letter_id": form.get("letter_id", ""), **_of(form, "subject", "text")}
            return Act("letters", {"actor": actor, **letter})
        case "route":
            return Act("routing", {"actor": actor, **_of(form, "team")})
        case "themes":
            ticked = [field.removeprefix(THEME) for field in form if field.startswith(THEME)]
            return Act("corrections", _correction("themes", ticked, actor, revision))
        case "sentiment":
            chosen = [form["sentiment"]] if form.get("sentiment") else []
            return Act("corrections", _correction("sentiment", chosen, actor, revision))
    return None


def _correction(field: str, after: list[str], actor: str, revision: int) -> dict[str, object]:
    return {"actor": actor, "field": field, "revision": revision, "after": after}


def _of(form: Mapping[str, str], *fields: str) -> dict[str, object]:
    return {field: form.get(field, "").strip() for field in fields}
