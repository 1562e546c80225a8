"""The objects of the org that the map names: how each is asked for, and how its records are read. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from services.ingest.salesforce import queries
from services.ingest.salesforce.customer_map import CustomerMap, digest
from services.ingest.salesforce.reading import (
    Reading,
    Row,
    read_account,
    read_case,
    read_contact,
    read_opportunity,
)


@dataclass(frozen=True, slots=True)
class OrgObject:
    """One object. `digest` is another one once its map is; `look_back` None: to the beginning."""

    kind: str
    digest: str
    soql: Callable[[datetime | None], str]
    read: Callable[[Row], Reading[Any]]
    look_back: timedelta | None = None


def objects_of(whole: CustomerMap) -> Iterator[OrgObject]:
    """What is read, in the order in which it is: who the customers are before what happened to them."""
    our_id = whole.account_id
    if (accounts := whole.accounts) is not None:
        yield OrgObject(
            "Account",
            digest(accounts),
            partial(queries.accounts, accounts),
            partial(read_account, by=accounts),
        )
    if (contacts := whole.contacts) is not None:
        yield OrgObject(
            "Contact",
            digest(contacts, our_id),
            partial(queries.contacts, contacts, our_id),
            partial(read_contact, by=contacts, account_id=our_id),
        )
    if (opportunities := whole.opportunities) is not None:
        yield OrgObject(
            "Opportunity",
            digest(opportunities, our_id),
            partial(queries.opportunities, opportunities, our_id),
            partial(read_opportunity, by=opportunities, account_id=our_id),
            _days(opportunities.look_back_days),
        )
    if (cases := whole.cases) is not None:
        yield OrgObject(
            "Case",
            digest(cases, our_id),
            partial(queries.cases, cases, whole),
            partial(read_case, by=cases, whole=whole),
            _days(cases.look_back_days),
        )


def _days(days: int | None) -> timedelta | None:
    return timedelta(days=days) if days else None
