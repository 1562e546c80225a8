"""Delighted. Its body and signature are also what its successors imitate.

https://app.delighted.com/docs/api/webhooks: `created` often has the score only, `updated` the comment; times
are Unix seconds; the signature is keyed with the API key. Its CES runs from 1 to 5, so it needs `scores`.
"""

from collections.abc import Sequence

from schemas.scales import Metric
from services.ingest import signatures
from services.ingest.lenient import (
    address,
    comment,
    instant,
    json_body,
    milliseconds,
    part,
    required,
    text,
    whole,
)
from services.ingest.vendor import Answer, Call, Nothing, Said, Source, Unreadable, Unsubscribed, Vendor

_METRICS = {"nps": Metric.NPS, "csat": Metric.CSAT, "ces": Metric.CES}


def read(call: Call, source: Source) -> Sequence[Said]:
    """One answer as it stands now, or an unsubscription."""
    body = json_body(call)
    said, data = text(part(body, "event_type")), part(body, "event_data")
    email = address(part(data, "person", "email"))
    if said == "unsubscribe.created":
        at = instant(part(data, "created_at"))
        return [Unsubscribed(required(email, "event_data.person.email"), at)]
    if said not in {"survey_response.created", "survey_response.updated"}:
        return [Nothing("other_event")]
    created_at = part(data, "created_at")
    changed_at = milliseconds(part(data, "updated_at")) or milliseconds(created_at)
    if changed_at is None:
        raise Unreadable("expected event_data.updated_at")
    metric = _METRICS.get(text(part(data, "survey_type")) or "", source.metric)
    if metric is Metric.CES and source.scores is None:
        raise Unreadable(
            "expected `scores` in sources.yaml: Delighted's CES runs from 1 to 5, ours from 1 to 7"
        )
    return [
        Answer(
            source_id=required(text(part(data, "id")), "event_data.id"),
            revision=changed_at,
            metric=metric,
            score=whole(part(data, "score")),
            comment=comment(part(data, "comment")),
            responded_at=instant(created_at),
            email=email,
            name=text(part(data, "person", "name")),
            visitor_id=text(part(data, "person", "id")),
        )
    ]


def event_id(call: Call, _source: Source) -> str | None:
    """`event_id`."""
    return text(part(json_body(call), "event_id"))


VENDOR = Vendor(
    name="delighted",
    source=Source,
    verify=signatures.of_body("x-delighted-webhook-signature", "sha256", "hex", "sha256="),
    read=read,
    event_id=event_id,
)
