"""The Salesforce double's database: records by object, unique indexes, what is derived, upsert."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sandbox.salesforce_checks import SalesforceError, check_values, long_id, timestamp
from sandbox.salesforce_objects import OBJECTS, Field, ObjectType

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class Record:
    """One record as it stands, and when reads begin to see it (monotonic seconds)."""

    kind: ObjectType
    values: dict[str, Any]
    visible_from: float
    edits: int = 0

    @property
    def record_id(self) -> str:
        """The 18-character id."""
        return str(self.values["Id"])

    @property
    def visible(self) -> bool:
        """Whether reads see it now."""
        return self.visible_from <= time.monotonic()


class SeveralMatchesError(Exception):
    """An upsert's External ID names several records (HTTP 300)."""

    def __init__(self, records: Sequence[Record]) -> None:
        super().__init__(len(records))
        self.records = records


class Records:
    """All records. Used from one event loop, so nothing is locked."""

    def __init__(self, *, username: str, people: Sequence[tuple[str, str]], keep: int) -> None:
        self._keep = keep
        self._numbers = count(1)
        self._by_object: dict[str, dict[str, Record]] = {}
        self._bin: dict[str, dict[str, Record]] = {}
        self._index: dict[tuple[str, str, str], list[str]] = {}
        self._people = ((username or "integration@sandbox.test", "Feedback Router"), *people)
        self.clear()

    def clear(self) -> None:
        """Forget everything but the users and the support queue."""
        self._by_object = {name: {} for name in OBJECTS}
        self._bin = {name: {} for name in OBJECTS}
        self._index = {}
        user = OBJECTS["User"]
        self.user_id = ""
        for email, name in self._people:
            record = self.create(user, {"Name": name, "Username": email, "Email": email})
            self.user_id = self.user_id or record.record_id
        self.create(OBJECTS["RecordType"], {"DeveloperName": "Customer_Feedback", "SobjectType": "Case"})
        self.queue_id = self.create(OBJECTS["Group"], {"Name": "Support Queue", "Type": "Queue"}).record_id

    def of(self, kind: ObjectType) -> dict[str, Record]:
        """All records of an object by id, oldest first, hidden ones too."""
        return self._by_object[kind.name]

    def deleted(self, kind: ObjectType) -> dict[str, Record]:
        """The recycle bin: records of an object by id, in the order in which they were deleted."""
        return self._bin[kind.name]

    def get(self, kind: ObjectType, record_id: str) -> Record | None:
        """Find a visible record by its 15- or 18-character id."""
        record = self._by_object[kind.name].get(long_id(record_id))
        return record if record is not None and record.visible else None

    def exists(self, record_id: str, object_names: Sequence[str]) -> bool:
        """Whether a record of one of these objects has this 18-character id."""
        return any(record_id in self._by_object[name] for name in object_names)

    def matching(self, kind: ObjectType, field: Field, value: str) -> list[Record]:
        """Find the records with an External ID, hidden ones too; letters' case does not count."""
        ids = self._index.get((kind.name, field.name, value.lower()), ())
        return [self._by_object[kind.name][record_id] for record_id in ids]

    def create(
        self,
        kind: ObjectType,
        given: Mapping[str, Any],
        *,
        auto_assign: bool = False,
        hidden_seconds: float = 0,
        by: str | None = None,
    ) -> Record:
        """Check and insert; raises SalesforceError. With `auto_assign` the support queue gets new Cases.

        `by` is the id of the user who does it, unless it is the integration user.
        """
        values = check_values(kind, given, creating=True, exists=self.exists)
        number = next(self._numbers)
        values = {field.name: field.default for field in kind.fields.values()} | values
        values["Id"] = long_id(kind.prefix + "5g0000" + _base62(number).rjust(6, "0"))
        self._refuse_duplicates(kind, values)
        self._refuse_second_membership(kind, values)
        now = timestamp(datetime.now(UTC))
        values |= {"CreatedDate": now, "CreatedById": by or self.user_id or values["Id"]}
        if "OwnerId" in kind.fields and values["OwnerId"] is None:
            values["OwnerId"] = self.user_id
        if kind.name == "Case":
            values["CaseNumber"] = f"{number:08d}"
            if auto_assign:
                values["OwnerId"] = self.queue_id
        record = Record(kind, values, time.monotonic() + hidden_seconds)
        self._derive(record, now, by)
        table = self._by_object[kind.name]
        table[record.record_id] = record
        self._file(record, values)
        while len(table) > self._keep:
            self._take_out(table[next(iter(table))])
        return record

    def update(self, record: Record, given: Mapping[str, Any], *, by: str | None = None) -> None:
        """Check and change, as the user with the id `by`; raises SalesforceError."""
        values = check_values(record.kind, given, creating=False, exists=self.exists)
        self._refuse_duplicates(record.kind, values, besides=record.record_id)
        self._unfile(record, values)
        record.values |= values
        record.edits += 1
        self._derive(record, timestamp(datetime.now(UTC)), by)
        self._file(record, values)

    def upsert(
        self,
        kind: ObjectType,
        field: Field,
        value: str,
        given: Mapping[str, Any],
        *,
        auto_assign: bool = False,
        hidden_seconds: float = 0,
    ) -> tuple[Record, bool]:
        """Update the one record with this External ID or create it; also says whether it was created.

        A record another call is still inserting (hidden) is not seen, so that the unique index refuses.
        """
        seen = [record for record in self.matching(kind, field, value) if record.visible]
        if len(seen) > 1:
            raise SeveralMatchesError(seen)
        if seen:
            self.update(seen[0], given)
            return seen[0], False
        return self.create(
            kind, {**given, field.name: value}, auto_assign=auto_assign, hidden_seconds=hidden_seconds
        ), True

    def delete(self, record: Record, *, by: str | None = None) -> None:
        """Put a record into the recycle bin, and with an account what belongs to it."""
        if record.kind.name == "Account":
            for name in ("Contact", "Opportunity"):
                for child in self._children(record, name):
                    self.delete(child, by=by)
        self._take_out(record)
        record.values["IsDeleted"] = True
        self._derive(record, timestamp(datetime.now(UTC)), by)
        bin_ = self._bin[record.kind.name]
        bin_[record.record_id] = record
        while len(bin_) > self._keep:
            del bin_[next(iter(bin_))]

    def merge(self, master: Record, loser: Record, *, by: str | None = None) -> None:
        """Make two records of one object one: the master gets the loser's children, the loser is deleted."""
        for name in OBJECTS:
            for child in self._children(loser, name):
                self.update(child, {f"{loser.kind.name}Id": master.record_id}, by=by)
        loser.values["MasterRecordId"] = master.record_id
        self.delete(loser, by=by)
        self.update(master, {}, by=by)

    def _children(self, parent: Record, name: str) -> list[Record]:
        link = OBJECTS[name].fields.get(f"{parent.kind.name}Id")
        if link is None:
            return []
        return [one for one in self._by_object[name].values() if one.values[link.name] == parent.record_id]

    def _take_out(self, record: Record) -> None:
        self._unfile(record, record.values)
        del self._by_object[record.kind.name][record.record_id]

    def across(self, record_id: str | None, object_names: Sequence[str], field_name: str) -> object:
        """Look up a field of the record, of one of these objects, that a reference points at."""
        for name in object_names:
            record = self._by_object[name].get(record_id or "") or self._bin[name].get(record_id or "")
            if record is not None:
                return record.values.get(field_name)
        return None

    @staticmethod
    def attributes(record: Record) -> dict[str, str]:
        """Name the record as every row of an answer does."""
        name = record.kind.name
        return {"type": name, "url": f"/services/data/v59.0/sobjects/{name}/{record.record_id}"}

    def as_json(self, record: Record) -> dict[str, Any]:
        """The whole record as a GET returns it."""
        return {"attributes": self.attributes(record), **record.values}

    def _refuse_duplicates(self, kind: ObjectType, values: Mapping[str, Any], besides: str = "") -> None:
        for field in kind.fields.values():
            if field.unique and values.get(field.name) is not None:
                for twin in self.matching(kind, field, values[field.name]):
                    if twin.record_id != besides:
                        raise SalesforceError(
                            "DUPLICATE_VALUE",
                            f"duplicate value found: {field.name} duplicates value on record with id: "
                            f"{twin.record_id}",
                            [field.name],
                        )

    def _refuse_second_membership(self, kind: ObjectType, values: Mapping[str, Any]) -> None:
        if kind.name != "CampaignMember":
            return
        pair = (values["CampaignId"], values["ContactId"])
        if any((one.values["CampaignId"], one.values["ContactId"]) == pair for one in self.of(kind).values()):
            raise SalesforceError("DUPLICATE_VALUE", "Already a campaign member.", ["ContactId"])

    def _derive(self, record: Record, now: str, by: str | None) -> None:
        values = record.values
        values |= {
            "LastModifiedDate": now,
            "SystemModstamp": now,
            "LastModifiedById": by or self.user_id or values["Id"],
        }
        if record.kind.name == "Contact":
            values["Name"] = " ".join(filter(None, (values["FirstName"], values["LastName"])))
        if record.kind.name == "Opportunity":
            values["IsWon"] = values["StageName"] == "Closed Won"
            values["IsClosed"] = values["StageName"].startswith("Closed")
        if record.kind.name == "Task":
            values["IsClosed"] = values["Status"] == "Completed"
        if record.kind.name == "Case":
            closed = values["Status"] == "Closed"
            values["ClosedDate"] = (values["ClosedDate"] or now) if closed else None
            values["IsClosed"] = closed
            if values["AccountId"] is None and values["ContactId"] is not None:
                values["AccountId"] = self.across(values["ContactId"], ("Contact",), "AccountId")

    def _keys(self, record: Record, values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        for field in record.kind.fields.values():
            if field.is_looked_up and field.name in values:
                value = record.values.get(field.name)
                if value is not None:
                    yield record.kind.name, field.name, value.lower()

    def _file(self, record: Record, values: Mapping[str, Any]) -> None:
        for key in self._keys(record, values):
            self._index.setdefault(key, []).append(record.record_id)

    def _unfile(self, record: Record, values: Mapping[str, Any]) -> None:
        for key in self._keys(record, values):
            self._index[key].remove(record.record_id)


def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text
