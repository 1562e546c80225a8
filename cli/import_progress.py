"""How far an import has come, kept beside its file, so that a second run goes on where the first ended."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

_LOOKED_AT_BYTES = 1 << 16


@dataclass(slots=True)
class Standing:
    """Rows done, the first ones of the file, and how many of them were refused."""

    fingerprint: str
    rows: int = 0
    refused: int = 0


class Mark:
    """The file that holds it."""

    def __init__(self, file: Path) -> None:
        self._path = file.with_name(f"{file.name}.import.json")

    def read(self, fingerprint: str) -> Standing:
        """Where the last run of this import ended; the beginning when there was none like it."""
        with suppress(OSError, ValueError, TypeError):
            standing = Standing(**json.loads(self._path.read_text()))
            if standing.fingerprint == fingerprint:
                return standing
        return Standing(fingerprint)

    def write(self, standing: Standing) -> None:
        """Keeps it; a run that is killed in between leaves the last one whole."""
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(asdict(standing)))
        written.replace(self._path)

    def remove(self) -> None:
        """The import has ended."""
        self._path.unlink(missing_ok=True)


def fingerprint(file: Path, how: Mapping[str, Any]) -> str:
    """Of the file's size and beginning, and of how it is read and where it goes."""
    with file.open("rb") as opened:
        beginning = opened.read(_LOOKED_AT_BYTES)
    parts: Iterable[str] = (str(file.stat().st_size), json.dumps(how, sort_keys=True, default=str))
    return sha256(beginning + "\n".join(parts).encode()).hexdigest()
