"""The shorter way through VADER comes to what VADER says."""

from pathlib import Path

import pytest
import yaml

from services.classifier.clauses import clauses
from services.classifier.lexicon import Lexicon

SAMPLE = Path(__file__).parents[3] / "sandbox" / "sample" / "comments.yaml"
WRITTEN = [
    "",
    "  !!! ",
    "This is GREAT!!! But the price is not good :(",
    "It is kind of slow, and kind",
    "No good, no problem, never so bad, least helpful, at least nice",
    "the shit, the bomb, bad ass??? VERY UGLY SMILES",
    "isn't bad; without doubt excellent <3 :D",
]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon()


def test_what_is_told_is_what_vader_tells(lexicon: Lexicon) -> None:
    comments = [comment["text"] for group in yaml.safe_load(SAMPLE.read_text()).values() for comment in group]
    parts = [part for comment in comments for part in clauses(comment)]

    for text in [*WRITTEN, *comments, *parts]:
        assert lexicon.valence(text) == lexicon._analyzer.polarity_scores(text)["compound"]
    assert len({lexicon.valence(part) for part in parts}) > 20


def test_emoji_say_something(lexicon: Lexicon) -> None:
    assert lexicon.valence("😀") > 0
