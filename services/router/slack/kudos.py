"""Praise for a channel that everybody reads, as Block Kit. Pure.

It shows the words of the comment, with personal details masked where that version is known, and nothing else
about the customer.
"""

from pydantic import JsonValue

from services.router.facts import ResponseFacts
from services.router.slack.card import COMMENT_CHARACTERS, FIELD_CHARACTERS, HEADER_CHARACTERS, comment_of
from services.router.slack.texts import escape, one_line, plain, shorten


def kudos(response: ResponseFacts) -> tuple[str, list[JsonValue]]:
    """Text and blocks of a praise; the colleagues it names are in its headline."""
    praised = one_line(" and ".join(response.mentions))
    headline = shorten(f"🎉 Kudos for {praised or 'all of us'}", HEADER_CHARACTERS)
    said = shorten(comment_of(response) or "", COMMENT_CHARACTERS)
    quote: JsonValue = {
        "type": "rich_text_quote",
        "elements": [{"type": "text", "text": said or "(no words)"}],
    }
    day = f"A customer wrote this on {response.responded_at:%-d %B %Y}."
    return escape(f"{headline}: {one_line(said)}"), [
        {"type": "header", "text": plain(headline, HEADER_CHARACTERS)},
        {"type": "rich_text", "elements": [quote]},
        {"type": "context", "elements": [plain(day, FIELD_CHARACTERS)]},
    ]
