"""Comments on Cases. They take no fields of ours, so the effect's id is the last line of the words."""

from uuid import UUID

from services.router.destination import Call, Delivered, Operation, Result
from services.router.salesforce import queries
from services.router.salesforce.org import Org
from services.router.slack.texts import shorten

_CHARACTERS = 4_000
_MARK = "[Feedback Router {}]"
WITHDRAWN = "The answer this comment was about has been withdrawn."


def marked(text: str, effect_id: UUID) -> str:
    """The comment as it is written: shortened to fit, with the effect's id as its last line."""
    mark = _MARK.format(effect_id)
    return f"{shorten(text.strip(), _CHARACTERS - len(mark) - 2)}\n\n{mark}"


def is_ours(body: str | None) -> bool:
    """Whether a comment carries the id of an effect."""
    return (body or "").rstrip().rpartition("\n")[2].startswith(_MARK.partition("{")[0])


def find(org: Org, case: str, effect_id: UUID) -> str | None:
    """Id of the comment on this Case that carries the effect's id."""
    mark = _MARK.format(effect_id)
    rows = org.client.query_all(queries.comments(case))["records"]
    return next((str(row["Id"]) for row in rows if mark in str(row["CommentBody"])), None)


def write(org: Org, call: Call, case: str, text: str) -> Result:
    """Add the comment, change its words, or say that its answer was withdrawn."""
    if call.operation is Operation.RETRACT:
        text = WITHDRAWN
    if call.external_id is not None:
        org.objects("CaseComment").update(call.external_id, {"CommentBody": marked(text, call.effect_id)})
        return Delivered(call.external_id)
    fields = {"ParentId": case, "CommentBody": marked(text, call.effect_id)}
    return Delivered(str(org.objects("CaseComment").create(fields)["id"]))
