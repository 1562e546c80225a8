"""Reads a CSV or JSONL file row by row, whatever its size."""

import csv
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cli.import_rows import RowError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WORKBOOK = b"PK\x03\x04"
"""How Excel's and LibreOffice's files begin, which are ZIP archives."""
_DELIMITERS = ",;\t|"
_LOOKED_AT = 1_000
"""Rows of a JSONL file that are looked at for the names of its fields."""


class UnreadableError(ValueError):
    """The file as a whole cannot be read; says where and what was expected."""


class Row(NamedTuple):
    """One row. `end` is where in the file it ends, in bytes."""

    number: int
    end: int
    cells: Mapping[str, Any]
    error: RowError | None = None


def headers_of(path: Path) -> list[str]:
    """The columns' names. Raises UnreadableError."""
    names: dict[str, None] = {}
    for row in islice(rows_of(path), 1 if _is_csv(path) else _LOOKED_AT):
        names |= dict.fromkeys(row.cells)
    if not names:
        raise UnreadableError(f"{path}: expected rows below the names of the columns, found none")
    return list(names)


def rows_of(path: Path) -> Iterator[Row]:
    """Every row, the first has the number 1. Raises UnreadableError."""
    with path.open("rb") as file:
        if file.peek().startswith(_WORKBOOK):
            raise UnreadableError(f"{path}: expected CSV or JSONL, found a workbook; save its sheet as CSV")
        yield from (_csv_rows if _is_csv(path) else _json_rows)(path, file)


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() not in {".jsonl", ".ndjson"}


class _Lines:
    """The file's lines as text, and how far they have been read."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self.read_bytes = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._file, start=1):
            self.read_bytes += len(line)
            try:
                yield (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).decode()
            except UnicodeDecodeError:
                raise UnreadableError(
                    f"{self._path}, line {number}: expected UTF-8; save it in this encoding"
                ) from None


def _csv_rows(path: Path, file: BinaryIO) -> Iterator[Row]:
    lines = _Lines(path, file)
    texts = iter(lines)
    first = next(texts, "")
    delimiter = max(_DELIMITERS, key=first.count)
    [headers] = csv.reader([first], delimiter=delimiter) if first.strip() else [[]]
    if len(set(headers)) < len(headers):
        raise UnreadableError(f"{path}, line 1: expected each column's name once")
    reader = csv.reader(texts, delimiter=delimiter)
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableError(f"{path}, line {reader.line_num + 1}: expected CSV; {error}") from None
        if not cells:
            continue
        number += 1
        wrong = None
        if len(cells) != len(headers):
            wrong = RowError(f"expected {len(headers)} cells as in the first line, found {len(cells)}")
        yield Row(number, lines.read_bytes, dict(zip(headers, cells, strict=False)), wrong)


def _json_rows(path: Path, file: BinaryIO) -> Iterator[Row]:
    lines = _Lines(path, file)
    for number, text in enumerate((text for text in lines if text.strip()), start=1):
        try:
            read = json.loads(text)
        except ValueError:
            read = None
        if isinstance(read, dict):
            yield Row(number, lines.read_bytes, _flat(read))
        else:
            yield Row(number, lines.read_bytes, {}, RowError("expected a JSON object"))


def _flat(read: dict[str, Any]) -> dict[str, Any]:
    """Objects within the row as columns of their own, such as `person.email`."""
    flat: dict[str, Any] = {}
    for name, value in read.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            flat[name] = value
    return flat
