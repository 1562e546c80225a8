"""What a team is told in its channel. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.router.destination import Bulletin
from services.router.people import Person, Team
from services.router.slack.card import HEADER_CHARACTERS
from services.router.slack.content import Content
from services.router.slack.texts import escape, plain, shorten

SECTION_CHARACTERS = 3_000


def bulletins(told: Bulletin, team: Team, _members: Sequence[Person]) -> Mapping[str, Content]:
    """One message in the team's channel; none where it has none."""
    if team.slack_channel is None:
        return {}
    header: Any = {"type": "header", "text": plain(told.title, HEADER_CHARACTERS)}
    parts: list[Any] = [
        {"type": "section", "text": plain(part, SECTION_CHARACTERS)}
        for part in told.text.split("\n\n")
        if part.strip()
    ]
    text = escape(shorten(f"{told.title}\n\n{told.text}", SECTION_CHARACTERS))
    return {"bulletin": Content(channel=team.slack_channel, text=text, blocks=[header, *parts])}
