"""A logged-in org for the length of one delivery, and what is remembered of it in between."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from simple_salesforce.api import Salesforce as Client
from simple_salesforce.api import SFType
from simple_salesforce.exceptions import SalesforceError, SalesforceResourceNotFound
from simple_salesforce.format import format_external_id

from runtime.salesforce import code_of
from services.router.destination import JsonObject, Result
from services.router.salesforce import queries
from services.router.salesforce.contents import Person
from services.router.salesforce.errors import row_verdict
from services.router.salesforce.matching import Match, pick
from services.router.salesforce.org_map import PERSON_KEY, OrgMap, field_of

if TYPE_CHECKING:
    import requests

REMEMBERED_SECONDS = 300.0
MOST_ROWS = 200
_PEOPLE_A_QUERY = 50
_RECORD_ID = frozenset({15, 18})
_NAME_CHARACTERS = 80
_FIRST_NAME_CHARACTERS = 40
EMAIL_CHARACTERS = 80


class Names:
    """Ids of users, record types and campaigns, remembered for a few minutes: they cost calls and hardly
    change. Safe to use from several threads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, tuple[float, str | None]] = {}

    def only(self, client: Client, soql: str) -> str | None:
        """Id of the one record a query finds; None where there is none or more than one."""
        with self._lock:
            until, known = self._known.get(soql, (0.0, None))
            if until > self._clock():
                return known
        rows = client.query(soql)["records"]
        found = str(rows[0]["Id"]) if len(rows) == 1 else None
        with self._lock:
            now = self._clock()
            self._known = {key: kept for key, kept in self._known.items() if kept[0] > now}
            self._known[soql] = (now + REMEMBERED_SECONDS, found)
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row of a Collections call: its record's id, or why it was not written."""

    record_id: str | None
    refusal: Result | None


@dataclass(frozen=True, slots=True)
class Org:
    """A logged-in org. Every method may raise SalesforceError and OSError."""

    client: Client
    map: OrgMap
    names: Names
    username: str

    def objects(self, kind: str) -> SFType:
        """simple_salesforce's interface to one object."""
        return cast("SFType", getattr(self.client, kind))

    def us(self) -> str | None:
        """Id of the user our calls are made as."""
        return self.names.only(self.client, queries.integration_user(self.username))

    def user(self, email: str | None) -> str | None:
        """Id of the one active user with this address."""
        return self.names.only(self.client, queries.users(email)) if email else None

    def record_type(self, kind: str, name: str | None) -> JsonObject:
        """The field that gives a new record its record type, if one of that name exists."""
        found = self.names.only(self.client, queries.record_types(kind, name)) if name else None
        return {"RecordTypeId": found} if found else {}

    def matches(self, people: Sequence[Person]) -> list[Match]:
        """The Contact of each of these people."""
        contact = self.map.contact
        rows: list[Mapping[str, Any]] = []
        for start in range(0, len(people), _PEOPLE_A_QUERY):
            soql = queries.contacts(
                people[start : start + _PEOPLE_A_QUERY],
                customer_id=contact.customer_id,
                responded_at=field_of(contact.fields, "response.responded_at"),
            )
            rows.extend(self.client.query_all(soql)["records"])
        return [pick(rows, person, contact.customer_id) for person in people]

    def match(self, person: Person) -> Match:
        """The Contact of one person, made if there is none and that is wanted."""
        return self.made(person, self.matches([person])[0])

    def made(self, person: Person, match: Match) -> Match:
        """The match of a person, whose Contact is made if there is none and that is wanted."""
        if match.contact_id or match.candidates or person.unmatched != "create_contact":
            return match
        try:
            made = self.upsert("Contact", PERSON_KEY, person.person_key, new_contact(person, self.map))
        except SalesforceError as error:
            if code_of(error) != "DUPLICATES_DETECTED":
                raise
            # A duplicate rule of the org knows somebody alike: a person decides who it is.
            return Match()
        return Match({"Id": made, "AccountId": person.account_id})

    def upsert(self, kind: str, field: str, value: str, fields: JsonObject) -> str:
        """Write the record with this External ID and return its record id."""
        address = format_external_id(field, value)
        answer: requests.Response = self.objects(kind).upsert(address, fields, raw_response=True)
        return str(answer.json()["id"])

    def upsert_all(
        self, kind: str, field: str, rows: Sequence[JsonObject], headers: Mapping[str, str] | None = None
    ) -> list[Row]:
        """Write rows that carry the External ID `field`, as many a call as Salesforce takes."""
        return self._write(f"composite/sobjects/{kind}/{field}", kind, rows, headers)

    def update_all(self, kind: str, rows: Sequence[JsonObject]) -> list[Row]:
        """Change records named by `id`."""
        return self._write("composite/sobjects", kind, rows)

    def _write(
        self, path: str, kind: str, rows: Sequence[JsonObject], headers: Mapping[str, str] | None = None
    ) -> list[Row]:
        written: list[Row] = []
        for start in range(0, len(rows), MOST_ROWS):
            records = [{"attributes": {"type": kind}, **row} for row in rows[start : start + MOST_ROWS]]
            body = {"allOrNone": False, "records": records}
            answer = self.client.restful(path, method="PATCH", json=body, headers=dict(headers or {})) or []
            written.extend(Row(row.get("id"), row_verdict(row)) for row in answer)
        return written

    def record_of(self, kind: str, field: str, value: str) -> str | None:
        """Id of the record with this External ID."""
        try:
            return str(self.objects(kind).get_by_custom_id(field, value)["Id"])
        except SalesforceResourceNotFound:
            return None

    def carrying(self, kind: str, effect_id: str) -> list[str]:
        """Ids of the records that carry an effect's id, oldest first."""
        rows = self.client.query(queries.carrying(kind, effect_id))["records"]
        return [str(row["Id"]) for row in rows]


def is_record_id(text: str) -> bool:
    """Whether this has the form of a record id."""
    return len(text) in _RECORD_ID and text.isalnum()


def email_of(person: Person) -> JsonObject:
    """The address where Salesforce has room for it."""
    return {"Email": person.email} if person.email and len(person.email) <= EMAIL_CHARACTERS else {}


def new_contact(person: Person, org: OrgMap) -> JsonObject:
    """The fields of a Contact for somebody nobody in the org is. Last names are required there."""
    first, _, last = (person.name or "").strip().rpartition(" ")
    fields: JsonObject = {
        "LastName": (last or (person.email or "").partition("@")[0] or "Unknown")[:_NAME_CHARACTERS],
        **email_of(person),
    }
    if first:
        fields["FirstName"] = first[:_FIRST_NAME_CHARACTERS]
    if person.account_id:
        fields["AccountId"] = person.account_id
    if org.contact.customer_id and person.customer_id:
        fields[org.contact.customer_id] = person.customer_id
    return fields
