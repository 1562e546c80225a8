"""The Slack card of an answer, as Block Kit: the answer's part of it. Pure.

Whatever a customer wrote or is called is shown as it is and never interpreted: the comment is a rich text
element, which Slack does not parse, everything else is plain text or escaped mrkdwn.
Limits: https://docs.slack.dev/reference/block-kit
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import JsonValue

from schemas.scales import SCALES, Group, Metric
from services.router.facts import Facts, FurtherAnswerFacts, PreviousFacts, ResponseFacts
from services.router.movement import Score
from services.router.slack.texts import (
    email_link,
    escape,
    escaped,
    moment,
    mrkdwn,
    one_line,
    phone_link,
    plain,
    shorten,
    without_controls,
)

HEADER_CHARACTERS = 150
FIELD_CHARACTERS = 300
"""After escaping. Slack takes 2,000; a longer value would push the buttons off the screen."""
COMMENT_CHARACTERS = 2_900
"""Slack takes 3,000 in a section, and about 13,000 in all blocks together."""
FURTHER_CHARACTERS = 800
"""Of an answer to one of the survey's further questions."""
MAX_FURTHER = 3
TEXT_CHARACTERS = 3_000
MAX_FIELDS = 10

_MARKS = {
    Group.PROMOTER: "🟢",
    Group.POSITIVE: "🟢",
    Group.PASSIVE: "🟡",
    Group.NEUTRAL: "🟡",
    Group.DETRACTOR: "🔴",
    Group.NEGATIVE: "🔴",
}
_UNKNOWN_MARK = "⚪"
_METRIC_NAMES = {Metric.NPS: "NPS", Metric.CSAT: "CSAT", Metric.CES: "CES"}
_BEFORE, _MOVED = "Before: ", " — "
_MOVES = {"up": f"{_MOVED}up", "down": f"{_MOVED}down", "same": f"{_MOVED}the same again"}


def headline(response: ResponseFacts) -> str:
    """Group and score in words, e.g. `Detractor: 3 of 10 (NPS)`."""
    metric = _METRIC_NAMES[response.metric]
    if response.score is None:
        return f"Comment without a score ({metric})"
    score = f"{response.score} of {SCALES[response.metric].highest} ({metric})"
    return f"{response.group.capitalize()}: {score}" if response.group else score


def card(facts: Facts, response: ResponseFacts) -> list[JsonValue]:
    """The blocks of an answer: what does not change when somebody takes care of it.

    Whose it is and what they say come first: a telephone shows little else.
    """
    mark = _MARKS.get(response.group, _UNKNOWN_MARK) if response.group else _UNKNOWN_MARK
    title = one_line(f"{mark} {_titled(facts, response)}")
    blocks: list[JsonValue] = [{"type": "header", "text": plain(title, HEADER_CHARACTERS)}]
    blocks.append(_comment(response))
    blocks.extend(_further(more) for more in response.further_answers[:MAX_FURTHER])
    fields = list(_details(facts, response))[:MAX_FIELDS]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    blocks.append({"type": "context", "elements": [*_notes(facts, response)]})
    return blocks


def noted(blocks: list[JsonValue], note: str | None) -> list[JsonValue]:
    """The blocks of an answer with a line of the rule below the headline."""
    if not note:
        return blocks
    line: JsonValue = {"type": "context", "elements": [plain(note, FIELD_CHARACTERS)]}
    return [blocks[0], line, *blocks[1:]]


def by_now(blocks: list[Any], earlier: Sequence[Score]) -> list[Any]:
    """The blocks of an answer with the scores before it that count by now, if they named others."""
    match blocks:
        case [*rest, {"elements": [{"text": str(said)}, *others]} as notes] if said.startswith(_BEFORE):
            now = _before(earlier)
            if plain(said.partition(_MOVED)[0], FIELD_CHARACTERS) != now:
                return [*rest, notes | {"elements": [now, *others] if earlier else others}]
    return blocks


def fallback_text(facts: Facts, response: ResponseFacts) -> str:
    """What a screen reader or a push notification says of the card: all of it that matters, in one line."""
    said = comment_of(response)
    line = _titled(facts, response) + (f": “{said}”" if said else "")
    return escape(shorten(one_line(line), TEXT_CHARACTERS))


def withdrawn(reason: str) -> tuple[str, list[JsonValue]]:
    """Text and blocks that take the place of a card whose answer does not stand any more."""
    text = f"Withdrawn: {reason}"
    return escape(text), [{"type": "context", "elements": [plain(f"⚪ {text}", FIELD_CHARACTERS)]}]


def comment_of(response: ResponseFacts) -> str | None:
    """The comment as a channel may see it: with personal details masked wherever that version is known."""
    comment = response.masked_comment or response.comment
    return without_controls(comment).strip() or None if comment else None


def _titled(facts: Facts, response: ResponseFacts) -> str:
    account = facts.account.name if facts.account else None
    return ", ".join(part for part in (headline(response), facts.profile.name, account) if part)


def _details(facts: Facts, response: ResponseFacts) -> Iterator[JsonValue]:
    profile, account = facts.profile, facts.account
    role = _worded(profile.role)
    named = f"{profile.name} ({role})" if profile.name and role else profile.name
    yield from _field("Customer", named or role)
    if account:
        yield from _field("Account", account.name or account.id)
    yield from _field("Segment", _worded(profile.segment or (account.segment if account else None)))
    if account and account.arr is not None:
        yield from _field("Yearly revenue (ARR)", f"{account.arr:,.0f} {account.currency or ''}".strip())
    if account and account.renewal_date:
        days = account.days_to_renewal
        left = "" if days is None else f" ({days} days)" if days >= 0 else " (passed)"
        yield from _field("Renewal", f"{account.renewal_date:%-d %B %Y}{left}")
    yield from _field("E-mail", profile.email, email_link)
    yield from _field("Phone", profile.phone, phone_link)
    yield from _field("Themes", _worded(", ".join(response.themes)))
    yield from _field("Sentiment", response.sentiment)
    if response.urgency != "normal":
        yield from _field("Urgency", response.urgency)


def _worded(name: str | None) -> str | None:
    return name.replace("_", " ") if name else None


def _field(
    name: str, value: str | None, link: Callable[[str], str | None] = lambda _: None
) -> Iterator[JsonValue]:
    if value:
        line = one_line(value)
        shown = link(line) if len(line) < FIELD_CHARACTERS // 3 else None
        yield mrkdwn(f"*{name}*\n{shown or escaped(line, FIELD_CHARACTERS)}")


def _comment(response: ResponseFacts) -> JsonValue:
    comment = comment_of(response)
    if comment is None:
        return {"type": "section", "text": plain("No comment.", FIELD_CHARACTERS)}
    text: JsonValue = {"type": "text", "text": shorten(comment, COMMENT_CHARACTERS)}
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [text]}]}


def _further(more: FurtherAnswerFacts) -> JsonValue:
    said = shorten(without_controls(more.masked_answer or more.answer).strip(), FURTHER_CHARACTERS)
    asked: JsonValue = {
        "type": "text",
        "text": shorten(one_line(more.question), FIELD_CHARACTERS),
        "style": {"bold": True},
    }
    quote: JsonValue = {"type": "text", "text": said or "(no words)"}
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [asked]},
            {"type": "rich_text_quote", "elements": [quote]},
        ],
    }


def _notes(facts: Facts, response: ResponseFacts) -> Iterator[JsonValue]:
    if facts.earlier:
        yield _before(facts.earlier, _MOVES.get(response.movement or "", ""))
    elif response.movement == "first":
        yield plain("First answer", FIELD_CHARACTERS)
    program = f", {_worded(response.program)}" if response.program else ""
    where = escaped(one_line(f"via {response.source}{program}"), FIELD_CHARACTERS)
    yield mrkdwn(f"Answered {moment(response.responded_at)} {where}")


def _before(earlier: Sequence[PreviousFacts | Score], moved: str = "") -> JsonValue:
    said = ", ".join(f"{_MARKS[one.group]} {one.score} on {one.responded_at:%-d %b %Y}" for one in earlier)
    return plain(f"{_BEFORE}{said}{moved}", FIELD_CHARACTERS)
