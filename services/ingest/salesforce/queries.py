"""What is asked of the org: records of an object that changed since a moment, oldest change first. Pure."""

from collections.abc import Iterable
from datetime import datetime

from simple_salesforce.format import format_soql

from services.ingest.salesforce.customer_map import (
    AccountMap,
    CaseMap,
    ContactMap,
    CustomerMap,
    OpportunityMap,
    paths,
)


def accounts(by: AccountMap, since: datetime | None) -> str:
    """Accounts, deleted ones too, as all that follows."""
    return _changed("Account", [by.id, *paths(by.fields)], since)


def contacts(by: ContactMap, account_id: str | None, since: datetime | None) -> str:
    """Contacts."""
    who = list(filter(None, (by.customer_id, by.email)))
    merged_into = ["MasterRecordId", *(f"MasterRecord.{path}" for path in who)]
    return _changed("Contact", [*who, *paths(by.fields), *_account(account_id), *merged_into], since)


def opportunities(by: OpportunityMap, account_id: str | None, since: datetime | None) -> str:
    """Opportunities."""
    return _changed("Opportunity", ["IsWon", "CloseDate", by.type, *_account(account_id)], since)


def cases(by: CaseMap, whole: CustomerMap, since: datetime | None) -> str:
    """Cases."""
    contact = whole.contacts or ContactMap()
    who = [f"Contact.{path}" for path in (contact.customer_id, contact.email) if path]
    return _changed("Case", ["IsClosed", "ClosedDate", by.ours, *who, *_account(whole.account_id)], since)


def _account(account_id: str | None) -> list[str]:
    return ["AccountId", *([f"Account.{account_id}"] if account_id else [])]


def _changed(kind: str, fields: Iterable[str | None], since: datetime | None) -> str:
    # Records of one moment stand in a fixed order, so that a reading that was cut short repeats the same.
    wanted = dict.fromkeys(["Id", "SystemModstamp", "IsDeleted", *filter(None, fields)])
    condition = format_soql(" WHERE SystemModstamp >= {}", since) if since else ""
    return format_soql(
        "SELECT {fields:literal} FROM {kind:literal}{condition:literal} ORDER BY SystemModstamp, Id",
        fields=", ".join(wanted),
        kind=kind,
        condition=condition,
    )
