"""Typeform. The NPS is the number of the form's `nps` or `opinion_scale` answer, not `calculated.score`.

https://www.typeform.com/developers/webhooks/example-payload/ and …/secure-your-webhooks/. A response cannot
be changed; its clock is how complete it is: 0 for a partial one, which alerts wait for, 1 for the whole. An
opinion scale that does not run like ours (from 1 to 10, say) needs `scores`.
"""

from collections.abc import Sequence

from services.ingest import signatures
from services.ingest.lenient import address, comment, instant, json_body, part, parts, required, text, whole
from services.ingest.vendor import Answer, Call, Nothing, Said, Source, Vendor

_SCORES = ("nps", "opinion_scale", "rating")
_COMMENTS = ("long_text", "short_text")
_PARTIAL, _WHOLE = 0, 1


class TypeformSource(Source):
    """Forms of one Typeform account."""

    score: str | None = None
    """Id or reference of the question with the score; otherwise the first nps, opinion_scale or rating."""
    comment: str | None = None
    """Id or reference of the open question; otherwise the first long_text or short_text."""
    customer_id_field: str = "customer_id"
    """Hidden field that carries your own id of the person."""
    email_field: str = "email"
    """Hidden field that carries the address; an answer of the type email counts too."""


def read(call: Call, source: TypeformSource) -> Sequence[Said]:
    """One answer, partial or whole."""
    body = json_body(call)
    event, form = text(part(body, "event_type")), part(body, "form_response")
    if event not in {"form_response", "form_response_partial"}:
        return [Nothing("other_event")]
    hidden = part(form, "hidden")
    return [
        Answer(
            source_id=required(text(part(form, "token")), "form_response.token"),
            revision=_WHOLE if event == "form_response" else _PARTIAL,
            score=whole(_answer(form, source.score, _SCORES)),
            comment=comment(_answer(form, source.comment, _COMMENTS)),
            responded_at=instant(part(form, "submitted_at")) or instant(part(form, "landed_at")),
            email=address(part(hidden, source.email_field)) or address(_answer(form, None, ("email",))),
            customer_id=text(part(hidden, source.customer_id_field)),
            name=text(part(hidden, "name")),
            provisional=event == "form_response_partial",
        )
    ]


def event_id(call: Call, _source: Source) -> str | None:
    """`event_id`."""
    return text(part(json_body(call), "event_id"))


def _answer(form: object, question: str | None, types: Sequence[str]) -> object:
    """The value of the named question, else of the first of the earliest of these types."""
    answers = list(parts(form, "answers"))
    if question is not None:
        found = (one for one in answers if question in (part(one, "field", "id"), part(one, "field", "ref")))
    else:
        found = (one for type_ in types for one in answers if part(one, "field", "type") == type_)
    answer = next(found, None)
    kind = text(part(answer, "type"))
    return part(answer, kind) if kind else None


VENDOR = Vendor(
    name="typeform",
    source=TypeformSource,
    verify=signatures.of_body("typeform-signature", "sha256", "base64", "sha256="),
    read=read,
    event_id=event_id,
)
