"""The card that stands for many at once, as Block Kit. Pure."""

from typing import TYPE_CHECKING

from schemas.scales import Group
from services.router.slack.card import FIELD_CHARACTERS, HEADER_CHARACTERS
from services.router.slack.content import Content
from services.router.slack.texts import escape, plain, shorten
from services.router.storm import Summary

if TYPE_CHECKING:
    from pydantic import JsonValue


def summarise(summary: Summary, member: Content) -> Content:
    """The summary of a storm, in the channel of its cards, which are its thread."""
    whom = f"at {summary.account}" if summary.account else "in a few minutes"
    # The first of them have cards of their own in the channel.
    people = f"{summary.people} more {'person' if summary.people == 1 else 'people'}"
    headline = shorten(f"🌩️ Many answers: {people} {whom}", HEADER_CHARACTERS)
    groups = ", ".join(_counted(count, group) for group, count in sorted(summary.groups.items()))
    lines = [groups, "Each answer has its card in this thread."]
    if summary.accounts and not summary.account:
        lines.insert(1, f"Most of them at {', '.join(summary.accounts)}.")
    header: JsonValue = {"type": "header", "text": plain(headline, HEADER_CHARACTERS)}
    told: list[JsonValue] = [{"type": "section", "text": plain(line, FIELD_CHARACTERS)} for line in lines]
    return Content(
        channel=member.channel, to=member.to, text=escape(f"{headline}. {groups}"), blocks=[header, *told]
    )


def _counted(count: int, group: str) -> str:
    is_noun = group in {Group.PROMOTER, Group.PASSIVE, Group.DETRACTOR}
    return f"{count} {group}{'s' if is_noun and count != 1 else ''}"
