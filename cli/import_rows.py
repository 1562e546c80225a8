"""From a row of a file to the body that ingest takes. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from cli.import_columns import ANSWERS, Kind
from schemas.event import Effects
from schemas.scales import Metric

_SECONDS_SINCE_1970 = re.compile(r"\d{9,10}(\.\d+)?")
_MILLISECONDS_SINCE_1970 = re.compile(r"\d{12,13}")
_SCORE = re.compile(r"(\d{1,3})(\.0+)?")
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1"}), frozenset({"false", "no", "n", "0", ""})


class RowError(ValueError):
    """A row that cannot be read: which column, and what was expected there. Never what was found."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How every row of a file is read."""

    kind: Kind
    columns: Mapping[str, str]
    metric: Metric | None = None
    """What was asked, where no column says so."""
    scores: Mapping[str, int] | None = None
    """What a score of the file means on our scale; None where it is our scale already."""
    effects: Effects = Effects.RECORD
    zone: tzinfo = UTC
    """Of times that name no offset."""


class Reader:
    """Reads the rows of one file: what the plan says of a column is looked up once, not at every row."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._columns = [_Column.of(field, column, plan) for field, column in plan.columns.items()]
        self._has_source_id = plan.kind in _WITH_SOURCE_ID
        self._has_effects = plan.kind in ANSWERS
        self._dated = _DATED.get(plan.kind)

    def body(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The body. Raises RowError.

        A record without an id of its own is called after its contents: the same row is the same record.
        """
        body: dict[str, Any] = {}
        for group, name, column, read in self._columns:
            cell = row.get(column)
            if cell is None or cell == "":
                continue
            value = read(cell, column)
            if value is None:
                continue
            if group:
                body.setdefault(group, {})[name] = value
            else:
                body[name] = value
        if self._dated is not None and self._dated not in body:
            raise RowError(f"{self._plan.columns[self._dated]}: a time; what is past says when it was")
        if self._has_effects:
            body["effects"] = self._plan.effects.value
            if self._plan.metric is not None:
                body.setdefault("metric", self._plan.metric.value)
        if self._has_source_id and "source_id" not in body:
            told = json.dumps(body, sort_keys=True, ensure_ascii=False).encode()
            body["source_id"] = f"row-{sha256(told).hexdigest()[:32]}"
        return body


class _Column(NamedTuple):
    """Where in the body a column's cells go, and how they are read. `group` is empty at the top."""

    group: str
    name: str
    column: str
    read: Callable[[Any, str], object]

    @classmethod
    def of(cls, field: str, column: str, plan: Plan) -> "_Column":
        group, dot, name = field.partition(".")
        return cls(group if dot else "", name if dot else field, column, _reading(field, plan))


def _reading(field: str, plan: Plan) -> Callable[[Any, str], object]:
    if field == "score":
        return partial(_score, scores=plan.scores)
    if field in _TIMES:
        return partial(_time, zone=plan.zone)
    return _READERS.get(field, _text)


def _text(cell: object, column: str) -> str | None:
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, dict | list):
        raise RowError(f"{column}: text or a number, not a list or an object")
    return str(cell).strip() or None


def _word(cell: object, column: str) -> str | None:
    text = _text(cell, column)
    return text.lower() if text else None


def _score(cell: object, column: str, *, scores: Mapping[str, int] | None) -> int | None:
    text = _text(cell, column)
    if text is None:
        return None
    if scores is not None:
        if text not in scores:
            raise RowError(f"{column}: one of the scores in --scores")
        return scores[text]
    number = _SCORE.fullmatch(text)
    if number is None:
        raise RowError(f"{column}: a whole number; --scores says what other scores mean")
    return int(number[1])


def _time(cell: object, column: str, *, zone: tzinfo) -> str | None:
    text = _text(cell, column)
    if text is None:
        return None
    if _SECONDS_SINCE_1970.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC).isoformat()
    if _MILLISECONDS_SINCE_1970.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC).isoformat()
    try:
        # Delighted and others write the zone's name behind the time.
        moment = datetime.fromisoformat(
            text.removesuffix(" UTC") + ("+00:00" if text.endswith(" UTC") else "")
        )
    except ValueError:
        raise RowError(f"{column}: a time such as 2026-11-20 09:30:00, or seconds since 1970") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


def _list(cell: object, column: str) -> list[str]:
    parts = cell if isinstance(cell, list) else re.split(r"[,;|]", _text(cell, column) or "")
    return [text for part in parts if (text := _text(part, column))]


def _amount(cell: object, column: str) -> float | None:
    text = _text(cell, column)
    try:
        return float(text) if text else None
    except ValueError:
        raise RowError(f"{column}: a number such as 12000 or 12000.50, without a currency") from None


def _currency(cell: object, column: str) -> str | None:
    text = _text(cell, column)
    return text.upper() if text else None


def _truth(cell: object, column: str) -> bool:
    text = _word(cell, column) or ""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise RowError(f"{column}: yes or no")


_TIMES = frozenset({"responded_at", "occurred_at", "updated_at"})
_WITH_SOURCE_ID = ANSWERS | {Kind.MOMENTS}
_DATED = {Kind.HISTORY: "responded_at", Kind.MOMENTS: "occurred_at"}
"""What a record of this kind must say of its time: arriving says nothing of when it was."""
_READERS: Mapping[str, Callable[[Any, str], object]] = {
    "metric": _word,
    "moment": _word,
    "products": _list,
    "internal": _truth,
    "retracted": _truth,
    "arr": _amount,
    "currency": _currency,
}
