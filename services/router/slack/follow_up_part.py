"""The follow-up's part of a card: who has it, until when, and what can be done. Pure."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import JsonValue

from services.router.follow_up import FollowUpView, State
from services.router.slack.content import Card, Link
from services.router.slack.texts import escaped, moment, mrkdwn, one_line, plain

MAX_LINKS = 5
MORE = "more"
"""Action id of the menu behind three dots."""
OPEN = "open"
"""Begins the action id of a button that opens a page."""
_SHORT_CHARACTERS = 200


class Verb(StrEnum):
    """What somebody can do about an answer; its value is the action id of the button."""

    CLAIM = "claim"
    REASSIGN = "reassign"
    REPLY = "reply"
    CONTACTED = "contacted"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    HAND_OVER = "hand_over"
    SNOOZE = "snooze"
    STOP_ASKING = "stop_asking"
    NOT_USEFUL = "not_useful"


LABELS = {
    Verb.CLAIM: "Claim",
    Verb.REASSIGN: "Reassign",
    Verb.REPLY: "Reply",
    Verb.CONTACTED: "Contacted",
    Verb.RESOLVE: "Resolve",
    Verb.REOPEN: "Reopen",
    Verb.HAND_OVER: "Hand to Product",
    Verb.SNOOZE: "Snooze",
    Verb.STOP_ASKING: "Stop asking this person",
    Verb.NOT_USEFUL: "Not useful",
}
_OFFERED = {
    State.OPEN: (Verb.CLAIM, Verb.REPLY, Verb.CONTACTED, Verb.RESOLVE, Verb.REASSIGN),
    State.CLAIMED: (Verb.REPLY, Verb.CONTACTED, Verb.RESOLVE, Verb.REASSIGN),
    State.CONTACTED: (Verb.RESOLVE, Verb.REPLY, Verb.CONTACTED, Verb.REASSIGN),
    State.RESOLVED: (Verb.REOPEN, Verb.REPLY),
}
_PRIMARY = {State.OPEN: Verb.CLAIM, State.CONTACTED: Verb.RESOLVE}


def composed(
    blocks: list[JsonValue], card: Card, follow_up: FollowUpView | None, *, owner: str | None, now: datetime
) -> list[JsonValue]:
    """The whole card: the answer's blocks with the follow-up's state under the headline and buttons below.

    `owner` is the owner as mrkdwn, a mention where Slack knows them. `now` is wall time: what the customer's
    clock shows.
    """
    head, *rest = blocks
    elements = [mrkdwn(line) for line in _lines(card, follow_up, owner, now)]
    state: list[JsonValue] = [{"type": "context", "elements": [*elements]}] if elements else []
    return [head, *state, *rest, *_buttons(card, follow_up)]


def told(text: str, follow_up: FollowUpView | None) -> str:
    """The card's text with the follow-up's state, for those who do not see the blocks."""
    return text if follow_up is None else f"{text} · {summary(follow_up)}"


def summary(follow_up: FollowUpView) -> str:
    """The state in a few words of mrkdwn, without times."""
    match follow_up.state:
        case State.OPEN:
            return "Open"
        case State.CLAIMED:
            return f"Claimed by {_name(follow_up)}"
        case State.CONTACTED:
            how = f" ({_short(follow_up.contacted_how)})" if follow_up.contacted_how else ""
            return f"Contacted{how} by {_name(follow_up)}"
        case State.RESOLVED:
            reason = follow_up.resolution or follow_up.closed_because or "closed"
            cause = f", cause: {_short(follow_up.root_cause)}" if follow_up.root_cause else ""
            return f"Resolved: {_short(reason)}{cause}"


def due_line(follow_up: FollowUpView) -> str:
    """What is due next and when, as mrkdwn; empty where nothing is."""
    if follow_up.state is State.RESOLVED:
        return ""
    awaits_contact = follow_up.state in {State.OPEN, State.CLAIMED}
    due_at = follow_up.first_contact_due_at if awaits_contact else follow_up.resolve_due_at
    what = "First contact" if awaits_contact else "Resolution"
    if follow_up.contact_breached if awaits_contact else follow_up.resolve_breached:
        return f"⏰ *{what} overdue* since {moment(due_at)}"
    return f"{what} due {moment(due_at)}"


_MARKS = {State.OPEN: "🔴", State.CLAIMED: "🟠", State.CONTACTED: "🔵", State.RESOLVED: "✅"}


def _lines(card: Card, follow_up: FollowUpView | None, owner: str | None, now: datetime) -> Iterator[str]:
    if follow_up is not None:
        yield f"{_MARKS[follow_up.state]} *{summary(follow_up)}*"
    if owner:
        yield f"Owner: {owner}"
    if follow_up is not None:
        yield f"Team: {_short(follow_up.team.replace('_', ' ').capitalize())}"
        if due := due_line(follow_up):
            yield due
        if follow_up.snoozed_until:
            yield f"💤 Snoozed until {moment(follow_up.snoozed_until)}"
    if there := _local_time(card.time_zone, now):
        yield there


def _local_time(time_zone: str | None, now: datetime) -> str | None:
    if time_zone is None:
        return None
    try:
        there = now.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return f"Their time: {there:%H:%M} when this was sent ({_short(time_zone)})"


def _buttons(card: Card, follow_up: FollowUpView | None) -> Iterator[JsonValue]:
    state = follow_up.state if follow_up else None
    offered = _OFFERED[state] if state else (Verb.REPLY,)
    elements = [
        _button(verb, card.subject, is_primary=_PRIMARY.get(state) is verb if state else False)
        for verb in offered
        if verb is not Verb.REPLY or card.draft is not None
    ]
    booking = follow_up.owner_booking_url if follow_up else None
    links = [*([Link(text="Book a call", url=booking)] if booking else []), *card.links[:MAX_LINKS]]
    opening: list[JsonValue] = [_opening(number, link) for number, link in enumerate(links)]
    yield {"type": "actions", "block_id": "follow_up", "elements": [*elements, _more(card, state)]}
    if opening:
        yield {"type": "actions", "block_id": "links", "elements": opening}


def _button(verb: Verb, subject: str, *, is_primary: bool) -> JsonValue:
    button: dict[str, JsonValue] = {
        "type": "button",
        "action_id": verb.value,
        "text": plain(LABELS[verb], 75),
        "value": subject,
    }
    return button | {"style": "primary"} if is_primary else button


def _more(card: Card, state: State | None) -> JsonValue:
    verbs = [Verb.NOT_USEFUL, Verb.STOP_ASKING]
    if state in {State.OPEN, State.CLAIMED, State.CONTACTED}:
        verbs = [Verb.HAND_OVER, Verb.SNOOZE, *verbs]
    options: list[JsonValue] = [
        {"text": plain(LABELS[verb], 75), "value": f"{verb.value} {card.subject}"} for verb in verbs
    ]
    return {"type": "overflow", "action_id": MORE, "options": options}


def _opening(number: int, link: Link) -> JsonValue:
    return {
        "type": "button",
        "action_id": f"{OPEN}_{number}",
        "text": plain(link.text, 75),
        "url": link.url,
    }


def _name(follow_up: FollowUpView) -> str:
    return _short(follow_up.owner_name or "nobody")


def _short(text: str) -> str:
    return escaped(one_line(text), _SHORT_CHARACTERS)
