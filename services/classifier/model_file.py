"""Learned heads as a file: replaced whole, and refused unless all of it is there."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from services.classifier.linear import Arrays, Linear
from services.classifier.model import Heads

FILE_FORMAT = 1
_LONGEST_HEAD_BYTES = 100_000


class UnusableModel(Exception):
    """Why a model's file is not used, for people."""


class About(BaseModel):
    """What a model is, on the first line of its file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    format: int = FILE_FORMAT
    encoder: str
    """Identity of the encoder it was fitted with; `none` without one."""
    themes: tuple[str, ...]
    """Ids, in the order of its outputs."""
    languages: tuple[str, ...]
    """Languages of the comments it was fitted on."""
    comments: int
    """How many labelled comments it was fitted on."""
    felt: int = 0
    """How many more with nothing but a sentiment."""
    digest: str = ""
    """SHA-256 of all that follows the line."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model's file, read."""

    about: About
    heads: Heads


def write_model(path: Path, about: About, heads: Heads) -> About:
    """Writes the file beside its place, then puts it there at once; returns `about` with the digest."""
    arrays = {
        "background": heads.background,
        "thresholds": heads.thresholds,
        "doubt": np.float32(heads.doubt),
        **heads.themes.arrays("themes"),
    }
    for name, part in (("polarity", heads.polarity), ("sentiment", heads.sentiment)):
        arrays |= part.arrays(name) if part else {}
    body = io.BytesIO()
    np.savez_compressed(
        body, allow_pickle=False, **{name: np.asarray(array) for name, array in arrays.items()}
    )
    signed = about.model_copy(update={"digest": hashlib.sha256(body.getvalue()).hexdigest()})
    partial = path.with_suffix(".partial")
    partial.write_bytes(signed.model_dump_json().encode() + b"\n" + body.getvalue())
    partial.replace(path)
    return signed


def read_model(path: Path, *, themes: Sequence[str], encoder: str) -> Fitted:
    """The file's content; raises UnusableModel where it is not whole, or was fitted for something else."""
    line, body = _whole(path)
    about = _checked(path, line, body)
    if about.themes != tuple(themes):
        raise UnusableModel(f"{path}: was fitted for other themes; run `feedback themes fit`")
    if about.encoder != encoder:
        raise UnusableModel(f"{path}: was fitted with {about.encoder}, in use is {encoder}; fit it again")
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        try:
            return Fitted(about, _heads({name: arrays[name] for name in arrays.files}))
        except KeyError:
            raise _of_another_version(path) from None


def read_about(path: Path) -> About:
    """What the file says of itself; raises UnusableModel where it is not whole."""
    line, body = _whole(path)
    return _checked(path, line, body)


def _of_another_version(path: Path) -> UnusableModel:
    return UnusableModel(f"{path}: was fitted by another version of this program; fit it again")


def _whole(path: Path) -> tuple[bytes, bytes]:
    try:
        line, _, body = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise UnusableModel(f"{path}: cannot be read: {error.strerror}") from None
    return line, body


def _checked(path: Path, line: bytes, body: bytes) -> About:
    about = _about(path, line)
    if hashlib.sha256(body).hexdigest() != about.digest:
        raise UnusableModel(f"{path}: is cut off or damaged; fit it again or copy it again")
    return about


def _about(path: Path, line: bytes) -> About:
    try:
        if json.loads(line[:_LONGEST_HEAD_BYTES])["format"] != FILE_FORMAT:
            raise _of_another_version(path)
        return About.model_validate_json(line)
    except (ValidationError, ValueError, KeyError, TypeError):
        raise UnusableModel(f"{path}: is no model; `feedback themes fit` makes one") from None


def _heads(arrays: Arrays) -> Heads:
    def linear(name: str) -> Linear | None:
        return Linear.of_arrays(name, arrays) if f"{name}.dense" in arrays else None

    return Heads(
        background=np.asarray(arrays["background"], np.float32),
        themes=Linear.of_arrays("themes", arrays),
        thresholds=np.asarray(arrays["thresholds"], np.float32),
        polarity=linear("polarity"),
        sentiment=linear("sentiment"),
        doubt=float(arrays["doubt"]),
    )
