"""Labelled comments to learn from: a file of JSON lines, and the examples in the taxonomy itself."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.yaml_file import ConfigError
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
    found: list[LabelledComment] = []
    complaints: list[str] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError([f"{path}:1: the file cannot be read: {reason}; expected JSON lines"]) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            comment = LabelledComment.model_validate(json.loads(line))
        except (ValidationError, ValueError) as error:
            complaints.append(f"{path}:{number}: {_reason(error)}")
            continue
        unknown = sorted({*(label.theme for label in comment.labels), *comment.rejected} - known)
        if unknown:
            complaints.append(f"{path}:{number}: labels: not in the taxonomy: {', '.join(unknown)}")
        found.append(comment)
    if complaints:
        raise ConfigError(complaints)
    return found


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


def _reason(error: ValidationError | ValueError) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, detail['loc'])) or 'the line'}: {detail['msg']}"
    return f"not JSON: {error}"
