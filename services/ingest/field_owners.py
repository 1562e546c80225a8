"""Which source may set which field of a person or an account. Pure.

Of everybody whom Salesforce has, the fields that its map fills are Salesforce's; all others, and everybody
whom it does not have, are the API's and the imports'. Each leaves the other's fields as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MaySet = Callable[[str], bool]
"""Whether a field may be set; a trait is called `traits.` and its name."""


@dataclass(frozen=True, slots=True)
class Owned:
    """The fields that Salesforce's map fills; none where Salesforce is not read."""

    profile: frozenset[str] = frozenset()
    account: frozenset[str] = frozenset()


def may_set(owned: frozenset[str], *, from_salesforce: bool, is_theirs: bool) -> MaySet | None:
    """What a statement may set, None: everything; `is_theirs`: of somebody whom Salesforce has."""
    if from_salesforce:
        return owned.__contains__
    if is_theirs:
        return lambda field: field not in owned
    return None


def laid_over(known: Mapping[str, Any], said: Mapping[str, Any], allowed: MaySet) -> dict[str, Any]:
    """What is said over what is known, field by field and trait by trait, as far as it may be set."""
    fields = {field: value if allowed(field) else known[field] for field, value in said.items()}
    kept = {name: value for name, value in known["traits"].items() if not allowed(f"traits.{name}")}
    given = {name: value for name, value in said["traits"].items() if allowed(f"traits.{name}")}
    return fields | {"traits": kept | given}
