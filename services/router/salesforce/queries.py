"""Every question asked of an org. Values enter SOQL through `format_soql` only, which quotes and escapes."""

from collections.abc import Sequence
from datetime import datetime

from simple_salesforce.format import format_soql

from services.router.salesforce.contents import Person
from services.router.salesforce.org_map import EFFECT_ID, PERSON_KEY


def users(email: str) -> str:
    """Active users with an address; two are enough to know that it is not unique."""
    return format_soql("SELECT Id FROM User WHERE Email = {} AND IsActive = true LIMIT 2", email)


def record_types(kind: str, name: str) -> str:
    """The record type of an object, by its developer name."""
    return format_soql("SELECT Id FROM RecordType WHERE SobjectType = {} AND DeveloperName = {}", kind, name)


def campaigns(name: str) -> str:
    """Campaigns of a name; two are enough to know that it is not unique."""
    return format_soql("SELECT Id FROM Campaign WHERE Name = {} LIMIT 2", name)


def members(campaign: str, contact: str) -> str:
    """The membership of a Contact in a Campaign."""
    return format_soql(
        "SELECT Id FROM CampaignMember WHERE CampaignId = {} AND ContactId = {} LIMIT 1", campaign, contact
    )


def contacts(people: Sequence[Person], *, customer_id: str | None, responded_at: str | None) -> str:
    """Contacts that may be one of these people; `customer_id` and `responded_at` are fields of the org."""
    fields = ["Id", "AccountId", "Email", PERSON_KEY, *(one for one in (customer_id, responded_at) if one)]
    keys = {
        PERSON_KEY: [person.person_key for person in people],
        customer_id: [person.customer_id for person in people if person.customer_id],
        "Email": [person.email for person in people if person.email],
    }
    conditions = [
        format_soql("{field:literal} IN {values}", field=field, values=sorted(set(values)))
        for field, values in keys.items()
        if field and values
    ]
    return format_soql(
        "SELECT {fields:literal} FROM Contact WHERE {conditions:literal}",
        fields=", ".join(dict.fromkeys(fields)),
        conditions=" OR ".join(conditions),
    )


def accounts(
    ids: Sequence[str], keys: Sequence[str], *, account_id: str | None, responded_at: str | None
) -> str:
    """Accounts by record id and, in the field `account_id`, by the company's own ids."""
    fields = ["Id", *(one for one in (account_id, responded_at) if one)]
    conditions = [format_soql("Id IN {}", list(ids))] if ids else []
    if account_id and keys:
        conditions.append(format_soql("{field:literal} IN {values}", field=account_id, values=list(keys)))
    return format_soql(
        "SELECT {fields:literal} FROM Account WHERE {conditions:literal}",
        fields=", ".join(dict.fromkeys(fields)),
        conditions=" OR ".join(conditions),
    )


def case_named(case: str) -> str:
    """A Case by its record id, or by its number."""
    column = "CaseNumber" if case.isdecimal() else "Id"
    return format_soql("SELECT Id, IsClosed FROM Case WHERE {:literal} = {} LIMIT 1", column, case)


def cases_of(person_keys: Sequence[str]) -> str:
    """The Cases of people that we made, open and closed, oldest first."""
    return format_soql(
        "SELECT Id, IsClosed, {field:literal} FROM Case WHERE {field:literal} IN {values}"
        " ORDER BY CreatedDate, Id",
        field=PERSON_KEY,
        values=sorted(set(person_keys)),
    )


def latest_cases(person_key: str) -> str:
    """The latest Cases of a person that we made, open or closed."""
    return format_soql(
        "SELECT Id FROM Case WHERE {field:literal} = {value} ORDER BY CreatedDate DESC, Id LIMIT 20",
        field=PERSON_KEY,
        value=person_key,
    )


def case_state(case: str) -> str:
    """Whether a Case is closed, and who changed it last and when."""
    return format_soql(
        "SELECT Id, IsClosed, LastModifiedDate, LastModifiedById FROM Case WHERE Id = {} LIMIT 1", case
    )


def integration_user(username: str) -> str:
    """The user all our calls are made as."""
    return format_soql("SELECT Id FROM User WHERE Username = {} LIMIT 2", username)


def comments(case: str) -> str:
    """The comments of a Case, oldest first."""
    return format_soql("SELECT Id, CommentBody FROM CaseComment WHERE ParentId = {} ORDER BY Id", case)


def carrying(kind: str, effect_id: str) -> str:
    """The records that carry an effect's id, oldest first."""
    return format_soql(
        "SELECT Id FROM {kind:literal} WHERE {field:literal} = {value} ORDER BY CreatedDate, Id",
        kind=kind,
        field=EFFECT_ID,
        value=effect_id,
    )


def cases_changed(since: datetime) -> str:
    """Our Cases that changed since a moment."""
    return format_soql(
        "SELECT Id, {field:literal}, IsClosed, ClosedDate, Status, OwnerId, SystemModstamp, LastModifiedDate,"
        " LastModifiedById FROM Case WHERE {field:literal} != null AND SystemModstamp >= {since}"
        " ORDER BY SystemModstamp, Id",
        field=PERSON_KEY,
        since=since,
    )


def comments_changed(since: datetime) -> str:
    """Comments on our Cases since a moment."""
    return format_soql(
        "SELECT Id, ParentId, Parent.{field:literal}, CommentBody, CreatedById, SystemModstamp"
        " FROM CaseComment WHERE Parent.{field:literal} != null AND SystemModstamp >= {since}"
        " ORDER BY SystemModstamp, Id",
        field=PERSON_KEY,
        since=since,
    )


def members_changed(since: datetime) -> str:
    """Campaign members that we made and that changed since a moment."""
    return format_soql(
        "SELECT Id, {field:literal}, Status, LastModifiedById, SystemModstamp FROM CampaignMember"
        " WHERE {field:literal} != null AND SystemModstamp >= {since} ORDER BY SystemModstamp, Id",
        field=EFFECT_ID,
        since=since,
    )


def people(ids: Sequence[str]) -> str:
    """Users by record id."""
    return format_soql("SELECT Id, Email, Username, UserType FROM User WHERE Id IN {}", list(ids))
