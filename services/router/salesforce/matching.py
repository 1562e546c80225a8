"""Which Contact a person is. Pure: rows of the org in, a decision out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.router.salesforce.contents import Person
from services.router.salesforce.org_map import PERSON_KEY

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Match:
    """The one Contact that is this person, or those of which a person has to choose one.

    Both empty: nobody matches.
    """

    contact: Row | None = None
    candidates: tuple[str, ...] = ()

    @property
    def contact_id(self) -> str | None:
        """The Contact's record id."""
        return str(self.contact["Id"]) if self.contact is not None else None


def pick(rows: Sequence[Row], person: Person, customer_id: str | None) -> Match:
    """The person's Contact among `rows`: by the key written earlier, else the company's own id, else the
    address. The strongest that names any decides; if it names several, nothing weaker is asked.
    """
    for field, wanted in (
        (PERSON_KEY, person.person_key),
        (customer_id, person.customer_id),
        ("Email", person.email),
    ):
        if field is None or not wanted:
            continue
        found = [row for row in rows if str(row.get(field) or "").lower() == wanted.lower()]
        if len(found) == 1:
            return Match(found[0])
        if found:
            return Match(candidates=tuple(sorted(str(row["Id"]) for row in found)))
    return Match()
