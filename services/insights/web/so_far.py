"""What happened to an answer until now, in a few words. Pure."""

from collections.abc import Iterable, Mapping

from schemas.outcomes import OutcomeKind
from services.insights.closed_loop_store import AUTOMATIC_MAIL
from services.insights.customers import Deed
from services.insights.web.wording import named

NOTHING = "Nobody has done anything about it yet"
STANDINGS: Mapping[str, str] = {
    OutcomeKind.OPENED: "waits to be taken",
    OutcomeKind.CLAIMED: "{actor} has it",
    OutcomeKind.REASSIGNED: "given to somebody else",
    OutcomeKind.CONTACTED: "{actor} was in contact",
    OutcomeKind.RESOLVED: "closed: {reason}",
    OutcomeKind.REOPENED: "opened again",
    OutcomeKind.REPLIED: "the customer wrote back",
}
"""How an answer stands after something happened; the latest counts."""
_NOT_THERE = frozenset({OutcomeKind.WITHHELD, OutcomeKind.FAILED})


def so_far(deeds: Iterable[Deed]) -> list[str]:
    """Who has it or what they did, what went where, and what was held back; the last state of each."""
    ordered = sorted(deeds, key=lambda one: one.occurred_at)
    standing = [_standing(one) for one in ordered if one.kind in STANDINGS][-1:]
    # By destination and action, what became of it last.
    brought = {(one.destination, one.action): one for one in ordered if one.destination is not None}
    there = [one for one in brought.values() if one.kind == OutcomeKind.DELIVERED]
    places = dict.fromkeys(named(one.destination or "") for one in there if one.action != AUTOMATIC_MAIL)
    told = [
        *standing,
        *(["answered by an automatic mail"] if any(one.action == AUTOMATIC_MAIL for one in there) else []),
        *([f"brought to {', '.join(places)}"] if places else []),
        *(
            f"held back from {named(one.destination or '')}: {one.reason or one.kind}"
            for one in brought.values()
            if one.kind in _NOT_THERE
        ),
        *(["too late"] if any(one.kind == OutcomeKind.SLA_BREACHED for one in ordered) else []),
    ]
    return told or [NOTHING]


def _standing(deed: Deed) -> str:
    words = {"actor": named(deed.actor or "somebody"), "reason": named(deed.reason or "done")}
    return STANDINGS[deed.kind].format_map(words)
