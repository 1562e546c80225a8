"""`feedback classify`: comments as JSON lines in, the same lines with what was understood out."""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from cli.progress import progress_bar
from cli.terminal import end, errors
from cli.theme_learning import Lessons, fit
from runtime.yaml_file import ConfigError
from schemas.scales import Metric, group_of
from services.classifier.cascade import together
from services.classifier.encoders.choice import MissingEncoder, ModelName
from services.classifier.encoders.static_table import UnreadableTable
from services.classifier.examples import own_examples, read_examples
from services.classifier.language import LanguageDetector
from services.classifier.lookup import Lookup
from services.classifier.reader import Comment, Reader
from services.classifier.roster import load_roster
from services.classifier.sentiment import is_mismatch
from services.classifier.taxonomy import load_themes
from services.classifier.telling import told

_BATCH = 64
_HIGHEST_SCORE = 10


def classify(
    source: Path | None,
    *,
    themes: Path,
    examples: Path | None,
    model: ModelName,
    models: Path,
    people: Path,
) -> None:
    """Writes each line of the file, or of standard input, with what its comment says.

    Ends with code 1 and the reason where a file or a line cannot be used.
    """
    try:
        reader = _reader(themes, examples, model, models, people)
        lines = _lines(source)
    except (ConfigError, UnreadableTable, MissingEncoder, OSError) as error:
        end(str(error))
    with progress_bar(errors) as progress:
        task = progress.add_task("classifying", total=len(lines))
        numbered = iter(enumerate(lines, 1))
        while part := list(islice(numbered, _BATCH)):
            for line in _classified(part, reader):
                sys.stdout.write(line + "\n")
            progress.advance(task, len(part))


def _reader(themes: Path, examples: Path | None, name: ModelName, models: Path, people: Path) -> Reader:
    taxonomy, languages = load_themes(themes), LanguageDetector()
    labelled = [*own_examples(taxonomy), *(read_examples(examples, taxonomy) if examples else ())]
    model = None
    if labelled:
        model = together([one.ready for one in fit(name, taxonomy, languages, models, Lessons(labelled))])
    return Reader(Lookup(taxonomy), languages=languages, roster=load_roster(people), model=model)


def _lines(source: Path | None) -> list[str]:
    opened: TextIO = sys.stdin if source is None else source.open(encoding="utf-8")
    with opened:
        return opened.read().split("\n")


def _classified(part: list[tuple[int, str]], reader: Reader) -> Iterator[str]:
    given = [(number, _parsed(number, line)) for number, line in part if line.strip()]
    comments = [Comment(row.get("text"), row.get("language")) for _, row in given]
    for (_, row), reading in zip(given, reader.read(comments), strict=True):
        found = told(reading)
        score = row.get("score")
        if isinstance(score, int) and 0 <= score <= _HIGHEST_SCORE:
            found["score_text_mismatch"] = is_mismatch(group_of(Metric.NPS, score), reading.feeling)
        yield json.dumps(row | found, ensure_ascii=False)


def _parsed(number: int, line: str) -> dict[str, Any]:
    """The line's object; ends with code 1 for one that is none."""
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not (
        isinstance(row, dict)
        and isinstance(row.get("text"), str | None)
        and isinstance(row.get("language"), str | None)
    ):
        end(f'line {number}: expected an object such as {{"text": "It is slow", "language": "en"}}')
    return row
