"""The app's home tab: what I have to do, and what my team has, the most urgent first. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from services.router.follow_up import FollowUpView, State
from services.router.slack.content import Content
from services.router.slack.follow_up_part import LABELS, OPEN, Verb, due_line, summary
from services.router.slack.texts import mrkdwn, one_line, plain

MOST_SHOWN = 15
"""Follow-ups of each list; a home tab takes 100 blocks."""
_LINE_CHARACTERS = 300
_OFFERED = {
    State.OPEN: (Verb.CLAIM, Verb.CONTACTED, Verb.RESOLVE),
    State.CLAIMED: (Verb.CONTACTED, Verb.RESOLVE, Verb.SNOOZE),
    State.CONTACTED: (Verb.RESOLVE, Verb.SNOOZE),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A follow-up, with what its card says of the answer and the card's address."""

    follow_up: FollowUpView
    content: Content | None = None
    url: str | None = None


def home(mine: Sequence[Row], team: Sequence[Row]) -> dict[str, JsonValue]:
    """The view; both lists come by due time, `team` without what is mine."""
    return {
        "type": "home",
        "blocks": [
            *_list("Mine", mine, "Nothing is waiting for you."),
            {"type": "divider"},
            *_list("My team's", team, "Nothing is waiting for your team."),
        ],
    }


def unknown(who: str) -> dict[str, JsonValue]:
    """The view of somebody people.yaml does not know."""
    return {"type": "home", "blocks": [{"type": "section", "text": plain(who, 3_000)}]}


def _list(title: str, rows: Sequence[Row], nothing: str) -> Iterator[JsonValue]:
    shown = rows[:MOST_SHOWN]
    count = f" ({len(shown)}{'+' if len(rows) > MOST_SHOWN else ''})" if rows else ""
    yield {"type": "header", "text": plain(f"{title}{count}", 150)}
    if not rows:
        yield {"type": "context", "elements": [plain(nothing, 300)]}
    for row in shown:
        yield {"type": "section", "text": mrkdwn("\n".join(_lines(row)))}
        yield {"type": "actions", "elements": list(_buttons(row))}


def _lines(row: Row) -> Iterator[str]:
    content = row.content
    said = content.text if content else row.follow_up.subject
    # The card's text was escaped when it was made.
    yield f"*{_cut(said)}*"
    yield " · ".join(part for part in (summary(row.follow_up), due_line(row.follow_up)) if part)


def _cut(text: str) -> str:
    line = one_line(text).replace("*", "")
    return line if len(line) <= _LINE_CHARACTERS else line[:_LINE_CHARACTERS].rpartition(" ")[0] + "…"


def _buttons(row: Row) -> Iterator[JsonValue]:
    for verb in _OFFERED.get(row.follow_up.state, ()):
        button: dict[str, JsonValue] = {
            "type": "button",
            "action_id": verb.value,
            "text": plain(LABELS[verb], 75),
            "value": row.follow_up.subject,
        }
        yield button | {"style": "primary"} if verb is Verb.CLAIM else button
    if row.url:
        yield {"type": "button", "action_id": f"{OPEN}_card", "text": plain("Open", 75), "url": row.url}


def permalink(workspace_url: str, external_id: str) -> str:
    """Address of a message, as Slack's own "copy link" gives it."""
    channel, _, ts = external_id.partition("/")
    return f"{workspace_url.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"
