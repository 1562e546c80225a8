"""Takes in what is said of people and accounts: one way for the API, imports and Salesforce.

Callers own the transaction, and write what has changed to the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.accounts import AccountChanged
from schemas.profiles import ProfileChanged
from services.ingest import store
from services.ingest.field_owners import Owned, may_set
from services.ingest.inputs import AccountInput
from services.ingest.persons import Statement
from services.ingest.profiles import account_after


@dataclass(frozen=True, slots=True)
class PeopleStated:
    """The state of each statement's person, None where they were erased; and every state that changed."""

    states: Sequence[ProfileChanged | None]
    changed: Sequence[ProfileChanged]


@dataclass(frozen=True, slots=True)
class AccountStated:
    """An account's state, and whether it is a new one."""

    state: AccountChanged
    is_changed: bool


class Customers:
    """Stores profiles and accounts. `owned`: the fields that Salesforce sets."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned

    def state_people(
        self, connection: store.Connection, statements: Sequence[Statement], now: datetime
    ) -> PeopleStated:
        """Takes the statements in, one after the other. Nothing is stored of people who were erased."""
        identifiers = [identifier for said in statements for identifier in said.identifiers]
        people = store.lock_people(connection, identifiers, self._owned.profile)
        erased = store.erased(connection, [identifier.key for identifier in identifiers])
        states = [
            None if erased.keys() & {one.key for one in said.identifiers} else people.state(said, now)
            for said in statements
        ]
        return PeopleStated(states, store.put_people(connection, people))

    def state_account(
        self,
        connection: store.Connection,
        account_id: str,
        body: AccountInput,
        now: datetime,
        *,
        from_salesforce: bool = False,
    ) -> AccountStated:
        """Takes in what is said of an account."""
        owned = self._owned.account
        known = store.lock_account(connection, account_id)
        is_theirs = bool(owned) and bool(store.in_salesforce(connection, "Account", [account_id]))
        stated = account_after(
            body,
            account_id=account_id,
            known=known,
            now=now,
            allowed=may_set(owned, from_salesforce=from_salesforce, is_theirs=is_theirs),
        )
        if stated == known:
            return AccountStated(stated, is_changed=False)
        store.put_account(connection, stated)
        return AccountStated(stated, is_changed=True)
