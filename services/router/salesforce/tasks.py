"""Tasks for account managers. Activities take External IDs that are not unique: a second one is swept."""

from services.router.destination import Call, Delivered, JsonObject, Operation, Result, Skipped
from services.router.follow_up import State
from services.router.salesforce.contents import TaskContent
from services.router.salesforce.org import Org
from services.router.salesforce.org_map import EFFECT_ID, shown


def deliver(org: Org, call: Call, content: TaskContent) -> Result:
    """Make the Task, bring it up to date, or complete it."""
    if call.operation is Operation.RETRACT:
        if call.external_id is not None:
            org.objects("Task").update(call.external_id, {"Status": org.map.task.completed_status})
        return Delivered(call.external_id)
    if call.external_id is not None:
        fields = _words(org, content)
        if call.follow_up is not None and call.follow_up.state is State.RESOLVED:
            fields["Status"] = org.map.task.completed_status
        org.objects("Task").update(call.external_id, fields)
        return Delivered(call.external_id)
    match = org.match(content)
    if match.contact_id is None and content.unmatched == "skip":
        return Skipped("several contacts match" if match.candidates else "no contact matches")
    first: JsonObject = {
        **_words(org, content),
        "Status": org.map.task.new_status,
        "Priority": content.priority,
        "ActivityDate": content.due_on.isoformat() if content.due_on else None,
        "WhoId": match.contact_id,
        "WhatId": content.account_id,
        "OwnerId": org.user(content.owner_email),
        **org.record_type("Task", org.map.task.record_type),
    }
    made: JsonObject = {name: value for name, value in first.items() if value is not None}
    task = org.upsert("Task", EFFECT_ID, str(call.effect_id), made)
    return Delivered(task, review=match.candidates)


def _words(org: Org, content: TaskContent) -> JsonObject:
    return {
        "Subject": content.subject,
        "Description": content.description,
        **shown(org.map.task.fields, content.facts, org.map),
    }
