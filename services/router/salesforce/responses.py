"""Answers as records, and the latest one on its Contact and Account: many answers in a few calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.router.destination import Call, Delivered, JsonObject, Operation, Result
from services.router.salesforce import queries
from services.router.salesforce.contents import ResponseContent
from services.router.salesforce.matching import Match
from services.router.salesforce.org import Org, Row, new_contact
from services.router.salesforce.org_map import (
    PERSON_KEY,
    RESPONSE_ID,
    RESPONSE_OBJECT,
    WITHDRAWN,
    Fields,
    emptied,
    field_of,
    shown,
)
from services.router.salesforce.roll_up import Fate, rolled_up


@dataclass(slots=True)
class _Answer:
    """One answer on its way: who it turned out to be from, and what was refused of it."""

    call: Call
    content: ResponseContent
    match: Match = field(default_factory=Match)
    contact_id: str | None = None
    account_id: str | None = None
    record_id: str | None = None
    refusals: list[Result] = field(default_factory=list)

    @property
    def is_withdrawn(self) -> bool:
        return self.call.operation is Operation.RETRACT

    @property
    def fate(self) -> Fate:
        if self.call.is_erased:
            return Fate.FORGOTTEN
        return Fate.WITHDRAWN if self.is_withdrawn else Fate.STANDS

    @property
    def result(self) -> Result:
        """The worst of what its rows came to: an answer is delivered when all of them are written."""
        if self.refusals:
            return self.refusals[0]
        return Delivered(self.record_id or self.call.external_id, review=self.match.candidates)


def deliver_many(org: Org, calls: Sequence[tuple[Call, ResponseContent]]) -> list[Result]:
    """Write the answers of these calls and roll them up; one result a call, in order.

    Contacts go first, because the records point at them. What is written twice is written the same.
    """
    answers = [_Answer(call, content) for call, content in calls]
    for answer, match in zip(answers, org.matches([one.content for one in answers]), strict=True):
        answer.match = match
        answer.contact_id = match.contact_id
    _roll_up_contacts(org, answers)
    _find_accounts_and_roll_up(org, answers)
    _write_records(org, answers)
    return [answer.result for answer in answers]


def _roll_up_contacts(org: Org, answers: Sequence[_Answer]) -> None:
    known: dict[str, JsonObject] = {}
    by_key: dict[str, JsonObject] = {}
    fields = org.map.contact.fields
    for answer in _in_turn(answers):
        contact, key = answer.match.contact, answer.content.person_key
        if contact is None:
            if not answer.match.candidates and _wants_contact(answer):
                made = by_key.setdefault(key, {PERSON_KEY: key, **new_contact(answer.content, org.map)})
                made.update(_told_on(answer, fields, made, org))
        elif contact.get(PERSON_KEY) == key:
            so_far = by_key.get(key, {PERSON_KEY: key})
            if told := _told_on(answer, fields, {**contact, **so_far}, org):
                by_key[key] = {**so_far, **told}
        else:
            found = known.setdefault(str(contact["Id"]), {"id": contact["Id"]})
            found.update({PERSON_KEY: key, **_told_on(answer, fields, {**contact, **found}, org)})
    written = _by_key(by_key, org.upsert_all("Contact", PERSON_KEY, list(by_key.values())))
    updated = _by_key(known, org.update_all("Contact", list(known.values())))
    for answer in answers:
        row = written.get(answer.content.person_key) or updated.get(answer.contact_id or "")
        if row is not None:
            answer.contact_id = answer.contact_id or row.record_id
            _note(answer, row)


def _find_accounts_and_roll_up(org: Org, answers: Sequence[_Answer]) -> None:
    accounts = _accounts(org, answers)
    rows: dict[str, JsonObject] = {}
    for answer in _in_turn(answers):
        account = _account_of(answer, accounts, org.map.account.account_id)
        if account is None:
            continue
        answer.account_id = str(account["Id"])
        so_far = rows.get(answer.account_id, {"id": answer.account_id})
        if told := _told_on(answer, org.map.account.fields, {**account, **so_far}, org):
            rows[answer.account_id] = {**so_far, **told}
    written = _by_key(rows, org.update_all("Account", list(rows.values())))
    for answer in answers:
        if answer.account_id in written:
            _note(answer, written[answer.account_id])


def _accounts(org: Org, answers: Sequence[_Answer]) -> list[Mapping[str, Any]]:
    ids = {
        str(one)
        for answer in answers
        for one in (answer.content.account_id, (answer.match.contact or {}).get("AccountId"))
        if one
    }
    field_name = org.map.account.account_id
    keys = {answer.content.account_key for answer in answers if answer.content.account_key and field_name}
    if not ids and not keys:
        return []
    soql = queries.accounts(
        sorted(ids),
        sorted(key for key in keys if key),
        account_id=field_name,
        responded_at=field_of(org.map.account.fields, "response.responded_at"),
    )
    return list(org.client.query_all(soql)["records"])


def _account_of(
    answer: _Answer, accounts: Sequence[Mapping[str, Any]], account_id: str | None
) -> Mapping[str, Any] | None:
    """What the account itself says, its own id in the org, and last where the Contact belongs."""
    content = answer.content
    for column, wanted in (
        ("Id", content.account_id),
        (account_id, content.account_key),
        ("Id", (answer.match.contact or {}).get("AccountId")),
    ):
        if column and wanted:
            # A record id of 15 characters is the first part of the one with 18.
            length = 15 if column == "Id" else None
            for account in accounts:
                if str(account.get(column))[:length] == str(wanted)[:length]:
                    return account
    return None


def _write_records(org: Org, answers: Sequence[_Answer]) -> None:
    rows: dict[str, JsonObject] = {}
    for answer in answers:
        content = answer.content
        rows[content.response_id] = {
            RESPONSE_ID: content.response_id,
            WITHDRAWN: answer.is_withdrawn,
            **(emptied(org.map.response.fields) if answer.is_withdrawn else _told(org, answer)),
            **({"Contact__c": None, "Account__c": None} if answer.call.is_erased else {}),
        }
    written = _by_key(rows, org.upsert_all(RESPONSE_OBJECT, RESPONSE_ID, list(rows.values())))
    for answer in answers:
        row = written[answer.content.response_id]
        answer.record_id = row.record_id
        _note(answer, row)


def _told(org: Org, answer: _Answer) -> JsonObject:
    belongs: JsonObject = {"Contact__c": answer.contact_id, "Account__c": answer.account_id}
    return {
        **shown(org.map.response.fields, answer.content.facts, org.map),
        **{name: value for name, value in belongs.items() if value is not None},
    }


def _in_turn(answers: Sequence[_Answer]) -> list[_Answer]:
    """Answers that are withdrawn first, each giving way to the one before it; of the others the later one is
    left standing.
    """
    by_age = sorted(answers, key=lambda answer: answer.content.responded_at)
    withdrawn = [answer for answer in reversed(by_age) if answer.is_withdrawn]
    return withdrawn + [answer for answer in by_age if not answer.is_withdrawn]


def _told_on(answer: _Answer, fields: Fields, record: Mapping[str, Any], org: Org) -> JsonObject:
    """What the answer changes on a record, which is as earlier answers of the batch left it."""
    return rolled_up(answer.content, fields, record, org.map, fate=answer.fate)


def _wants_contact(answer: _Answer) -> bool:
    return answer.content.unmatched == "create_contact" and not answer.is_withdrawn


def _by_key(rows: Mapping[str, JsonObject], written: Sequence[Row]) -> dict[str, Row]:
    return dict(zip(rows, written, strict=True))


def _note(answer: _Answer, row: Row) -> None:
    if row.refusal is not None:
        answer.refusals.append(row.refusal)
