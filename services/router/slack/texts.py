"""Texts as Slack shows them: whatever a customer wrote or is called stays words. Pure.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from datetime import UTC, datetime

from pydantic import JsonValue

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{4,30}")
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")


def escape(text: str) -> str:
    """`text` such that mrkdwn shows it as it is: without `<` there is no mention, no link and no date."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, characters: int) -> str:
    """`text` cut to at most `characters`, an ellipsis showing that it was."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def escaped(text: str, characters: int) -> str:
    """`text` escaped, and so short that it still fits into `characters` then."""
    room = characters
    while len(safe := escape(shorten(text, room))) > characters:
        room -= max(1, (len(safe) - characters) // len("&amp;"))
    return safe


def one_line(text: str) -> str:
    """`text` without line breaks or repeated blanks."""
    return " ".join(text.split())


def without_controls(text: str) -> str:
    """`text` without control characters: they show nothing and take six of Slack's characters each."""
    return _CONTROLS.sub("", text)


def plain(text: str, characters: int) -> dict[str, JsonValue]:
    """A text object that Slack does not interpret."""
    return {"type": "plain_text", "text": shorten(text, characters), "emoji": False}


def mrkdwn(text: str) -> dict[str, JsonValue]:
    """A text object in Slack's markup; `verbatim`: bare addresses, @names and #channels in it stay text."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def mention(user: str) -> str | None:
    """The markup that names, and in a new message notifies, a Slack user; None for what is no user's id."""
    return f"<@{user}>" if _USER.fullmatch(user) else None


def email_link(address: str) -> str | None:
    """A link that opens a mail to a plain address; None for any other, which must stay text."""
    return f"<mailto:{address}|{address}>" if _EMAIL.fullmatch(address) else None


def phone_link(number: str) -> str | None:
    """A link that calls a plain number; None for any other text."""
    if not _PHONE.fullmatch(number):
        return None
    return f"<tel:{re.sub('[^0-9+]', '', number)}|{number}>"


def moment(when: datetime) -> str:
    """The markup of a time, which each reader sees in their own time zone; UTC where it cannot be drawn."""
    shown = when.astimezone(UTC)
    return f"<!date^{int(shown.timestamp())}^{{date_short_pretty}}, {{time}}|{shown:%-d %b %Y, %H:%M} UTC>"
