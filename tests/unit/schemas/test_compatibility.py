import re
from copy import deepcopy
from typing import Any

import pytest

from schemas.compatibility import RELEASED, breaking_changes, check
from schemas.generate import json_schema
from schemas.responses import ResponseRecorded
from schemas.topics import EVENTS

OLD: dict[str, Any] = {
    "type": "object",
    "required": ["id", "order"],
    "properties": {
        "id": {"type": "string", "maxLength": 10},
        "kind": {"enum": ["sent", "shown"], "type": "string"},
        "order": {"$ref": "#/$defs/Order"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "$defs": {"Order": {"type": "object", "properties": {"revision": {"type": "integer", "minimum": 0}}}},
}


def changed(**by_path: object) -> dict[str, Any]:
    new = deepcopy(OLD)
    for path, value in by_path.items():
        *parents, last = path.split("__")
        at: Any = new
        for part in parents:
            at = at[part]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return new


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (changed(properties__note=None), "/note: removed"),
        (changed(required=["id", "order", "note"]), "/note: required now"),
        (changed(required=["id"]), "/order: no longer required"),
        (changed(properties__id__type="integer"), "/id: type was string, is integer"),
        (changed(properties__id__maxLength=5), "/id: maxLength is narrower"),
        (changed(properties__id__maxLength=50), "/id: maxLength is wider"),
        (changed(properties__id__pattern="^a"), "/id: pattern was None"),
        (changed(properties__kind__enum=["sent"]), r"/kind: values \['shown'\]"),
        (changed(properties__tags__items__type="integer"), r"/tags/\*: type"),
        (
            changed(**{"$defs__Order__properties__revision__minimum": 1}),
            "/order/revision: minimum is narrower",
        ),
        (changed(properties__note__anyOf=[{"type": "string"}]), "/note: had 2 alternatives, has 1"),
    ],
)
def test_a_breaking_change_is_named_by_its_field(new: dict[str, Any], says: str) -> None:
    found = breaking_changes(OLD, new)
    assert len(found) == 1
    assert re.match(says, found[0])


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed(properties__added={"type": "string"}),
        changed(properties__kind__enum=["sent", "shown", "clicked"]),
        changed(properties__id__description="said better"),
    ],
)
def test_an_additive_change_is_none(new: dict[str, Any]) -> None:
    assert breaking_changes(OLD, new) == []


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {"child": {"$ref": "#/$defs/Node"}}}}}
    assert breaking_changes(tree, deepcopy(tree)) == []


def test_the_models_break_nothing_that_was_released() -> None:
    assert {path.stem for path in RELEASED.glob("*.json")} <= set(EVENTS)
    assert check(RELEASED) == []


def test_a_field_taken_from_a_real_event_is_found() -> None:
    new = json_schema(ResponseRecorded)
    del new["properties"]["comment"]
    assert breaking_changes(json_schema(ResponseRecorded), new) == ["/comment: removed"]
