"""`feedback themes check`, `preview`, `suggest`, `diff`: what themes find, miss and would change."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.table import Table

from cli import theme_comments
from cli.progress import progress_bar
from cli.readers import places_of, reader_of
from cli.terminal import complaining, console, end, errors
from services.classifier.clauses import clauses
from services.classifier.differing import difference
from services.classifier.encoders.choice import EncoderName, MissingEncoder, load_encoder
from services.classifier.encoders.encoder import Statements
from services.classifier.encoders.static_table import UnreadableTable
from services.classifier.masking import mask
from services.classifier.ngrams import Floats, WordHashes
from services.classifier.reader import Comment, Reader
from services.classifier.reading import Reading
from services.classifier.taxonomy import doubtful, load_themes
from services.classifier.words import folded_words

_BATCH = 256
_QUOTED_CHARACTERS = 100


def check(path: Path) -> None:
    """Prints what is wrong with the taxonomy and ends with code 1, or says what it is."""
    with complaining():
        taxonomy = load_themes(path)
    table = Table("theme", "part of", "function", "keywords", "examples", "aliases", box=None, pad_edge=False)
    for theme in taxonomy.themes:
        keywords = ", ".join(f"{language} {len(words)}" for language, words in theme.keywords.items())
        aliases = ", ".join(f"{where}: {alias}" for where, alias in theme.aliases.items())
        table.add_row(
            theme.id, theme.parent or "", theme.function, keywords, str(len(theme.examples)), aliases
        )
    console.print(table)
    for doubt in doubtful(taxonomy):
        console.print(f"doubtful: {doubt}", style="yellow")
    console.print(f"{len(taxonomy.themes)} themes are in order")


def preview(themes: Path, models: Path, file: Path | None, since: datetime) -> None:
    """Prints how many comments each theme is found in, with quotes; and how many none claims."""
    comments = _comments(file, since)
    readings = _read(reader_of(places_of(themes, models)), comments)
    found: dict[str, list[int]] = {}
    for place, reading in enumerate(readings):
        for tag in reading.themes:
            found.setdefault(tag.theme, []).append(place)
    table = Table("theme", "comments", "share", "such as", box=None, pad_edge=False)
    for theme, places in sorted(found.items(), key=lambda each: -len(each[1])):
        share = f"{100 * len(places) / len(comments):.0f} %"
        table.add_row(theme, str(len(places)), share, _quote(comments[places[0]], readings[places[0]], theme))
    console.print(table)
    unclaimed = sum(not reading.themes for reading in readings)
    console.print(
        f"{unclaimed} of {len(comments)} comments speak of no theme; `feedback themes suggest` groups them"
    )
    feelings = Counter(reading.feeling.sentiment if reading.feeling else "not known" for reading in readings)
    console.print(", ".join(f"{felt} {times}" for felt, times in feelings.most_common()))


def suggest(themes: Path, models: Path, name: EncoderName, file: Path | None, since: datetime) -> None:
    """Prints groups among the comments that no theme claims; ends with code 1 where they are too few."""
    try:
        from services.classifier.suggesting import suggest as group  # noqa: PLC0415 - an extra
    except ImportError:
        end("what groups comments is not installed; the extra `learning` has it")
    comments = _comments(file, since)
    readings = _read(reader_of(places_of(themes, models)), comments)
    left = [comment for comment, reading in zip(comments, readings, strict=True) if not reading.themes]
    left = [comment for comment in left if comment.text and comment.text.strip()]
    words = [folded_words(comment.text or "") for comment in left]
    try:
        suggestions = group(words, _vectors(left, words, name, models))
    except (ValueError, MissingEncoder, UnreadableTable) as error:
        end(str(error))
    for one in suggestions:
        console.print(f"{', '.join(one.words)}: {one.comments} comments", style="bold")
        for place in one.quotes:
            console.print(f"  {_shortened(left[place].text or '')}")
    grouped = sum(one.comments for one in suggestions)
    console.print(f"{grouped} of {len(left)} comments that no theme claims are in {len(suggestions)} groups")


def diff(now: tuple[Path, Path], then: tuple[Path, Path], file: Path | None, since: datetime) -> None:
    """Prints by theme how many comments it has and would have; `now` and `then` are themes and models."""
    comments = _comments(file, since)
    before, after = (_read(reader_of(places_of(themes, models)), comments) for themes, models in (now, then))
    found = difference(before, after)
    table = Table("theme", "now", "then", "added", "removed", "such as", box=None, pad_edge=False)
    for theme, change in found.themes.items():
        quotes = " | ".join(_shortened(comments[place].text or "") for place in change.quotes)
        numbers = (change.before, change.after, len(change.added), len(change.removed))
        table.add_row(theme, *map(str, numbers), quotes)
    console.print(table)
    console.print(
        f"{found.changed} of {found.comments} comments would have other themes,"
        f" {found.feelings} another sentiment"
    )


def _comments(file: Path | None, since: datetime) -> list[Comment]:
    with complaining():
        found = theme_comments.comments(file, since)
    if not found:
        end("There are no comments there.")
    return found


def _read(reader: Reader, comments: Sequence[Comment]) -> list[Reading]:
    readings: list[Reading] = []
    with progress_bar(errors) as progress:
        for first in progress.track(range(0, len(comments), _BATCH), description="reading"):
            readings += reader.read(comments[first : first + _BATCH])
    return readings


def _vectors(
    comments: Sequence[Comment], words: Sequence[Sequence[str]], name: EncoderName, models: Path
) -> Floats | None:
    encoder = load_encoder(name, models)
    if encoder is None:
        return None
    texts = [" ".join(clauses(comment.text or "")) for comment in comments]
    return encoder.encode(Statements(texts, WordHashes().of(words)))


def _quote(comment: Comment, reading: Reading, theme: str) -> str:
    said = next(tag.evidence for tag in reading.themes if tag.theme == theme)
    return f"{', '.join(said)}: {_shortened(comment.text or '')}"


def _shortened(text: str) -> str:
    """The beginning, without personal details: it may end up in a screenshot."""
    masked = " ".join(mask(text).text.split())
    return masked if len(masked) <= _QUOTED_CHARACTERS else masked[:_QUOTED_CHARACTERS] + "…"
