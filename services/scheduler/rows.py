"""People and their accounts as rows of PostgreSQL."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple

from pydantic_core import from_json, to_json

from services.scheduler.facts import Account, Person
from services.scheduler.program import Channel

PERSON_COLUMNS: LiteralString = """
    people.person, people.account_id, people.language, people.time_zone, people.address_mark,
    people.bounced_mark, people.in_app, people.internal, people.refuses_all, people.refuses,
    people.unsubscribed_at, people.erased_at, people.last_contact_at, people.facts::text AS facts,
    people.purchases, people.first_purchase_at, accounts.renewal_date,
    accounts.facts::text AS account_facts"""
PEOPLE_AND_ACCOUNTS: LiteralString = "people LEFT JOIN accounts ON accounts.account_id = people.account_id"

REMEMBERED = 10_000
"""Objects: most people are alike in what is known of them, and what is alike is read once."""

_BY_ADDRESS = frozenset({str(Channel.EMAIL), str(Channel.WEBHOOK)})
_IN_APP = frozenset({str(Channel.IN_APP)})
_EVERYWHERE = _BY_ADDRESS | _IN_APP
_NOWHERE: frozenset[str] = frozenset()


class PersonRow(NamedTuple):
    """A row with PERSON_COLUMNS, in their order."""

    person: str
    account_id: str | None
    language: str
    time_zone: str | None
    address_mark: str | None
    bounced_mark: str | None
    in_app: bool
    internal: bool
    refuses_all: bool
    refuses: list[str]
    unsubscribed_at: datetime | None
    erased_at: datetime | None
    last_contact_at: datetime | None
    facts: str
    purchases: int
    first_purchase_at: datetime | None
    renewal_date: date | None
    account_facts: str | None

    def read(self, purchases: int, first_purchase_at: datetime | None) -> Person:
        """The person, with purchases that may be newer than the row's."""
        account_id, mark = self.account_id, self.address_mark
        if mark:
            channels = _EVERYWHERE if self.in_app else _BY_ADDRESS
        else:
            channels = _IN_APP if self.in_app else _NOWHERE
        return Person(
            self.person,
            channels,
            _BY_ADDRESS if mark and mark == self.bounced_mark else _NOWHERE,
            self.refuses_all,
            frozenset(self.refuses),
            self.unsubscribed_at,
            self.erased_at,
            self.internal,
            self.last_contact_at,
            Account(account_id, self.renewal_date, mapping(self.account_facts)) if account_id else None,
            self.language,
            self.time_zone,
            mapping(self.facts),
            purchases,
            first_purchase_at,
        )


def person_of(row: Mapping[str, Any]) -> Person:
    """Of a row with PERSON_COLUMNS among others."""
    known = PersonRow(*(row[name] for name in PersonRow._fields))
    return known.read(known.purchases, known.first_purchase_at)


@lru_cache(maxsize=REMEMBERED)
def mapping(written: str | None) -> Mapping[str, Any]:
    """The object in a column that is read as text; an empty one where there is none."""
    read: dict[str, Any] = from_json(written) if written else {}
    return read


def written(known: Mapping[str, Any]) -> str:
    """An object as text for a column, in a quarter of the standard library's time."""
    return to_json(dict(known)).decode() if known else "{}"
