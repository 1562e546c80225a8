"""From how glad or angry each clause is to how the customer feels, as a whole and about each theme."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.scales import Group

Sentiment = Literal["positive", "neutral", "negative"]

_FLATTENING = 15.0
"""VADER's own: a sum s of valences is told as s / sqrt(s² + 15)."""
_STEEPEST = 0.9999
_FAINT = 0.2
_COMPLAINTS_WEIGH = 1.3
"""People soften complaints and not praise."""
_BALANCED = 0.8
_UNHAPPY_GROUPS = frozenset({Group.DETRACTOR, Group.NEGATIVE})
_HAPPY_GROUPS = frozenset({Group.PROMOTER, Group.POSITIVE})
_CLEARLY = 0.4


@dataclass(frozen=True, slots=True)
class Feeling:
    """How glad a text is."""

    sentiment: Sentiment
    score: float
    """From -1 to 1; near 0 also where praise and complaints are in balance."""


def feeling(valences: Sequence[float]) -> Feeling:
    """Of clauses' valences, -1 to 1 each: neutral where they say little, or as much good as bad."""
    strengths = [
        valence * math.sqrt(_FLATTENING / (1 - min(valence * valence, _STEEPEST))) for valence in valences
    ]
    praise = sum(strength for strength in strengths if strength > 0)
    complaint = -_COMPLAINTS_WEIGH * sum(strength for strength in strengths if strength < 0)
    total = praise - complaint
    score = round(total / math.sqrt(total * total + _FLATTENING), 3)
    stronger, weaker = max(praise, complaint), min(praise, complaint)
    if stronger < _FAINT or weaker > _BALANCED * stronger:
        return Feeling("neutral", score)
    return Feeling("positive" if praise > complaint else "negative", score)


def polarity(valences: Sequence[float], clauses: Iterable[int]) -> int:
    """About what is said in some of the clauses: -1 complaint, 0 neither, 1 praise."""
    said = feeling([valences[number] for number in clauses])
    return {"positive": 1, "neutral": 0, "negative": -1}[said.sentiment]


def is_mismatch(group: Group | None, felt: Feeling | None) -> bool:
    """Whether the words clearly say the opposite of the score: a 9 with an angry comment."""
    if felt is None or abs(felt.score) < _CLEARLY:
        return False
    return (group in _HAPPY_GROUPS and felt.sentiment == "negative") or (
        group in _UNHAPPY_GROUPS and felt.sentiment == "positive"
    )
