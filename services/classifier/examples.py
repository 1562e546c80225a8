"""Labelled comments to learn from: a file of JSON lines, and the examples in the taxonomy itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from runtime.json_lines import load_json_lines
from services.classifier.taxonomy import Themes


class Label(BaseModel):
    """One theme that a comment speaks of."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    theme: str
    polarity: Annotated[int, Field(ge=-1, le=1)] | None = None


class LabelledComment(BaseModel):
    """A comment and all themes that it speaks of, perhaps none.

    Where some are only said to be wrong, `rejected`, keywords stand in for what nobody said of the others.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: Annotated[str, Field(min_length=1)]
    labels: tuple[Label, ...] = ()
    rejected: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class FeltComment:
    """A comment of which only the sentiment is known."""

    text: str
    sentiment: int
    """-1, 0 or 1."""
    language: str | None = None
    weight: float = 1.0
    """Beside a labelled comment's 1: less where nobody read the words, as with a score."""


def read_examples(path: Path, taxonomy: Themes) -> list[LabelledComment]:
    """The file's comments; raises ConfigError with a line for each mistake."""
    known = {theme.id for theme in taxonomy.themes}

    def unknown(comment: LabelledComment) -> str | None:
        named = {*(label.theme for label in comment.labels), *comment.rejected}
        return f"labels: not in the taxonomy: {', '.join(sorted(named - known))}" if named - known else None

    return load_json_lines(path, LabelledComment, unknown)


def own_examples(taxonomy: Themes) -> Iterator[LabelledComment]:
    """The examples that stand with the themes themselves."""
    for theme in taxonomy.themes:
        for text in theme.examples:
            yield LabelledComment(text=text, labels=(Label(theme=theme.id),))


def sentiment_of(labels: Sequence[Label]) -> int | None:
    """-1, 0 or 1 where the polarities of a comment's themes agree, 0 where they do not; None without any."""
    said = {label.polarity for label in labels if label.polarity is not None}
    if not said:
        return None
    return sum(said) if len(said - {0}) <= 1 else 0
