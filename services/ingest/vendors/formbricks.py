"""Formbricks. Score and comment stand under the ids of a survey's own elements, which sources.yaml names.

https://formbricks.com/docs/xm-and-surveys/core-features/integrations/webhooks: signed as Standard Webhooks.
The documented body is a list of one event; the event itself is read as well. Where a contact's address stands
is unconfirmed: `contactAttributes.email` and, as in 2023, `personAttributes.email` are read.
"""

from collections.abc import Sequence

from services.ingest import signatures
from services.ingest.lenient import (
    address,
    comment,
    instant,
    is_yes,
    json_body,
    milliseconds,
    part,
    parts,
    required,
    text,
    whole,
)
from services.ingest.vendor import Answer, Call, Nothing, Said, Source, Unreadable, Vendor

_EVENTS = frozenset({"responseCreated", "responseUpdated", "responseFinished"})


class FormbricksSource(Source):
    """One survey of a Formbricks workspace."""

    score: str
    """Id of the element with the score."""
    comment: str | None = None
    """Id of the open question."""
    survey: str | None = None
    """Id of the survey; calls of others are passed over. Left out: every survey that the webhook covers."""


def read(call: Call, source: FormbricksSource) -> Sequence[Said]:
    """The answers as they stand now; unfinished ones are provisional."""
    body = json_body(call)
    return [_said(event, source) for event in (body if isinstance(body, list) else [body])]


def _said(event: object, source: FormbricksSource) -> Said:
    if text(part(event, "event")) not in _EVENTS:
        return Nothing("other_event")
    response = part(event, "data")
    if source.survey is not None and text(part(response, "surveyId")) != source.survey:
        return Nothing("other_survey")
    changed_at = milliseconds(part(response, "updatedAt")) or milliseconds(part(response, "createdAt"))
    if changed_at is None:
        raise Unreadable("expected data.updatedAt")
    score = whole(part(response, "data", source.score))
    said = comment(part(response, "data", source.comment)) if source.comment else None
    if score is None and said is None:
        return Nothing("not_answered_yet")
    tags = {text(part(tag, "name")) for tag in parts(response, "tags")}
    attributes = part(response, "contactAttributes") or part(response, "personAttributes")
    contact = part(response, "contact")
    return Answer(
        source_id=required(text(part(response, "id")), "data.id"),
        revision=changed_at,
        score=score,
        comment=said,
        responded_at=instant(part(response, "createdAt")),
        customer_id=text(part(contact, "userId")) or text(part(attributes, "userId")),
        email=address(part(attributes, "email")),
        visitor_id=text(part(contact, "id")),
        language=text(part(response, "language"), 35),
        provisional=not is_yes(part(response, "finished")),
        retracted_because="test" if "test" in tags else None,
    )


def event_id(call: Call, _source: Source) -> str | None:
    """`webhook-id`, the same whenever the call is repeated."""
    return call.headers.get("webhook-id")


VENDOR = Vendor(
    name="formbricks",
    source=FormbricksSource,
    verify=signatures.standard_webhook,
    read=read,
    event_id=event_id,
)
