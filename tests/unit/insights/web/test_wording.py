"""Words in place of numbers of seconds."""

from datetime import timedelta

import pytest

from services.insights.web.wording import duration


@pytest.mark.parametrize(
    ("lasted", "words"),
    [
        (timedelta(minutes=4), "4 minutes"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(hours=60), "2 days"),
    ],
)
def test_how_long_is_said_in_the_unit_that_tells_most(lasted: timedelta, words: str) -> None:
    assert duration(lasted) == words
