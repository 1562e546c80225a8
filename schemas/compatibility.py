"""What a new schema breaks: `python -m schemas.compatibility [--release]`.

`schemas/released/` holds each event as it was last released. Archived records stay readable for ever and
releases roll out one service at a time, so a change must hold both ways: new readers read old records
(nothing newly required, nothing narrower), and old readers read new records (nothing they require goes).
A new value of an enumeration is allowed: readers are updated before writers.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.generate import json_schema
from schemas.topics import EVENTS

RELEASED = Path(__file__).parent / "released"
# Keyword to whether a larger number allows more.
_LIMITS = {
    "maxLength": True,
    "maximum": True,
    "exclusiveMaximum": True,
    "maxItems": True,
    "minLength": False,
    "minimum": False,
    "exclusiveMinimum": False,
    "minItems": False,
}

Schema = dict[str, Any]


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """A sentence per change that a reader or a stored record would trip over; empty when there is none."""
    return list(_Comparison(old, new).of(old, new, "", frozenset()))


class _Comparison:
    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self._old_root = old_root
        self._new_root = new_root

    def of(self, old: Schema, new: Schema, at: str, seen: frozenset[str]) -> Iterator[str]:
        reference = old.get("$ref", "")
        if reference in seen:
            return
        seen = seen | {reference} if reference else seen
        old, new = _resolve(old, self._old_root), _resolve(new, self._new_root)
        yield from _values(old, new, at or "/")
        yield from self._fields(old, new, at, seen)
        for keyword in ("items", "additionalProperties"):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                yield from self.of(old[keyword], new[keyword], f"{at}/*", seen)
        before, after = old.get("anyOf", []), new.get("anyOf", [])
        if len(before) != len(after):
            yield f"{at or '/'}: had {len(before)} alternatives, has {len(after)}"
        for one, other in zip(before, after, strict=False):
            yield from self.of(one, other, at, seen)

    def _fields(self, old: Schema, new: Schema, at: str, seen: frozenset[str]) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before.keys() - after.keys()):
            yield f"{at}/{name}: removed"
        for name in sorted(needed_after - needed_before):
            yield f"{at}/{name}: required now, older records may lack it"
        for name in sorted((needed_before - needed_after) & after.keys()):
            yield f"{at}/{name}: no longer required, older readers need it"
        for name in sorted(before.keys() & after.keys()):
            yield from self.of(before[name], after[name], f"{at}/{name}", seen)


def _resolve(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _values(old: Schema, new: Schema, where: str) -> Iterator[str]:
    for keyword in ("type", "format", "contentEncoding", "const", "pattern"):
        if old.get(keyword) != new.get(keyword):
            yield f"{where}: {keyword} was {old.get(keyword)}, is {new.get(keyword)}"
    gone = set(old.get("enum", ())) - set(new.get("enum", ()))
    if gone:
        yield f"{where}: values {sorted(gone)} are not allowed any more"
    elif "enum" in new and "enum" not in old:
        yield f"{where}: only some values are allowed now"
    for keyword, larger_allows_more in _LIMITS.items():
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if after is not None and (before is None or (after < before) == larger_allows_more):
            yield f"{where}: {keyword} is narrower: was {before}, is {after}"
        else:
            yield f"{where}: {keyword} is wider, older readers refuse more: was {before}, is {after}"


def check(released: Path) -> list[str]:
    """Breaking changes of all events against the released schemas in a folder."""
    found = []
    for path in sorted(released.glob("*.json")):
        name = path.stem
        if name not in EVENTS:
            found.append(f"{name}: the event is gone; its records are still in topics and archives")
            continue
        changes = breaking_changes(json.loads(path.read_text()), json_schema(EVENTS[name]))
        found += [f"{name}{change}" for change in changes]
    return found


def main(arguments: list[str]) -> int:
    """Entry point; exit code 1 when a change breaks a released schema."""
    parser = argparse.ArgumentParser(prog="python -m schemas.compatibility", description=__doc__)
    parser.add_argument("--release", action="store_true", help="the present schemas become the released ones")
    release = parser.parse_args(arguments).release
    found = check(RELEASED)
    for change in found:
        sys.stderr.write(f"{change}\n")
    if found:
        sys.stderr.write("A breaking change needs a new version of the event and its topic (.v2).\n")
        return 1
    if release:
        RELEASED.mkdir(exist_ok=True)
        for event in EVENTS.values():
            text = json.dumps(json_schema(event), indent=2, sort_keys=True) + "\n"
            (RELEASED / f"{event.TYPE}.json").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
