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

    def state_accounts(
        self,
        connection: store.Connection,
        given: Sequence[tuple[str, AccountInput]],
        now: datetime,
        *,
        from_salesforce: bool = False,
    ) -> list[AccountStated]:
        """Takes in what is said of each account, one after the other; an account may come twice."""
        owned = self._owned.account
        ids = [account_id for account_id, _ in given]
        known = store.lock_accounts(connection, ids)
        theirs = store.in_salesforce(connection, "Account", ids) if owned else ()
        stated = []
        changed: dict[str, AccountChanged] = {}
        for account_id, body in given:
            before = known.get(account_id)
            after = account_after(
                body,
                account_id=account_id,
                known=before,
                now=now,
                allowed=may_set(owned, from_salesforce=from_salesforce, is_theirs=account_id in theirs),
            )
            if after != before:
                known[account_id] = changed[account_id] = after
            stated.append(AccountStated(after, is_changed=after != before))
        store.put_accounts(connection, changed.values())
        return stated
