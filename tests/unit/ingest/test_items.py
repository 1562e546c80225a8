import json
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.ingest.inputs import ResponseInput, context
from services.ingest.items import LENGTH, MAX_ITEMS, Items

NOW = context(datetime(2026, 11, 22, 10, tzinfo=UTC))
GOOD: dict[str, Any] = {"metric": "nps", "score": 3, "responded_at": "2026-11-20T09:30:00+01:00"}
ITEMS = Items(ResponseInput, TypeAdapter(Annotated[list[ResponseInput], LENGTH]))


def read(items: object) -> list[Any]:
    return ITEMS.read(json.dumps(items).encode(), NOW)


def test_each_item_is_refused_on_its_own_and_the_order_stays() -> None:
    bad = GOOD | {"score": 11, "colour": "red"}
    found = read([bad, GOOD | {"source_id": "é"}, "text", GOOD, GOOD | {"metric": "csat", "score": 0}])
    assert [isinstance(item, list) for item in found] == [True, False, True, False, True]
    assert {error.field for error in found[0]} == {"/score", "/colour"}
    assert found[1] == ResponseInput.model_validate_json(json.dumps(GOOD | {"source_id": "é"}), context=NOW)
    assert [(error.field, error.expected) for error in found[2]] == [("", "a JSON object")]
    assert "1 to 5" in found[4][0].expected


def test_all_good_and_all_bad() -> None:
    assert (
        read([GOOD] * MAX_ITEMS)
        == [ResponseInput.model_validate_json(json.dumps(GOOD), context=NOW)] * MAX_ITEMS
    )
    assert all(isinstance(item, list) for item in read([{}, {}]))


@pytest.mark.parametrize("body", [GOOD, [], [GOOD] * (MAX_ITEMS + 1), None])
def test_a_body_that_is_no_list_of_so_many_is_refused_as_a_whole(body: object) -> None:
    with pytest.raises(ValidationError):
        read(body)
