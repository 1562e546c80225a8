"""Makes the reader of what lies on disk: themes, employees, and the models that the manifest names."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.classifier.cascade import together
from services.classifier.encoders.choice import EncoderName, MissingEncoder, load_encoder
from services.classifier.encoders.static_table import UnreadableTable
from services.classifier.language import LanguageDetector
from services.classifier.lookup import Lookup
from services.classifier.manifest import MANIFEST, Manifest, ModelFile, classification_version, read_manifest
from services.classifier.model import Model
from services.classifier.model_file import UnusableModel, read_model
from services.classifier.reader import Learned, Reader
from services.classifier.roster import load_roster
from services.classifier.taxonomy import Themes, load_themes

if TYPE_CHECKING:
    from services.classifier.encoders.encoder import Encoder

Stamps = tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where what a reader is made of lies."""

    themes: Path
    people: Path
    models: Path

    def stamps(self) -> Stamps:
        """Changes when one of the files does."""
        return tuple(_stamp(path) for path in (self.themes, self.people, self.models / MANIFEST))


class Loader:
    """Makes readers; what is the same for all is loaded once. Not for several threads at once."""

    def __init__(self, places: Places, languages: LanguageDetector) -> None:
        self._places = places
        self._languages = languages
        self._encoders: dict[EncoderName, Encoder | None] = {}
        self._in_use: Themes | None = None

    def load(self) -> Reader:
        """The reader of all of it.

        Raises runtime.yaml_file.ConfigError for the files that people edit, UnusableModel where the model
        that is activated cannot be used.
        """
        themes = load_themes(self._places.themes, self._in_use)
        manifest = read_manifest(self._places.models)
        model = self._model(manifest, themes) if manifest and manifest.models else None
        return self._reader(themes, model, classification_version(manifest, themes.version))

    def load_without_model(self) -> Reader:
        """The reader without a model: of a lower version than with one, so that a later reading replaces it.

        Raises runtime.yaml_file.ConfigError.
        """
        themes = load_themes(self._places.themes, self._in_use)
        try:
            version = classification_version(read_manifest(self._places.models), themes.version)
        except UnusableModel:
            version = themes.version
        return self._reader(themes, None, max(1, version - 1))

    def _reader(self, themes: Themes, model: Learned | None, version: int) -> Reader:
        reader = Reader(
            Lookup(themes),
            languages=self._languages,
            roster=load_roster(self._places.people),
            model=model,
            version=version,
        )
        self._in_use = themes
        return reader

    def _model(self, manifest: Manifest, themes: Themes) -> Learned:
        return together([self._of_file(file, themes) for file in manifest.models])

    def _of_file(self, file: ModelFile, themes: Themes) -> Model:
        try:
            if file.encoder not in self._encoders:
                self._encoders[file.encoder] = load_encoder(file.encoder, self._places.models)
        except (MissingEncoder, UnreadableTable) as error:
            raise UnusableModel(str(error)) from None
        encoder = self._encoders[file.encoder]
        fitted = read_model(
            self._places.models / file.name,
            themes=[theme.id for theme in themes.themes],
            encoder=encoder.identity if encoder else EncoderName.NONE,
        )
        if fitted.about.digest != file.digest:
            raise UnusableModel(f"{self._places.models / file.name}: is not the model that was activated")
        return Model(fitted.heads, encoder, version=file.digest, fitted=fitted.about.languages)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
