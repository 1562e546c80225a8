"""Two models for the price of little more than the quicker one."""

import hashlib
from collections.abc import Sequence

from services.classifier.model import Judgement, Model
from services.classifier.parts import Parts


class Cascade:
    """A quick model judges; a slow one sees to what that is unsure of, or cannot read.

    Which comments those are depends on each alone, never on its neighbours in a batch.
    """

    def __init__(self, quick: Model, slow: Model) -> None:
        self.version = hashlib.sha256(f"{quick.version} {slow.version}".encode()).hexdigest()
        self.languages = quick.languages | slow.languages
        self.themes = quick.themes & slow.themes
        self._quick = quick
        self._slow = slow

    def judge(self, comments: Sequence[Parts]) -> list[Judgement]:
        """One judgement a comment, in the same order."""
        readable = [place for place, parts in enumerate(comments) if self._reads(parts)]
        found = dict(zip(readable, self._quick.judge([comments[place] for place in readable]), strict=True))
        left = [
            place
            for place, parts in enumerate(comments)
            if place not in found
            or (
                not found[place].is_sure
                and (parts.language is None or parts.language in self._slow.languages)
            )
        ]
        found |= zip(left, self._slow.judge([comments[place] for place in left]), strict=True)
        return [found[place] for place in range(len(comments))]

    def _reads(self, parts: Parts) -> bool:
        return parts.language is None or parts.language in self._quick.languages


def together(models: Sequence[Model]) -> Model | Cascade:
    """The one model, or two as a cascade, the quicker one first."""
    first, *more = models
    return Cascade(first, *more) if more else first
