"""Comments read as the classifier reads them, for commands."""

from pathlib import Path

from cli.terminal import complaining, end
from services.classifier.language import LanguageDetector
from services.classifier.loading import Loader, Places
from services.classifier.model_file import UnusableModel
from services.classifier.reader import Reader


def reader_of(places: Places) -> Reader:
    """The reader with the activated model; prints why there can be none, and ends with code 1."""
    try:
        with complaining():
            return Loader(places, LanguageDetector()).load()
    except UnusableModel as error:
        end(str(error))


def places_of(themes: Path, models: Path) -> Places:
    """With the employees of the file beside the themes."""
    return Places(themes, themes.with_name("people.yaml"), models)
