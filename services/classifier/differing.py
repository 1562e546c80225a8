"""What other themes or another model would make of comments that were tagged before. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.classifier.reading import Reading

_QUOTES = 2


@dataclass(slots=True)
class Change:
    """What changes for one theme, in comments."""

    before: int = 0
    after: int = 0
    added: list[int] = field(default_factory=list)
    """Places of the comments that would be tagged with it, and were not."""
    removed: list[int] = field(default_factory=list)

    @property
    def quotes(self) -> tuple[int, ...]:
        """A few of the comments it would be put to or taken from."""
        return (*self.added[:_QUOTES], *self.removed[:_QUOTES])


@dataclass(frozen=True, slots=True)
class Difference:
    """The whole of it."""

    comments: int
    changed: int
    """Comments that would have other themes."""
    feelings: int
    """Comments that would have another sentiment."""
    themes: dict[str, Change]


def difference(before: Iterable[Reading], after: Iterable[Reading]) -> Difference:
    """Of two readings of the same comments, in the same order."""
    themes: dict[str, Change] = {}
    comments = changed = feelings = 0
    for place, (one, other) in enumerate(zip(before, after, strict=True)):
        old, new = ({tag.theme for tag in reading.themes} for reading in (one, other))
        comments += 1
        changed += old != new
        feelings += _sentiment(one) != _sentiment(other)
        for theme in sorted(old | new):
            change = themes.setdefault(theme, Change())
            change.before += theme in old
            change.after += theme in new
            if theme not in old:
                change.added.append(place)
            elif theme not in new:
                change.removed.append(place)
    return Difference(comments, changed, feelings, themes)


def _sentiment(reading: Reading) -> str | None:
    return reading.feeling.sentiment if reading.feeling else None
