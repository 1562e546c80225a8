"""Golden examples: what was published once is read the same for ever."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.event import Event
from schemas.topics import BY_NAME, EVENTS

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"


@pytest.fixture(params=sorted(EVENTS), name="case")
def _case(request: pytest.FixtureRequest) -> tuple[type[Event], dict[str, Any]]:
    event_type: str = request.param
    return EVENTS[event_type], json.loads((EXAMPLES / f"{event_type}.json").read_text())


def test_an_example_is_read_and_written_back_unchanged(case: tuple[type[Event], dict[str, Any]]) -> None:
    model, example = case
    event = model.model_validate_json(json.dumps(example["value"]))
    assert json.loads(event.model_dump_json()) == example["value"]


def test_key_id_time_and_topic_are_those_of_the_example(case: tuple[type[Event], dict[str, Any]]) -> None:
    model, example = case
    event = model.model_validate(example["value"])
    assert event.event_key() == example["key"]
    assert event.event_id() == example["ce_id"]
    assert event.event_time().isoformat() == example["ce_time"]
    assert example["topic"] == event.TOPIC
    assert model in BY_NAME[example["topic"]].events


def test_a_field_of_a_newer_writer_is_ignored(case: tuple[type[Event], dict[str, Any]]) -> None:
    model, example = case
    assert model.model_validate(example["value"] | {"added_next_year": 1}) == model.model_validate(
        example["value"]
    )


def test_an_event_cannot_be_changed(case: tuple[type[Event], dict[str, Any]]) -> None:
    model, example = case
    event = model.model_validate(example["value"])
    with pytest.raises(ValueError, match="frozen"):
        setattr(event, next(iter(model.model_fields)), None)


def test_no_example_is_left_without_its_event() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(EVENTS)
