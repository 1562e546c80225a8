"""Wootric, now InMoment: JSON, or a form with names such as `response[score]`, as the account is set.

http://docs.wootric.com/webhooks/. Times are ISO 8601 in JSON and as Ruby prints them in a form. What is
excluded from calculations does not stand. There is no id of the call; the body's hash serves.
"""

from collections.abc import Sequence

from schemas.scales import Metric
from services.ingest import signatures
from services.ingest.lenient import (
    address,
    comment,
    instant,
    is_yes,
    json_or_form,
    milliseconds,
    part,
    required,
    text,
    whole,
)
from services.ingest.vendor import Answer, Call, Nothing, Said, Source, Unreadable, Vendor


def read(call: Call, source: Source) -> Sequence[Said]:
    """One answer; somebody who closed the survey said nothing."""
    body = json_or_form(call)
    response = part(body, "response")
    if response is None:
        return [Nothing("declined" if part(body, "decline") is not None else "other_event")]
    changed_at = milliseconds(part(response, "updated_at")) or milliseconds(part(response, "created_at"))
    if changed_at is None:
        raise Unreadable("expected response.updated_at")
    deleted = text(part(body, "event_name")) == "deleted"
    excluded = is_yes(part(response, "excluded_from_calculations"))
    return [
        Answer(
            source_id=required(text(part(response, "id")), "response.id"),
            revision=changed_at,
            metric=_metric(part(body, "survey_mode")) or source.metric,
            score=whole(part(response, "score")),
            comment=comment(part(response, "text")),
            responded_at=instant(part(response, "created_at")),
            customer_id=text(part(response, "external_id")),
            email=address(part(response, "email")),
            visitor_id=text(part(response, "end_user_id")),
            retracted_because="deleted" if deleted else "excluded" if excluded else None,
        )
    ]


def _metric(mode: object) -> Metric | None:
    named = (text(mode) or "").lower()
    return Metric(named) if named in set(Metric) else None


VENDOR = Vendor(
    name="wootric",
    source=Source,
    verify=signatures.of_body("x-wootric-signature", "sha1", "hex", "sha1="),
    read=read,
)
