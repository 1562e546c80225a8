"""Qualaroo. It signs nothing, repeats nothing and has no id of an answer: one is made of who, which and when.

https://help.qualaroo.com/hc/en-us/articles/115004948103-How-do-I-set-up-Webhooks-in-Qualaroo names the
fields; a whole example is not published, so the question types `nps` and `text` are unconfirmed: `score` and
`comment` may name the questions instead.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from services.ingest import signatures
from services.ingest.lenient import address, comment, instant, json_body, part, parts, required, text, whole
from services.ingest.vendor import Answer, Call, Nothing, Said, Source, Vendor

_SCORES = frozenset({"nps", "rating"})
_COMMENTS = frozenset({"text", "text_short", "text_long"})


class QualarooSource(Source):
    """Nudges of one Qualaroo account."""

    score: str | None = None
    """Id of the question with the score; otherwise the first of the type nps or rating."""
    comment: str | None = None
    """Id of the open question; otherwise the first of a text type."""
    identity_is_email: bool = True
    """The identity that your pages give is an e-mail address; else it is your own id of the person."""


def read(call: Call, source: QualarooSource) -> Sequence[Said]:
    """One answer; a call without the score's question says nothing."""
    body = json_body(call)
    score = next(_answers(body, source.score, _SCORES), None)
    if score is None:
        return [Nothing("no_score")]
    at = instant(part(body, "time"))
    identity, visitor = text(part(body, "identity")), text(part(body, "anon_visitor_id"))
    who = required(identity or visitor, "identity or anon_visitor_id")
    named = "\x1f".join((who, text(part(body, "nudge_name")) or "", text(part(body, "time")) or ""))
    return [
        Answer(
            source_id=sha256(named.encode()).hexdigest(),
            revision=None,
            score=whole(score),
            comment=comment(next(_answers(body, source.comment, _COMMENTS), None)),
            responded_at=at,
            email=address(identity) if source.identity_is_email else None,
            customer_id=None if source.identity_is_email or identity is None else identity,
            visitor_id=visitor,
        )
    ]


def _answers(body: object, question: str | None, types: frozenset[str]) -> Iterator[object]:
    for one in parts(body, "answered_questions"):
        wanted = text(part(one, "question_type")) in types
        if question is not None:
            wanted = text(part(one, "question_id")) == question
        if wanted:
            yield part(one, "answer")


VENDOR = Vendor(name="qualaroo", source=QualarooSource, verify=signatures.token, read=read)
