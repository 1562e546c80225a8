"""Cases: one for an answer somebody has to follow up.

A Case carries the effect's id in a unique External ID field, so that writing it twice makes one Case. What
people change in the org (status, owner, priority, contact) is sent when it is made and not again.
"""

from uuid import UUID

from simple_salesforce.exceptions import SalesforceError

from services.router.destination import (
    Call,
    Delivered,
    Failed,
    JsonObject,
    Operation,
    Result,
    Retry,
    Skipped,
)
from services.router.salesforce import comments, queries
from services.router.salesforce.contents import CaseContent, ReopenContent
from services.router.salesforce.errors import code_of
from services.router.salesforce.matching import Match
from services.router.salesforce.org import EMAIL_CHARACTERS, Org, is_record_id
from services.router.salesforce.org_map import EFFECT_ID, shown

_WITHDRAWN = "Closed by Feedback Router: the answer this Case was about has been withdrawn."
_NAME_CHARACTERS = 80


def deliver(org: Org, call: Call, content: CaseContent) -> Result:
    """Make the Case, bring it up to date, or close it."""
    if call.operation is Operation.RETRACT:
        if call.external_id is not None:
            fields = {"Status": org.map.case.closed_status, "Comments": _WITHDRAWN}
            org.objects("Case").update(call.external_id, fields)
        return Delivered(call.external_id)
    if call.external_id is not None:
        org.objects("Case").update(call.external_id, _words(org, content))
        return Delivered(call.external_id)
    match = org.match(content)
    if match.contact_id is None and content.unmatched == "skip":
        return Skipped("several contacts match" if match.candidates else "no contact matches")
    return _create(org, call.effect_id, content, match)


def _create(org: Org, effect_id: UUID, content: CaseContent, match: Match) -> Result:
    fields = _words(org, content) | _first(org, content, match)
    headers = {}
    if owner := org.user(content.owner_email):
        fields["OwnerId"] = owner
        headers["Sforce-Auto-Assign"] = "FALSE"  # else assignment rules take the Case away from its owner
    try:
        case = org.upsert("Case", EFFECT_ID, str(effect_id), fields, headers)
    except SalesforceError as error:
        if code_of(error) != "DUPLICATE_VALUE":
            raise
        return _join(org, effect_id, content)
    return Delivered(case, review=match.candidates)


def _join(org: Org, effect_id: UUID, content: CaseContent) -> Result:
    """Another upsert of this effect was quicker; its Case is brought up to date once it can be seen."""
    case = org.record_of("Case", EFFECT_ID, str(effect_id))
    if case is None:
        return Retry("DUPLICATE_VALUE")
    org.objects("Case").update(case, _words(org, content))
    return Delivered(case)


def _words(org: Org, content: CaseContent) -> JsonObject:
    """What is ours to keep up to date."""
    return {
        "Subject": content.subject,
        "Description": content.description,
        **shown(org.map.case.fields, content.facts, org.map),
    }


def _first(org: Org, content: CaseContent, match: Match) -> JsonObject:
    email = content.email if content.email and len(content.email) <= EMAIL_CHARACTERS else None
    fields: JsonObject = {
        "Status": org.map.case.new_status,
        "Origin": content.origin,
        "Priority": content.priority,
        "SuppliedName": content.name[:_NAME_CHARACTERS] if content.name else None,
        "SuppliedEmail": email,
        "AccountId": content.account_id,
        "ContactId": match.contact_id,
        **org.record_type("Case", content.record_type or org.map.case.record_type),
    }
    return {name: value for name, value in fields.items() if value is not None}


def reopen(org: Org, call: Call, content: ReopenContent) -> Result:
    """Open a closed Case again and say why; an open one only gets the comment."""
    if call.external_id is not None or call.operation is Operation.RETRACT:
        return comments.write(org, call, content.case, content.note)
    case = named(org, content.case)
    if case is None:
        return Failed("the answer names a Case that does not exist")
    case_id, is_closed = case
    if is_closed:
        org.objects("Case").update(case_id, {"Status": org.map.case.reopened_status})
    return comments.write(org, call, case_id, content.note)


def named(org: Org, case: str) -> tuple[str, bool] | None:
    """Record id of the Case with this id or number, and whether it is closed."""
    if not (case.isdecimal() or is_record_id(case)):
        return None
    rows = org.client.query(queries.case_named(case))["records"]
    return (str(rows[0]["Id"]), bool(rows[0]["IsClosed"])) if rows else None
