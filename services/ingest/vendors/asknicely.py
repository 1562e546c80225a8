"""AskNicely. It signs nothing; `count` says how often this answer was sent, so it is the answer's version.

https://asknicely.zendesk.com/hc/en-us/articles/47782734299540-Triggering-Webhooks-in-AskNicely. Numbers and
Unix times come as text.
"""

from collections.abc import Sequence

from services.ingest import signatures
from services.ingest.lenient import address, comment, instant, json_body, part, required, text, whole
from services.ingest.vendor import Answer, Call, Said, Source, Unreadable, Vendor


class AskNicelySource(Source):
    """One AskNicely account."""

    customer_id_field: str | None = None
    """Custom field of the contact that carries your own id of the person."""


def read(call: Call, source: AskNicelySource) -> Sequence[Said]:
    """One answer as it stands now."""
    body = json_body(call)
    person, question = part(body, "person"), part(body, "question")
    count = whole(part(body, "count"))
    if count is None or count < 0:
        raise Unreadable("expected count")
    return [
        Answer(
            source_id=required(text(part(question, "id")), "question.id"),
            revision=count,
            score=whole(part(question, "score")),
            comment=comment(part(question, "comment")),
            responded_at=instant(part(question, "responded")),
            customer_id=text(part(person, source.customer_id_field)) if source.customer_id_field else None,
            email=address(part(person, "email")),
            name=text(part(person, "name")),
            visitor_id=text(part(person, "id")),
            channel=text(part(question, "deliverymethod"), 32),
        )
    ]


VENDOR = Vendor(name="asknicely", source=AskNicelySource, verify=signatures.token, read=read)
