"""Where a page of answers goes on, as a word of its address. Pure."""

from datetime import UTC, date, datetime
from uuid import UUID

from services.insights.answers import After
from services.insights.filters import BadFilter


def place_of(after: After) -> str:
    """The word for it."""
    return f"{after.day}_{after.responded_at.isoformat()}_{after.response_id}"


def after_of(word: str | None) -> After | None:
    """What the word means; None: from the first. Raises BadFilter."""
    if not word:
        return None
    try:
        day, responded_at, response_id = word.split("_")
        at = datetime.fromisoformat(responded_at).astimezone(UTC)
        return After(date.fromisoformat(day), at, UUID(response_id))
    except (ValueError, OverflowError):
        raise BadFilter("after", "what the link to further answers says") from None
