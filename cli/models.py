"""`feedback models …`: what comments are understood with."""

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from cli.terminal import complaining, end, errors
from services.classifier.activation import activate_again
from services.classifier.encoders.choice import TABLE, EncoderName, MissingEncoder, load_encoder
from services.classifier.model_file import UnusableModel
from services.classifier.taxonomy import load_themes


def build(folder: Path, words_a_language: int) -> None:
    """Makes the static table; ends with code 1 where what makes it is not installed."""
    try:
        encoder = load_encoder(EncoderName.MULTILINGUAL, folder)
        from services.classifier.encoders.table_building import (  # noqa: PLC0415 - an extra
            build_table,
        )
    except (MissingEncoder, ImportError) as error:
        end(f"{error}. The image `models` has all that is needed.")
    assert encoder is not None  # noqa: S101 - only `none` has none
    folder.mkdir(parents=True, exist_ok=True)
    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("encoding words", total=None)
        build_table(
            folder / TABLE,
            encoder,
            words_a_language=words_a_language,
            told=lambda done, total: progress.update(task, completed=done, total=total),
        )
    errors.print(f"{folder / TABLE} is ready")


def activate(folder: Path, themes: Path, names: Sequence[str]) -> None:
    """Puts models of before into use; ends with code 1 for one that cannot be used."""
    with complaining():
        taxonomy = load_themes(themes)
    try:
        manifest = activate_again(folder, names, taxonomy)
    except UnusableModel as error:
        end(str(error))
    errors.print(f"classification version {manifest.version} is in use as soon as workers have seen it")
