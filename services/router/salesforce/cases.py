"""Cases: one for an answer somebody has to follow up, and at most one open Case a person.

A Case carries the effect's id in a unique External ID field, so that writing it twice makes one Case. The
answers of somebody who has an open Case already are comments on it; their effects are named by both ids,
`<Case>/<comment>`. What people change in the org (status, owner, priority, contact) is sent when the Case is
made and not again, except that a resolved follow-up closes it.
"""

from datetime import datetime
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
from services.router.salesforce.case_state import CaseState, Move, move
from services.router.salesforce.contents import CaseContent, NoteContent, ReopenContent
from services.router.salesforce.errors import code_of
from services.router.salesforce.matching import Match
from services.router.salesforce.org import EMAIL_CHARACTERS, Org, is_record_id
from services.router.salesforce.org_map import EFFECT_ID, PERSON_KEY, shown

_WITHDRAWN = "Closed by Feedback Router: the answer this Case was about has been withdrawn."
_NAME_CHARACTERS = 80


def deliver(org: Org, call: Call, content: CaseContent) -> Result:
    """Make the Case or append to the one that is open, bring it up to date, or take it back."""
    if call.external_id is None:
        return Delivered() if call.operation is Operation.RETRACT else _first_time(org, call, content)
    case, _, comment = call.external_id.partition("/")
    # Read before anything is written, after which the last change would be ours.
    status = _status(org, call, case)
    if comment:
        comments.change(org, call, comment, _note(content))
        if status:
            org.objects("Case").update(case, status)
    elif call.operation is Operation.RETRACT:
        _withdraw(org, call, case)
    else:
        org.objects("Case").update(case, _words(org, content) | status)
    return Delivered(call.external_id)


def find(org: Org, call: Call, content: CaseContent) -> str | None:
    """The name of what the effect made: its Case, or its comment on one of the person's Cases."""
    case = org.record_of("Case", EFFECT_ID, str(call.effect_id))
    if case is not None:
        return case
    for row in org.client.query(queries.latest_cases(content.person_key))["records"]:
        if comment := comments.find(org, str(row["Id"]), call.effect_id):
            return f"{row['Id']}/{comment}"
    return None


def _first_time(org: Org, call: Call, content: CaseContent) -> Result:
    for case in _open(org, content):
        return Delivered(f"{case}/{comments.add(org, call.effect_id, case, _note(content))}")
    match = org.match(content)
    if match.contact_id is None and content.unmatched == "skip":
        return Skipped("several contacts match" if match.candidates else "no contact matches")
    return _create(org, call.effect_id, content, match)


def _open(org: Org, content: CaseContent) -> list[str]:
    rows = org.client.query(queries.open_cases(content.person_key))["records"]
    return [str(row["Id"]) for row in rows]


def _create(org: Org, effect_id: UUID, content: CaseContent, match: Match) -> Result:
    fields = _words(org, content) | _given_once(org, content, match)
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


def _withdraw(org: Org, call: Call, case: str) -> None:
    """Close the Case, unless other answers stand in it."""
    if comments.have_ours(org, case):
        comments.add(org, call.effect_id, case, "The first answer in this Case has been withdrawn.")
        return
    org.objects("Case").update(case, {"Status": org.map.case.closed_status, "Comments": _WITHDRAWN})


def _status(org: Org, call: Call, case: str) -> JsonObject:
    if call.follow_up is None or call.operation is not Operation.UPDATE:
        return {}
    rows = org.client.query(queries.case_state(case))["records"]
    if not rows:
        return {}
    state = CaseState(
        is_closed=bool(rows[0]["IsClosed"]),
        changed_at=datetime.fromisoformat(rows[0]["LastModifiedDate"]),
        by_us=rows[0]["LastModifiedById"] == org.us(),
    )
    statuses = {Move.CLOSE: org.map.case.closed_status, Move.REOPEN: org.map.case.reopened_status}
    wanted = move(state, call.follow_up)
    return {"Status": statuses[wanted]} if wanted else {}


def _note(content: CaseContent) -> str:
    return f"{content.subject}\n\n{content.description}"


def _words(org: Org, content: CaseContent) -> JsonObject:
    """What is ours to keep up to date."""
    return {
        "Subject": content.subject,
        "Description": content.description,
        **shown(org.map.case.fields, content.facts, org.map),
    }


def _given_once(org: Org, content: CaseContent, match: Match) -> JsonObject:
    email = content.email if content.email and len(content.email) <= EMAIL_CHARACTERS else None
    fields: JsonObject = {
        PERSON_KEY: content.person_key,
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


def annotate(org: Org, call: Call, content: NoteContent) -> Result:
    """Write a colleague's note on the Case; it stays there whatever becomes of the answer."""
    if call.operation is Operation.RETRACT or call.external_id is not None:
        return Delivered(call.external_id)
    case = (call.parent_id or "").partition("/")[0]
    return Delivered(comments.add(org, call.effect_id, case, content.note))


def reopen(org: Org, call: Call, content: ReopenContent) -> Result:
    """Open a closed Case again and say why; an open one only gets the comment."""
    if call.external_id is not None:
        comments.change(org, call, call.external_id, content.note)
        return Delivered(call.external_id)
    if call.operation is Operation.RETRACT:
        return Delivered()
    case = named(org, content.case)
    if case is None:
        return Failed("the answer names a Case that does not exist")
    case_id, is_closed = case
    if is_closed:
        org.objects("Case").update(case_id, {"Status": org.map.case.reopened_status})
    return Delivered(comments.add(org, call.effect_id, case_id, content.note))


def named(org: Org, case: str) -> tuple[str, bool] | None:
    """Record id of the Case with this id or number, and whether it is closed."""
    if not (case.isdecimal() or is_record_id(case)):
        return None
    rows = org.client.query(queries.case_named(case))["records"]
    return (str(rows[0]["Id"]), bool(rows[0]["IsClosed"])) if rows else None
