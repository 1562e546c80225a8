"""Comments on Cases. They take no fields of ours, so the effect's id is the last line of the words."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.router.destination import Call, Operation
from services.router.salesforce import queries
from services.router.salesforce.org import Org

_BYTES = 4_000
"""Salesforce counts bytes here, everywhere else characters."""
_MARK = "[Feedback Router {}]"
_WITHDRAWN = "The answer this comment was about has been withdrawn."


def marked(text: str, effect_id: UUID) -> str:
    """The comment as it is written: shortened to fit, with the effect's id as its last line."""
    end = f"\n\n{_MARK.format(effect_id)}"
    return _cut(text.strip(), _BYTES - len(_stored(end))) + end


def is_ours(body: str | None) -> bool:
    """Whether a comment carries the id of an effect."""
    return (body or "").rstrip().rpartition("\n")[2].startswith(_MARK.partition("{")[0])


def find(org: Org, case: str, effect_id: UUID) -> str | None:
    """Id of the comment on this Case that carries the effect's id."""
    mark = _MARK.format(effect_id)
    return next((str(row["Id"]) for row in _of(org, case) if mark in str(row["CommentBody"])), None)


def have_ours(org: Org, case: str) -> bool:
    """Whether any comment on this Case is ours."""
    return any(is_ours(row["CommentBody"]) for row in _of(org, case))


def add(org: Org, effect_id: UUID, case: str, text: str) -> str:
    """Write the comment unless it is there already; its id."""
    return find(org, case, effect_id) or write(org, effect_id, case, text)


def write(org: Org, effect_id: UUID, case: str, text: str) -> str:
    """Write the comment, known not to be there; its id."""
    fields = {"ParentId": case, "CommentBody": marked(text, effect_id)}
    return str(org.objects("CaseComment").create(fields)["id"])


def change(org: Org, call: Call, comment: str, text: str) -> None:
    """Give the comment its words of now; a withdrawn answer's say only that."""
    words = _WITHDRAWN if call.operation is Operation.RETRACT else text
    org.objects("CaseComment").update(comment, {"CommentBody": marked(words, call.effect_id)})


def _of(org: Org, case: str) -> list[Mapping[str, Any]]:
    return list(org.client.query_all(queries.comments(case))["records"])


def _cut(text: str, most_bytes: int) -> str:
    stored = _stored(text)
    if len(stored) <= most_bytes:
        return text
    left = stored[: most_bytes - len("…".encode())].decode(errors="ignore")
    return left.replace("\r\n", "\n").rstrip() + "…"


def _stored(text: str) -> bytes:
    # Salesforce keeps a line's end as two bytes.
    return text.replace("\n", "\r\n").encode()
