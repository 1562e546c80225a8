"""How glad or angry English words are: VADER (Hutto and Gilbert 2014), and words of feedback it lacks."""

from pathlib import Path

import yaml
from vaderSentiment.vaderSentiment import BOOSTER_DICT, SentimentIntensityAnalyzer, SentiText

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
        read = text[:_READ_CHARACTERS]
        found = self._of_ascii(read) if read.isascii() else self._analyzer.polarity_scores(read)["compound"]
        return float(found)

    def _of_ascii(self, text: str) -> float:
        """As VADER's own `polarity_scores`, which looks for emoji and at each word for all it might be."""
        told = SentiText(text.strip())
        words = [word.lower() for word in told.words_and_emoticons]
        lexicon = self._analyzer.lexicon
        if lexicon.keys().isdisjoint(words):
            return 0.0
        valences: list[float] = []
        for place, word in enumerate(words):
            is_modifier = word in BOOSTER_DICT or (word == "kind" and words[place + 1 : place + 2] == ["of"])
            if is_modifier or word not in lexicon:
                valences.append(0)
            else:
                written = told.words_and_emoticons[place]
                valences = self._analyzer.sentiment_valence(0, told, written, place, valences)
        valences = self._analyzer._but_check(told.words_and_emoticons, valences)
        return float(self._analyzer.score_valence(valences, told.text)["compound"])
