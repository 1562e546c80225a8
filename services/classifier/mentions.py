"""Employees that a comment names: those of the roster for certain, others by how the sentence runs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import fuzz, process

from services.classifier.words import folded_words

_NAME = r"[^\W\d_a-zß-öø-ÿ][^\W\d_]+"
_SPOKEN_OF = re.compile(
    r"\b(?i:spoke (?:to|with)|speaking (?:to|with)|talked (?:to|with)|helped by|assisted by|served by|"
    r"called|named|"
    r"thanks to|thank you|thanks|kudos to|shout ?out to|"
    r"dealt with|advised by|"
    r"(?:danke(?: an)?|dank an|gesprochen mit|geholfen hat|betreut von)|"
    r"(?:merci à|grâce à|parlé (?:à|avec)|aidée? par)|(?:gracias a|hablé con|atendido por|atendida por))"
    rf",?\s+({_NAME}(?:\s{_NAME})?)"
)
_BEGINNINGS = frozenset(
    [
        *(
            "spoke",
            "speaking",
            "talked",
            "helped",
            "assisted",
            "served",
            "called",
            "named",
            "thanks",
            "thank",
        ),
        *("kudos", "shout", "shoutout", "dealt", "advised"),
        *("danke", "dank", "gesprochen", "geholfen", "betreut", "merci", "grace", "parle", "aide", "aidee"),
        *("gracias", "hable", "atendido", "atendida"),
    ]
)
"""Folded first words of the phrases above."""
_CLOSE_ENOUGH = 88
"""Of 100: one letter of six or more may differ."""
_SHORTEST_FUZZY = 5
_NO_NAMES = frozenset(
    [
        *(
            "you",
            "your",
            "the",
            "all",
            "everyone",
            "everybody",
            "customer",
            "support",
            "team",
            "god",
            "for",
            "so",
        ),
        *(
            "very",
            "again",
            "much",
            "to",
            "them",
            "i",
            "it",
            "my",
            "we",
            "our",
            "this",
            "und",
            "sie",
            "ihr",
            "ihnen",
        ),
        *("das", "die", "der", "alle", "vous", "tous", "toute", "equipe", "todos", "todo", "el", "la", "los"),
    ]
)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Who is named."""

    sure: tuple[str, ...]
    """Names as the roster has them."""
    unsure: tuple[str, ...]
    """As written: what reads like a name and is in no roster."""


class Roster:
    """The employees' names. A given name that two of them share is unsure."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._whole = {" ".join(folded_words(name)): name for name in names}
        self._firsts = {name.partition(" ")[0] for name in self._whole}
        given: dict[str, list[str]] = {}
        for name in names:
            given.setdefault(folded_words(name)[0], []).append(name)
        self._given = {first: having[0] for first, having in given.items() if len(having) == 1}

    def mentions(self, comment: str, words: Sequence[str]) -> Mentions:
        """Whom the comment names; `words` are its folded words.

        A whole name counts anywhere, a given name alone where the sentence speaks of somebody.
        A letter may be wrong in names of five letters and more.
        """
        sure: dict[str, None] = {}
        unsure: dict[str, None] = {}
        if self._whole:
            for name in self._whole.keys() & self._pairs(words):
                sure[self._whole[name]] = None
        for found in () if _BEGINNINGS.isdisjoint(words) else _SPOKEN_OF.finditer(comment):
            written = found[1]
            folded = folded_words(written)
            if folded[0] in _NO_NAMES:
                continue
            known = self._known(folded)
            if known is None:
                unsure[written] = None
            else:
                sure[known] = None
        return Mentions(tuple(sorted(sure)), tuple(unsure))

    def _pairs(self, words: Sequence[str]) -> set[str]:
        """Neighbouring words that may be a name and what follows it."""
        if self._firsts.isdisjoint(words):
            return set()
        return {f"{one} {other}" for one, other in pairwise(words) if one in self._firsts}

    def _known(self, folded: Sequence[str]) -> str | None:
        whole = " ".join(folded)
        return (
            self._whole.get(whole)
            or self._given.get(folded[0])
            or _closest(whole, self._whole)
            or _closest(folded[0], self._given)
        )


def _closest(written: str, names: dict[str, str]) -> str | None:
    if len(written) < _SHORTEST_FUZZY or not names:
        return None
    found = process.extractOne(written, list(names), scorer=fuzz.ratio, score_cutoff=_CLOSE_ENOUGH)
    return None if found is None else names[found[0]]
