"""Comments read as the classifier reads them, for commands."""

from pathlib import Path

import typer
from rich.console import Console

from cli.complaining import complaining
from services.classifier.language import LanguageDetector
from services.classifier.loading import Loader, Places
from services.classifier.model_file import UnusableModel
from services.classifier.reader import Reader

errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def reader_of(places: Places) -> Reader:
    """The reader with the activated model; prints why there can be none, and ends with code 1."""
    try:
        with complaining():
            return Loader(places, LanguageDetector()).load()
    except UnusableModel as error:
        errors.print(str(error))
        raise typer.Exit(1) from None


def places_of(themes: Path, models: Path) -> Places:
    """With the employees of the file beside the themes."""
    return Places(themes, themes.with_name("people.yaml"), models)
