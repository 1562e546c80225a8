"""What the doubles received, as JSON for tests and the demo: counts, filters, and the switches."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from sandbox.faults import Double, Fault, FaultRequest
from sandbox.jira import Issue
from sandbox.mail import Mail
from sandbox.receivers import Event, Receiver
from sandbox.salesforce_objects import object_named
from sandbox.slack_workspace import Channel, Message
from sandbox.world import World

Limit = Annotated[
    int, Query(ge=0, le=50_000, description="Items returned, oldest first; the counts are of all.")
]
Offset = Annotated[int, Query(ge=0)]


class LimitsChange(BaseModel):
    """Raises or lowers every rate limit; 1 = as the real services."""

    model_config = ConfigDict(extra="forbid")

    factor: float = Field(gt=0, le=1_000_000)


def _message(channel: Channel, message: Message, *, brief: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "channel": channel.name,
        "channel_id": channel.channel_id,
        "ts": message.ts,
        "text": message.text,
        "metadata": message.metadata,
        "thread_ts": message.thread_ts,
        "only_for": message.only_for,
        "posted_at": message.posted_at,
        "edits": message.edits,
        "deleted_at": message.deleted_at,
    }
    return item if brief else item | {"blocks": message.blocks}


def _mail(mail: Mail, *, brief: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "number": mail.number,
        "received_at": mail.received_at,
        "from": mail.header("From"),
        "to": list(mail.recipients),
        "subject": mail.header("Subject"),
        "message_id": mail.header("Message-ID"),
    }
    whole = {"headers": [list(pair) for pair in mail.headers], "text": mail.text, "html": mail.html}
    return item if brief else item | whole | {"links": list(mail.links)}


def _event(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        "webhook_id": event.webhook_id,
        "received_at": event.received_at,
        "deliveries": event.deliveries,
        "body": event.body,
    }


def _issue(issue: Issue) -> dict[str, Any]:
    comments = [
        {"id": one.comment_id, "body": one.body, "properties": one.properties, "edits": one.edits}
        for one in issue.comments.values()
    ]
    return {"key": issue.key, "summary": issue.summary, "labels": issue.labels, "comments": comments}


def _events(receiver: Receiver, limit: int, offset: int) -> dict[str, Any]:
    events = receiver.events
    repeated = sum(event.deliveries - 1 for event in events)
    return {
        "counts": {"events": len(events), "repeated_deliveries": repeated},
        "total": len(events),
        "items": [_event(event) for event in events[offset : offset + limit]],
    }


def _cut(items: Sequence[dict[str, Any]], limit: int, offset: int) -> list[dict[str, Any]]:
    return list(items[offset : offset + limit])


def slack_counts(world: World) -> dict[str, int]:
    """Count messages that stand, by channel name; deleted and ephemeral ones are not counted."""
    return {
        channel.name: sum(
            message.deleted_at is None and message.only_for is None for message in channel.messages.values()
        )
        for channel in world.workspace.channels.values()
    }


def salesforce_counts(world: World) -> dict[str, int]:
    """Count records by object."""
    return {name: len(world.records.of(kind)) for name, kind in world.objects.items()}


def routes(world: World) -> APIRouter:  # noqa: C901 - one function per path, none of them with a branch worth the name
    """Serve `/received...`, `/faults...`, `/limits` and `/salesforce-sessions`."""
    router = APIRouter()

    @router.get("/received")
    async def received() -> dict[str, Any]:
        return {
            "slack": slack_counts(world),
            "salesforce": salesforce_counts(world),
            "mail": world.mailbox.taken,
            "jira": len(world.jira.issues),
            **{double: len(receiver.events) for double, receiver in world.receivers.items()},
            "calls": {double: world.calls.counts(double) for double in Double},
        }

    @router.get("/received/slack")
    async def slack(
        channel: str | None = None,
        include_deleted: bool = False,
        brief: bool = False,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> dict[str, Any]:
        found = [
            (where, message)
            for where in world.workspace.channels.values()
            if channel in (None, where.name, where.channel_id)
            for message in where.messages.values()
            if include_deleted or message.deleted_at is None
        ]
        page = found[offset : offset + limit]
        return {
            "counts": slack_counts(world),
            "total": len(found),
            "items": [_message(where, message, brief=brief) for where, message in page],
        }

    @router.get("/received/salesforce")
    async def salesforce(
        object: str | None = None,  # noqa: A002 - the name of the query parameter
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> dict[str, Any]:
        kind = object_named(object) if object is not None else None
        if object is not None and kind is None:
            raise HTTPException(404, f"There is no object {object}.")
        kinds = [kind] if kind is not None else list(world.objects.values())
        items = [
            {"object": one.name, **record.values, "edits": record.edits}
            for one in kinds
            for record in world.records.of(one).values()
        ]
        return {"counts": salesforce_counts(world), "total": len(items), "items": _cut(items, limit, offset)}

    @router.get("/received/mail")
    async def mail(
        to: str | None = None,
        subject: str | None = None,
        brief: bool = False,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> dict[str, Any]:
        found = [
            mail
            for mail in world.mailbox.mails
            if (to is None or to.lower() in (one.lower() for one in mail.recipients))
            and (subject is None or subject.lower() in mail.header("Subject").lower())
        ]
        repeated = sum(times - 1 for times in world.mailbox.message_ids.values())
        return {
            "counts": {"mails": world.mailbox.taken, "repeated_message_ids": repeated},
            "total": len(found),
            "items": [_mail(one, brief=brief) for one in found[offset : offset + limit]],
        }

    @router.get("/received/marketing")
    async def marketing(limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
        return _events(world.receivers[Double.MARKETING], limit, offset)

    @router.get("/received/health")
    async def health(limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
        return _events(world.receivers[Double.HEALTH], limit, offset)

    @router.get("/received/webhook")
    async def webhook(limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
        return _events(world.receivers[Double.WEBHOOK], limit, offset)

    @router.get("/received/jira")
    async def issues(limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
        found = list(world.jira.issues.values())
        return {"total": len(found), "items": [_issue(one) for one in found[offset : offset + limit]]}

    @router.get("/received/calls")
    async def calls(double: Double | None = None, limit: Limit = 100) -> dict[str, Any]:
        latest = [asdict(call) for _, call in zip(range(limit), world.calls.latest(double), strict=False)]
        return {"counts": {one: world.calls.counts(one) for one in Double}, "items": latest}

    @router.delete("/received", status_code=204)
    async def forget() -> None:
        world.clear()

    @router.get("/faults")
    async def faults() -> list[dict[str, Any]]:
        return [_fault(fault) for fault in world.faults]

    @router.post("/faults", status_code=201)
    async def add_fault(order: FaultRequest) -> dict[str, Any]:
        return _fault(world.faults.add(order))

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        world.faults.clear()

    @router.delete("/faults/{fault_id}", status_code=204)
    async def remove_fault(fault_id: int) -> None:
        if not world.faults.remove(fault_id):
            raise HTTPException(404, f"There is no fault {fault_id}.")

    @router.get("/limits")
    async def limits() -> dict[str, float]:
        return {"factor": world.factor.value}

    @router.put("/limits")
    async def change_limits(change: LimitsChange) -> dict[str, float]:
        world.factor.value = change.factor
        return {"factor": world.factor.value}

    @router.delete("/salesforce-sessions")
    async def expire_sessions() -> dict[str, int]:
        return {"ended": world.salesforce.login.expire_all()}

    return router


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "id": fault.fault_id,
        "hits": fault.hits,
        "spent": fault.spent,
        **fault.order.model_dump(mode="json"),
    }
