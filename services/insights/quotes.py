"""What people say of a theme, in their own words."""

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection

from services.insights.answers import Shown, behind
from services.insights.counting import Counting
from services.insights.filters import Dimension, Filter

MOST_THEMES = 10
"""Quoted on a page."""
MOST_QUOTES = 2
"""Of one theme."""
_LOOKED_AT = 6
"""Of the latest answers of a theme, some may have no words any more."""


def quotes(
    connection: Connection[Any], counting: Counting, wanted: Filter, themes: Iterable[str]
) -> Mapping[str, tuple[Shown, ...]]:
    """The latest words of the answers that fit and carry a theme, for the first themes that are named."""
    found = {}
    for theme in list(themes)[:MOST_THEMES]:
        shown = behind(connection, counting, wanted.choosing(Dimension.THEME, theme), limit=_LOOKED_AT)
        found[theme] = tuple(one for one in shown.answers if one.comment)[:MOST_QUOTES]
    return found
