"""Labelled feedback that is not ours: read where it lies, never copied."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.classifier.examples import Label, LabelledComment

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Set:
    """Comments with their labels, and each line as it stands in the file."""

    comments: list[LabelledComment]
    rows: list[Row]


def themes_as_they_are(theme: str) -> str | None:
    """For sets that name themes as the taxonomy does."""
    return theme


def restaurant_theme(theme: str) -> str | None:
    """The coarse theme of an `entity attribute`; None for what no theme stands for."""
    entity, _, attribute = theme.partition(" ")
    if attribute == "prices":
        return "price"
    return {"food": "food", "drinks": "food", "service": "service", "ambience": "ambience"}.get(entity)


def read(path: Path, themes: set[str], named: Callable[[str], str | None], language: str = "en") -> Set:
    """The file's comments with the labels that the taxonomy has a theme for; a conflict counts as neither."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Set([_comment(row, themes, named, language) for row in rows], rows)


def _comment(
    row: Row, themes: set[str], named: Callable[[str], str | None], language: str
) -> LabelledComment:
    labels = tuple(
        Label(theme=theme, polarity=label["polarity"] or 0)
        for label in row["labels"]
        if (theme := named(label["theme"])) in themes and theme is not None
    )
    return LabelledComment(text=row["text"], labels=labels, language=language)
