"""People and their accounts as rows of PostgreSQL."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, LiteralString

from pydantic_core import from_json

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
_NOWHERE: frozenset[str] = frozenset()


def person_of(row: Mapping[str, Any]) -> Person:
    """A row with PERSON_COLUMNS."""
    account_id, mark = row["account_id"], row["address_mark"]
    return Person(
        key=row["person"],
        channels=(_BY_ADDRESS if mark else _NOWHERE) | (_IN_APP if row["in_app"] else _NOWHERE),
        bounced=_BY_ADDRESS if mark and mark == row["bounced_mark"] else _NOWHERE,
        refuses_all=row["refuses_all"],
        refuses=frozenset(row["refuses"]),
        unsubscribed_at=row["unsubscribed_at"],
        erased_at=row["erased_at"],
        internal=row["internal"],
        last_contact_at=row["last_contact_at"],
        account=Account(account_id, row["renewal_date"], mapping(row["account_facts"]))
        if account_id
        else None,
        language=row["language"],
        time_zone=row["time_zone"],
        facts=mapping(row["facts"]),
        purchases=row["purchases"],
        first_purchase_at=row["first_purchase_at"],
    )


@lru_cache(maxsize=REMEMBERED)
def mapping(written: str | None) -> Mapping[str, Any]:
    """The object in a column that is read as text; an empty one where there is none."""
    read: dict[str, Any] = from_json(written) if written else {}
    return read
