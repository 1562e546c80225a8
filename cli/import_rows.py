"""From a row of a file to the body that ingest takes. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import Any

from cli.import_columns import Kind
from schemas.event import Effects
from schemas.scales import Metric

_SECONDS_SINCE_1970 = re.compile(r"\d{9,10}(\.\d+)?")
_MILLISECONDS_SINCE_1970 = re.compile(r"\d{12,13}")
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


def body_of(row: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """The body. Raises RowError.

    An answer without an id of its own is called after its contents: the same row is the same answer.
    """
    body: dict[str, Any] = {}
    for field, column in plan.columns.items():
        cell = row.get(column)
        if cell is None or cell == "":
            continue
        value = _value(field, cell, column, plan)
        if value is None:
            continue
        group, dot, name = field.partition(".")
        if dot:
            body.setdefault(group, {})[name] = value
        else:
            body[field] = value
    if plan.kind is not Kind.PROFILES:
        _complete_answer(body, plan)
    return body


def _complete_answer(body: dict[str, Any], plan: Plan) -> None:
    if plan.metric is not None:
        body.setdefault("metric", plan.metric.value)
    if plan.kind is Kind.HISTORY and "responded_at" not in body:
        raise RowError(
            f"{plan.columns['responded_at']}: a time; answers of the past say when they were given"
        )
    body["effects"] = plan.effects.value
    if "source_id" not in body:
        told = json.dumps(body, sort_keys=True, ensure_ascii=False).encode()
        body["source_id"] = f"row-{sha256(told).hexdigest()[:32]}"


def _value(field: str, cell: object, column: str, plan: Plan) -> object:
    if field == "score":
        return _score(cell, column, plan)
    if field in _TIMES:
        return _time(cell, column, plan.zone)
    read = _READERS.get(field)
    return read(cell, column) if read else _text(cell, column)


def _text(cell: object, column: str) -> str | None:
    if isinstance(cell, dict | list):
        raise RowError(f"{column}: text or a number, not a list or an object")
    return str(cell).strip() or None


def _word(cell: object, column: str) -> str | None:
    text = _text(cell, column)
    return text.lower() if text else None


def _score(cell: object, column: str, plan: Plan) -> int | None:
    text = _text(cell, column)
    if text is None:
        return None
    if plan.scores is not None:
        if text not in plan.scores:
            raise RowError(f"{column}: one of the scores in --scores")
        return plan.scores[text]
    number = re.fullmatch(r"(\d{1,3})(\.0+)?", text)
    if number is None:
        raise RowError(f"{column}: a whole number; --scores says what other scores mean")
    return int(number[1])


def _time(cell: object, column: str, zone: tzinfo) -> str | None:
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


def _truth(cell: object, column: str) -> bool:
    text = _word(cell, column) or ""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise RowError(f"{column}: yes or no")


_TIMES = frozenset({"responded_at", "updated_at"})
_READERS: Mapping[str, Callable[[object, str], object]] = {
    "metric": _word,
    "products": _list,
    "internal": _truth,
}
