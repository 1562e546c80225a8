"""Puts models into use: their files first, then the manifest that names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.classifier.encoders.choice import EncoderName
from services.classifier.manifest import Manifest, activated, read_manifest, write_manifest
from services.classifier.model import Heads
from services.classifier.model_file import About, UnusableModel, read_about, write_model
from services.classifier.taxonomy import Themes


@dataclass(frozen=True, slots=True)
class FittedModel:
    """What a fit with one encoder came to."""

    encoder: EncoderName
    about: About
    heads: Heads


def activate(folder: Path, models: Sequence[FittedModel], themes: Themes) -> Manifest:
    """Writes the models and has every worker use them; a crash in between leaves in use what was.

    Raises UnusableModel where the manifest there cannot be read: the number to go on from is not known then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = read_manifest(folder)
    written: list[tuple[EncoderName, About]] = []
    for model in models:
        fresh = folder / f"{model.encoder}.fresh"
        written.append((model.encoder, write_model(fresh, model.about, model.heads)))
    manifest = activated(before, written, themes)
    for file in manifest.models:
        (folder / f"{file.encoder}.fresh").replace(folder / file.name)
    write_manifest(folder, manifest)
    return manifest


def activate_again(folder: Path, names: Sequence[str], themes: Themes) -> Manifest:
    """Has every worker use models that were written before, under a new number; none: lists alone.

    Raises UnusableModel.
    """
    models = [(_encoder_of(folder / name), read_about(folder / name)) for name in names]
    manifest = activated(read_manifest(folder), models, themes)
    write_manifest(folder, manifest)
    return manifest


def _encoder_of(path: Path) -> EncoderName:
    try:
        return EncoderName(path.name.partition("-")[0])
    except ValueError:
        raise UnusableModel(f"{path}: expected a name such as static-0123456789abcdef.model") from None
