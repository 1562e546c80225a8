"""Pendo NPS. It knows people by visitor id only: profiles say who they are.

https://support.pendo.io/hc/en-us/articles/360032285012-Webhooks. Each submission is a call with an id of its
own and is never changed; `timestamp` is in seconds.
"""

from collections.abc import Sequence

from schemas.scales import Metric
from services.ingest import signatures
from services.ingest.lenient import comment, instant, json_body, part, required, text, whole
from services.ingest.vendor import Answer, Call, Nothing, Said, Source, Vendor


class PendoSource(Source):
    """One Pendo subscription."""

    visitor_is_customer_id: bool = False
    """Pendo's visitor id is your own id of the person."""


def read(call: Call, source: PendoSource) -> Sequence[Said]:
    """One submission; surveys that were only shown say nothing."""
    body = json_body(call)
    if text(part(body, "event")) != "npsSubmitted":
        return [Nothing("other_event")]
    nps = part(body, "properties", "nps")
    visitor = text(part(body, "visitorId"))
    return [
        Answer(
            source_id=required(text(part(body, "uniqueId")), "uniqueId"),
            revision=None,
            metric=Metric.NPS,
            score=whole(part(nps, "rating")),
            comment=comment(part(nps, "reason")),
            responded_at=instant(part(body, "timestamp")),
            customer_id=visitor if source.visitor_is_customer_id else None,
            visitor_id=visitor,
            account_id=text(part(body, "accountId")),
            language=text(part(body, "properties", "language"), 35),
            channel=text(part(nps, "source"), 32),
        )
    ]


def event_id(call: Call, _source: Source) -> str | None:
    """`uniqueId`."""
    return text(part(json_body(call), "uniqueId"))


VENDOR = Vendor(
    name="pendo",
    source=PendoSource,
    verify=signatures.of_body("x-pendo-signature", "sha256", "hex"),
    read=read,
    event_id=event_id,
)
