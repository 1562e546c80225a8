import pytest

from services.classifier.mentions import Mentions, Roster
from services.classifier.words import folded_words

ROSTER = Roster(["Priya Raman", "Jonas Weber", "Will Smith", "Will Jones", "Zoë Żak"])


@pytest.mark.parametrize(
    ("comment", "sure", "unsure"),
    [
        ("Jonas Weber is great", ("Jonas Weber",), ()),
        ("thanks to Jonas for the help", ("Jonas Weber",), ()),
        ("I spoke with Prija Raman today", ("Priya Raman",), ()),
        ("Danke an Zoe", ("Zoë Żak",), ()),
        ("I spoke to Will about it", (), ("Will",)),
        ("will smith helped", ("Will Smith",), ()),
        ("Helped by Carla, who knew it all", (), ("Carla",)),
        ("Thanks to You All", (), ()),
        ("Jonas liegt in der Sonne", (), ()),
        ("it will do", (), ()),
    ],
)
def test_the_roster_is_sure_and_a_pattern_is_not(
    comment: str, sure: tuple[str, ...], unsure: tuple[str, ...]
) -> None:
    assert ROSTER.mentions(comment, folded_words(comment)) == Mentions(sure, unsure)
