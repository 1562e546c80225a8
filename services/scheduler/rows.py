"""People and their accounts as rows of PostgreSQL."""

from collections.abc import Mapping
from typing import Any, LiteralString

from services.scheduler.facts import Account, Person
from services.scheduler.programs import Channel

PERSON_COLUMNS: LiteralString = """
    people.person, people.account_id, people.language, people.time_zone, people.address_mark,
    people.bounced_mark, people.in_app, people.internal, people.refuses_all, people.refuses,
    people.unsubscribed_at, people.erased_at, people.last_contact_at, people.facts, people.purchases,
    people.first_purchase_at, accounts.renewal_date, accounts.facts AS account_facts"""
PEOPLE_AND_ACCOUNTS: LiteralString = "people LEFT JOIN accounts ON accounts.account_id = people.account_id"

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
        account=Account(account_id, row["renewal_date"], row["account_facts"] or {}) if account_id else None,
        language=row["language"],
        time_zone=row["time_zone"],
        facts=row["facts"],
        purchases=row["purchases"],
        first_purchase_at=row["first_purchase_at"],
    )
