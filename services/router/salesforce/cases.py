"""Cases: one for an answer somebody has to follow up, and at most one open Case a person.

A Case carries the effect's id in a unique External ID field, so that writing it twice makes one Case; another
unique field says which of its person's Cases it is, so that two answers at once make one. The
answers of somebody who has an open Case already are comments on it; their effects are named by both ids,
`<Case>/<comment>`. What people change in the org (status, owner, priority, contact) is sent when the Case is
made and not again, except that a resolved follow-up closes it.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from services.router.destination import (
    Call,
    Delivered,
    Failed,
    JsonObject,
    Operation,
    Result,
    Retry,
)
from services.router.salesforce import comments, queries
from services.router.salesforce.case_state import CaseState, Move, move
from services.router.salesforce.contents import CaseContent, NoteContent, ReopenContent
from services.router.salesforce.making import Making, Results, guarded, matched, written
from services.router.salesforce.org import EMAIL_CHARACTERS, Org, is_record_id
from services.router.salesforce.org_map import EFFECT_ID, PERSON_KEY, TURN, shown
from services.router.salesforce.texts import withdrawn

_CLOSED = "Closed by Feedback Router: the answer this Case was about has been withdrawn."
_NAME_CHARACTERS = 80


def deliver(org: Org, call: Call, content: CaseContent) -> Result:
    """Make the Case or append to the one that is open, bring it up to date, or take it back."""
    if call.external_id is None:
        is_first = call.operation is not Operation.RETRACT
        return make_many(org, [(call, content)])[0] if is_first else Delivered()
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


def make_many(org: Org, calls: Sequence[tuple[Call, CaseContent]]) -> list[Result]:
    """Make the Cases of these effects, or append to the Cases their people have open; one result a call, in
    order.
    """
    # A person's second answer finds the Case of the first.
    firsts: dict[str, tuple[Call, CaseContent]] = {}
    for call, content in calls:
        firsts.setdefault(content.person_key, (call, content))
    results = _make(org, list(firsts.values()))
    if rest := [(call, content) for call, content in calls if call.effect_id not in results]:
        results |= {call.effect_id: made for (call, _), made in zip(rest, make_many(org, rest), strict=True)}
    return [results[call.effect_id] for call, _ in calls]


def _make(org: Org, calls: Sequence[tuple[Call, CaseContent]]) -> Results:
    open_cases, latest = _cases(org, [content.person_key for _, content in calls])
    appended = {
        call.effect_id: guarded(partial(_append, org, call, content, open_cases[content.person_key]))
        for call, content in calls
        if content.person_key in open_cases
    }
    makings, results = matched(org, [one for one in calls if one[0].effect_id not in appended])
    rows = [(one, _new(org, one, latest.get(one.content.person_key))) for one in makings]
    # Else assignment rules take the Case away from its owner.
    headers = {"Sforce-Auto-Assign": "FALSE"}
    results |= written(org, "Case", [row for row in rows if "OwnerId" in row[1]], headers)
    results |= written(org, "Case", [row for row in rows if "OwnerId" not in row[1]])
    for one in makings:
        if results[one.call.effect_id] == Retry("DUPLICATE_VALUE"):
            results[one.call.effect_id] = guarded(partial(_join, org, one.call.effect_id, one.content))
    return results | appended


def _append(org: Org, call: Call, content: CaseContent, case: str) -> Result:
    return Delivered(f"{case}/{comments.add(org, call.effect_id, case, _note(content))}")


def _cases(org: Org, persons: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """By person, the oldest Case that is open, and the latest of all."""
    open_cases: dict[str, str] = {}
    latest: dict[str, str] = {}
    for row in org.client.query_all(queries.cases_of(persons))["records"]:
        person, case = str(row[PERSON_KEY]), str(row["Id"])
        latest[person] = case
        if not row["IsClosed"]:
            open_cases.setdefault(person, case)
    return open_cases, latest


def _join(org: Org, effect_id: UUID, content: CaseContent) -> Result:
    """Another upsert was quicker: of this effect, whose Case is brought up to date once it can be seen, or of
    another answer of the person, whose open Case the next try finds.
    """
    case = org.record_of("Case", EFFECT_ID, str(effect_id))
    if case is None:
        return Retry("DUPLICATE_VALUE")
    org.objects("Case").update(case, _words(org, content))
    return Delivered(case)


def _withdraw(org: Org, call: Call, case: str) -> None:
    """Take the answer's words away, and close the Case unless other answers stand in it."""
    words: JsonObject = {
        **withdrawn(org.map.case.fields),
        "SuppliedName": None,
        "SuppliedEmail": None,
    }
    if comments.have_ours(org, case):
        org.objects("Case").update(case, words)
        comments.add(org, call.effect_id, case, "The first answer in this Case has been withdrawn.")
        return
    org.objects("Case").update(case, words | {"Status": org.map.case.closed_status, "Comments": _CLOSED})


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


def _new(org: Org, making: Making[CaseContent], latest: str | None) -> JsonObject:
    """The fields of a new Case; `latest` is the one that its person had before."""
    content = making.content
    email = content.email if content.email and len(content.email) <= EMAIL_CHARACTERS else None
    fields: JsonObject = {
        **_words(org, content),
        PERSON_KEY: content.person_key,
        TURN: f"{content.person_key} {latest or 'first'}",
        "Status": org.map.case.new_status,
        "Origin": content.origin,
        "Priority": content.priority,
        "SuppliedName": content.name[:_NAME_CHARACTERS] if content.name else None,
        "SuppliedEmail": email,
        "AccountId": content.account_id,
        "ContactId": making.match.contact_id,
        "OwnerId": org.user(content.owner_email),
        **org.record_type("Case", content.record_type or org.map.case.record_type),
    }
    return {name: value for name, value in fields.items() if value is not None}


def annotate(org: Org, call: Call, content: NoteContent) -> Result:
    """Write a colleague's note on the Case; it stays whatever becomes of the answer, unless all has to go."""
    if call.is_erased and call.external_id is not None:
        comments.change(org, call, call.external_id, content.note)
    if call.operation is Operation.RETRACT or call.external_id is not None:
        return Delivered(call.external_id)
    case = (call.parent_id or "").partition("/")[0]
    # A call that may have written it before is looked for first, see `reconcile`.
    return Delivered(comments.write(org, call.effect_id, case, content.note))


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
