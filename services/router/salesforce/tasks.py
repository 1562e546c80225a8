"""Tasks for account managers. Activities take External IDs that are not unique: a second one is swept."""

from collections.abc import Sequence

from services.router.destination import Call, Delivered, JsonObject, Operation, Result
from services.router.follow_up import State
from services.router.salesforce.contents import TaskContent
from services.router.salesforce.making import Making, matched, written
from services.router.salesforce.org import Org
from services.router.salesforce.org_map import shown
from services.router.salesforce.texts import withdrawn


def deliver(org: Org, call: Call, content: TaskContent) -> Result:
    """Make the Task, bring it up to date, or complete it."""
    if call.operation is Operation.RETRACT:
        if call.external_id is not None:
            fields = withdrawn(org.map.task.fields) | {"Status": org.map.task.completed_status}
            org.objects("Task").update(call.external_id, fields)
        return Delivered(call.external_id)
    if call.external_id is None:
        return make_many(org, [(call, content)])[0]
    fields = _words(org, content)
    if call.follow_up is not None and call.follow_up.state is State.RESOLVED:
        fields["Status"] = org.map.task.completed_status
    org.objects("Task").update(call.external_id, fields)
    return Delivered(call.external_id)


def make_many(org: Org, calls: Sequence[tuple[Call, TaskContent]]) -> list[Result]:
    """Make the Tasks of these effects; one result a call, in order."""
    makings, results = matched(org, calls)
    results |= written(org, "Task", [(one, _new(org, one)) for one in makings])
    return [results[call.effect_id] for call, _ in calls]


def _new(org: Org, making: Making[TaskContent]) -> JsonObject:
    content = making.content
    fields: JsonObject = {
        **_words(org, content),
        "Status": org.map.task.new_status,
        "Priority": content.priority,
        "ActivityDate": content.due_on.isoformat() if content.due_on else None,
        "WhoId": making.match.contact_id,
        "WhatId": content.account_id,
        "OwnerId": org.user(content.owner_email),
        **org.record_type("Task", org.map.task.record_type),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _words(org: Org, content: TaskContent) -> JsonObject:
    return {
        "Subject": content.subject,
        "Description": content.description,
        **shown(org.map.task.fields, content.facts, org.map),
    }
