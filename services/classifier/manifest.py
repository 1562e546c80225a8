"""What comments are classified with now: a manifest beside the models, which every worker follows.

Each activation has a number of its own, also when it goes back to an earlier model: a response that was
classified under a higher number replaces a lower one.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.classifier.encoders.choice import EncoderName
from services.classifier.model_file import About, UnusableModel
from services.classifier.taxonomy import Themes

MANIFEST = "manifest.json"
"""The manifest's name in the folder of models."""
FILE_FORMAT = 1
PROGRAM = 1
"""Raised with every change of this program by which the same models and themes read comments otherwise."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ModelFile(_Part):
    """A model and what it reads comments with."""

    encoder: EncoderName
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the file's content."""

    @property
    def name(self) -> str:
        """The file's, in the folder of models: another content has another name."""
        return f"{self.encoder}-{self.digest[:16]}.model"


class Manifest(_Part):
    """One activation."""

    format: int = FILE_FORMAT
    version: int = Field(ge=2)
    """Of the classification; higher is newer."""
    models: tuple[ModelFile, ...] = Field(max_length=2)
    """One, or a quick one and one that sees to what that is unsure of; none: lists alone."""
    taxonomy_version: int = Field(ge=1)
    """Of the themes when it was activated."""
    taxonomy_digest: str
    program: int = Field(ge=1)
    """PROGRAM then."""


def classification_version(manifest: Manifest | None, taxonomy_version: int) -> int:
    """Raised by every activation, and by every new version of the themes and of the program."""
    if manifest is None:
        return taxonomy_version + PROGRAM - 1
    newer_themes = max(0, taxonomy_version - manifest.taxonomy_version)
    return manifest.version + newer_themes + max(0, PROGRAM - manifest.program)


def activated(
    before: Manifest | None, models: Sequence[tuple[EncoderName, About]], themes: Themes
) -> Manifest:
    """The manifest that puts these models into use after the one before."""
    return Manifest(
        version=classification_version(before, themes.version) + 1,
        models=tuple(ModelFile(encoder=encoder, digest=about.digest) for encoder, about in models),
        taxonomy_version=themes.version,
        taxonomy_digest=themes.digest,
        program=PROGRAM,
    )


def read_manifest(folder: Path) -> Manifest | None:
    """What is activated there, None where nothing ever was; raises UnusableModel."""
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableModel(f"{path}: cannot be read: {error.strerror}") from None
    try:
        found = Manifest.model_validate_json(content)
    except ValidationError:
        raise UnusableModel(f"{path}: is no manifest, or one of another version of this program") from None
    if found.format != FILE_FORMAT:
        raise UnusableModel(f"{path}: was written by another version of this program; activate a model again")
    return found


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Puts it in place at once: a reader sees the one before or this one, whole."""
    path = folder / MANIFEST
    partial = path.with_suffix(".partial")
    partial.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
