"""The Slack card of an answer, as Block Kit.

Whatever a customer wrote or is called is shown as it is and never interpreted: the comment is a rich text
element, which Slack does not parse, everything else is plain text or escaped mrkdwn.
Limits: https://docs.slack.dev/reference/block-kit
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from schemas.scales import SCALES, Group, Metric
from services.router.facts import Facts, ResponseFacts

HEADER_CHARACTERS = 150
FIELD_CHARACTERS = 300
"""After escaping. Slack takes 2,000; a longer value would push the comment off the screen."""
COMMENT_CHARACTERS = 2_900
"""Slack takes 3,000 in a section, and about 13,000 in all blocks together."""
TEXT_CHARACTERS = 3_000
MAX_FIELDS = 10
MAX_LINKS = 5

_MARKS = {
    Group.PROMOTER: "🟢",
    Group.POSITIVE: "🟢",
    Group.PASSIVE: "🟡",
    Group.NEUTRAL: "🟡",
    Group.DETRACTOR: "🔴",
    Group.NEGATIVE: "🔴",
}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_METRIC_NAMES = {Metric.NPS: "NPS", Metric.CSAT: "CSAT", Metric.CES: "CES"}


class Link(NamedTuple):
    """A button that opens a page."""

    text: str
    url: str


def escape(text: str) -> str:
    """`text` such that mrkdwn shows it as it is: without `<` there is no mention, no link and no date.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, characters: int) -> str:
    """`text` cut to at most `characters`, an ellipsis showing that it was."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def headline(response: ResponseFacts) -> str:
    """Group and score in words, e.g. `Detractor: 3 of 10 (NPS)`."""
    metric = _METRIC_NAMES[response.metric]
    if response.score is None:
        return f"Comment without a score ({metric})"
    score = f"{response.score} of {SCALES[response.metric].highest} ({metric})"
    return f"{response.group.capitalize()}: {score}" if response.group else score


def card(facts: Facts, response: ResponseFacts, links: Sequence[Link]) -> list[JsonValue]:
    """The blocks of an answer's card."""
    mark = _MARKS.get(response.group, "⚪") if response.group else "⚪"
    blocks: list[JsonValue] = [
        {"type": "header", "text": _plain(f"{mark} {headline(response)}", HEADER_CHARACTERS)},
    ]
    fields = [_field(name, value) for name, value in _details(facts, response)][:MAX_FIELDS]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    blocks.append(_comment(response))
    if links:
        blocks.append({"type": "actions", "elements": [_button(link) for link in links[:MAX_LINKS]]})
    blocks.append({"type": "context", "elements": [_plain(_origin(response), FIELD_CHARACTERS)]})
    return blocks


def fallback_text(facts: Facts, response: ResponseFacts) -> str:
    """What a screen reader or a push notification says of the card: all of it that matters, in one line."""
    who = _who(facts)
    said = comment_of(response)
    line = headline(response) + (f", {who}" if who else "") + (f": “{said}”" if said else "")
    return escape(shorten(_one_line(line), TEXT_CHARACTERS))


def withdrawn(reason: str) -> tuple[str, list[JsonValue]]:
    """Text and blocks that take the place of a card whose answer does not stand any more."""
    text = f"Withdrawn: {reason}"
    return escape(text), [{"type": "context", "elements": [_plain(f"⚪ {text}", FIELD_CHARACTERS)]}]


def comment_of(response: ResponseFacts) -> str | None:
    """The comment as a channel may see it: with personal details masked wherever that version is known."""
    comment = response.masked_comment or response.comment
    # Control characters show nothing and take six of Slack's characters each.
    return _CONTROLS.sub("", comment).strip() or None if comment else None


def _who(facts: Facts) -> str:
    account = facts.account.name if facts.account else None
    return ", ".join(part for part in (facts.profile.name, account) if part)


def _details(facts: Facts, response: ResponseFacts) -> Iterator[tuple[str, str]]:
    profile, account = facts.profile, facts.account
    yield from _known("Customer", profile.name)
    yield from _known("Role", profile.role)
    if account:
        yield from _known("Account", account.name or account.id)
        if account.arr is not None:
            yield "Yearly revenue", f"{account.arr:,.0f} {account.currency or ''}".strip()
        if account.renewal_date:
            yield "Renewal", f"{account.renewal_date:%-d %B %Y}"
        yield from _known("Owner", account.csm_email or account.owner_email)
    yield from _known("Segment", profile.segment or (account.segment if account else None))
    yield from _known("Themes", ", ".join(response.themes))
    yield from _known("Sentiment", response.sentiment)
    if response.urgency != "normal":
        yield "Urgency", response.urgency


def _known(name: str, value: str | None) -> Iterator[tuple[str, str]]:
    if value:
        yield name, value


def _field(name: str, value: str) -> JsonValue:
    text = f"*{name}*\n{_escaped(_one_line(value), FIELD_CHARACTERS)}"
    # verbatim: bare addresses, @names and #channels in the value stay text.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escaped(text: str, characters: int) -> str:
    """`text` escaped, and so short that it still fits into `characters` then."""
    room = characters
    while len(escaped := escape(shorten(text, room))) > characters:
        room -= max(1, (len(escaped) - characters) // len("&amp;"))
    return escaped


def _comment(response: ResponseFacts) -> JsonValue:
    comment = comment_of(response)
    if comment is None:
        return {"type": "section", "text": _plain("No comment.", FIELD_CHARACTERS)}
    text: JsonValue = {"type": "text", "text": shorten(comment, COMMENT_CHARACTERS)}
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [text]}]}


def _button(link: Link) -> JsonValue:
    return {"type": "button", "text": _plain(link.text, 75), "url": link.url}


def _origin(response: ResponseFacts) -> str:
    program = f", {response.program}" if response.program else ""
    return f"Answered {response.responded_at:%-d %B %Y, %H:%M} UTC via {response.source}{program}"


def _plain(text: str, characters: int) -> JsonValue:
    return {"type": "plain_text", "text": shorten(text, characters), "emoji": False}


def _one_line(text: str) -> str:
    return " ".join(text.split())
