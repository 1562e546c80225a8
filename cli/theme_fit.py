"""`feedback themes fit` and `evaluate`: learn from examples, and say what that is worth."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import typer
from rich.table import Table

from cli import theme_comments
from cli.terminal import complaining, console, end
from cli.theme_learning import Lessons, encoders
from cli.theme_learning import fit as learn
from services.classifier import past
from services.classifier.activation import activate
from services.classifier.encoders.choice import MissingEncoder, ModelName
from services.classifier.encoders.static_table import UnreadableTable
from services.classifier.evaluating import FEWEST_COMMENTS, Evaluation, Figures, Share, Verdict
from services.classifier.evaluating import evaluate as judge
from services.classifier.examples import own_examples, read_examples
from services.classifier.language import LanguageDetector
from services.classifier.learning import Learner
from services.classifier.lookup import Lookup
from services.classifier.model_file import UnusableModel
from services.classifier.taxonomy import Themes, load_themes


def fit(
    themes: Path,
    models: Path,
    name: ModelName,
    examples: Sequence[Path],
    since: datetime | None,
    *,
    activating: bool,
) -> None:
    """Learns and puts into use; ends with code 1 where there is nothing to learn from."""
    taxonomy = _taxonomy(themes)
    lessons = _lessons(taxonomy, examples, since)
    if not lessons.examples and not lessons.felt:
        end("There is nothing to learn from: give --examples FILE, examples in the themes' file, or --past.")
    with _told():
        fitted = [one.fitted for one in learn(name, taxonomy, LanguageDetector(), models, lessons)]
        learned = fitted[0].heads.learned
        left = [theme.id for number, theme in enumerate(taxonomy.themes) if number not in learned]
        console.print(
            f"learned {len(learned)} of {len(taxonomy.themes)} themes from {len(lessons.examples)} comments,"
            f" the sentiment from {len(lessons.felt)} more"
        )
        if left:
            console.print(f"left to their keywords, for want of examples: {', '.join(left)}")
        if activating:
            manifest = activate(models, fitted, taxonomy)
            console.print(
                f"classification version {manifest.version} is in use as soon as workers have seen it"
            )


def evaluate(
    themes: Path, models: Path, name: ModelName, examples: Sequence[Path], since: datetime | None
) -> None:
    """Prints figures by theme; ends with code 1 unless what is known is good."""
    taxonomy = _taxonomy(themes)
    lessons = _lessons(taxonomy, examples, since)
    languages = LanguageDetector()
    with _told():
        for encoder_name, encoder in encoders(name, models):
            learner = Learner(Lookup(taxonomy), encoder, languages)
            found = judge(learner, lessons.examples, [theme.id for theme in taxonomy.themes])
            console.print(
                f"{encoder_name}: each of {found.comments} comments judged by a fit without it", style="bold"
            )
            _print(found)
            verdict = found.verdict
    if verdict is not Verdict.GOOD:
        raise typer.Exit(1)


def _print(found: Evaluation) -> None:
    table = Table(
        "theme", "comments", "precision", "recall", "F1", "keywords' F1", "verdict", box=None, pad_edge=False
    )
    for theme, figures in [*found.themes.items(), ("all together", found.overall)]:
        table.add_row(theme, str(figures.comments), *_cells(figures), figures.verdict)
    console.print(table)
    unknown = [theme for theme, figures in found.themes.items() if figures.verdict is Verdict.TOO_LITTLE]
    if unknown:
        console.print(
            f"Too little is known of {len(unknown)} themes to call this model good: label more comments that"
            f" speak of them, {FEWEST_COMMENTS} of each at least. In brackets: 95 % intervals."
        )


def _cells(figures: Figures) -> Iterator[str]:
    for share in (figures.precision, figures.recall, figures.f1):
        yield _share(share) if figures.comments else "-"
    yield f"{figures.keywords_f1:.2f}" if figures.comments else "-"


def _share(share: Share) -> str:
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"


def _taxonomy(path: Path) -> Themes:
    with complaining():
        return load_themes(path)


def _lessons(taxonomy: Themes, files: Sequence[Path], since: datetime | None) -> Lessons:
    with complaining():
        labelled = [
            *own_examples(taxonomy),
            *(one for file in files for one in read_examples(file, taxonomy)),
        ]
    if since is None:
        return Lessons(labelled)
    answers = theme_comments.answers(since)
    put_right = past.latest(theme_comments.corrections(since))
    known = {theme.id for theme in taxonomy.themes}
    labelled += past.corrected_examples(answers, put_right, known)
    return Lessons(labelled, past.unlabelled(answers, labelled), list(past.felt_comments(answers, put_right)))


@contextmanager
def _told() -> Iterator[None]:
    """Prints why there can be no model, and ends with code 1."""
    try:
        yield
    except (MissingEncoder, UnreadableTable, UnusableModel, ValueError) as error:
        end(str(error))
