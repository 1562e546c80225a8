import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from services.ingest.examples import examples
from services.ingest.faults import details, faults, is_not_json
from services.ingest.inputs import (
    AccountInput,
    LifecycleEventInput,
    ProfileInput,
    ResponseInput,
    context,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model for model in (ResponseInput, LifecycleEventInput, ProfileInput, AccountInput)
}


def read(model: type[BaseModel], body: bytes | dict[str, Any]) -> BaseModel:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return model.model_validate_json(raw, context=context(NOW))


def refused(model: type[BaseModel], body: bytes | dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as error:
        read(model, body)
    return {fault.field: fault.expected for fault in faults(details(error.value), model)}


@pytest.mark.parametrize("name", MODELS)
def test_the_documented_example_is_accepted(name: str) -> None:
    read(MODELS[name], examples()[name])


@pytest.mark.parametrize(("metric", "lowest", "highest"), [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)])
def test_each_metric_has_its_own_scale(metric: str, lowest: int, highest: int) -> None:
    for score in (lowest, highest):
        read(ResponseInput, {"metric": metric, "score": score})
    for score in (lowest - 1, highest + 1):
        assert refused(ResponseInput, {"metric": metric, "score": score}) == {
            "/score": f"a whole number from {lowest} to {highest} for {metric}"
        }


WHOLE = "a whole number, not text, a fraction or true/false"
TIME = "a time as in RFC 3339, e.g. 2026-11-20T09:30:00Z"


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"score": "9"}, "/score", WHOLE),
        ({"score": True}, "/score", WHOLE),
        ({"score": 8.5}, "/score", WHOLE),
        ({"scor": 9}, "/scor", "no field of this name; did you mean `score`?"),
        ({"zzz": 9}, "/zzz", "no field of this name, but any of account_id, channel"),
        ({"respondent": {"mail": "x"}}, "/respondent/mail", "no field of this name"),
        ({"metric": "nsp"}, "/metric", "one of 'nps', 'csat' or 'ces'"),
        ({"responded_at": "2026-11-22T12:06:00Z"}, "/responded_at", "a time that has passed"),
        ({"responded_at": "2026-11-22T12:00:00"}, "/responded_at", "a time with its offset"),
        ({"responded_at": "yesterday"}, "/responded_at", TIME),
        ({"responded_at": 1763800000}, "/responded_at", TIME),
        ({"updated_at": "1763800000"}, "/updated_at", TIME),
        ({"responded_at": "0001-01-01T00:00:00+14:00"}, "/responded_at", "a time after 2000-01-01"),
        ({"comment": "a\x00b"}, "/comment", "text without the character U+0000"),
        ({"source_id": " "}, "/source_id", "at least 1 character(s)"),
        ({"source_id": "x" * 257}, "/source_id", "at most 256 characters"),
        ({"respondent": {"email": "dana"}}, "/respondent/email", "an e-mail address"),
        ({"context": {"case": 5}}, "/context/case", "text"),
        ({"context": {"a/b~c": 5}}, "/context/a~1b~0c", "text"),
        ({"language": "british english"}, "/language", "a language tag, e.g. en or pt-BR"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected(
    change: dict[str, Any], field: str, expected: str
) -> None:
    found = refused(ResponseInput, {"metric": "nps", "score": 9, **change})
    assert list(found) == [field]
    assert found[field].startswith(expected)


def test_all_faults_are_told_at_once() -> None:
    found = refused(ResponseInput, {"metric": "nps", "score": 11, "comment": 5, "extra": 1})
    assert set(found) == {"/score", "/comment", "/extra"}


def test_five_minutes_ahead_are_taken_for_a_difference_of_clocks() -> None:
    read(ResponseInput, {"metric": "nps", "score": 9, "responded_at": "2026-11-22T12:05:00Z"})


def test_an_answer_says_something_unless_it_is_withdrawn() -> None:
    assert refused(ResponseInput, {"metric": "nps"}) == {"": "a score, a comment or both"}
    read(ResponseInput, {"metric": "nps", "comment": "No time for a score."})
    read(ResponseInput, {"metric": "nps", "status": "retracted"})


def test_a_lifecycle_event_is_about_somebody() -> None:
    assert "who is it about?" in refused(LifecycleEventInput, {"moment": "purchased"})[""]
    read(LifecycleEventInput, {"moment": "release_launched"})


@pytest.mark.parametrize("value", [[1], {"a": 1}, None, 2**60])
def test_a_trait_is_one_value(value: object) -> None:
    found = refused(ProfileInput, {"traits": {"plan": value}})
    assert list(found) == ["/traits/plan"]
    assert "a number within 2^53" in found["/traits/plan"]


def test_traits_keep_their_types() -> None:
    body = read(ProfileInput, {"traits": {"seats": 5, "beta": True, "share": 0.5, "plan": "team"}})
    assert body.model_dump()["traits"] == {"seats": 5, "beta": True, "share": 0.5, "plan": "team"}


def test_an_account_is_checked() -> None:
    found = refused(AccountInput, b'{"arr": 1e999, "currency": "eur", "renewal_date": "1.3.2027"}')
    assert found == {
        "/arr": "a finite number",
        "/currency": "a currency code of three capital letters, e.g. EUR",
        "/renewal_date": "a date, e.g. 2027-03-01",
    }


@pytest.mark.parametrize("body", [b"", b"{", b'{"metric": nps}', b"\xff", b'{"comment": "\\ud800"}'])
def test_what_is_not_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(ValidationError) as error:
        read(ResponseInput, body)
    assert is_not_json(error.value)


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'"text"'])
def test_a_body_is_an_object(body: bytes) -> None:
    assert refused(ResponseInput, body) == {"": "a JSON object"}


def test_an_empty_body_is_said_to_be_empty() -> None:
    assert refused(ResponseInput, b"") == {"": "a JSON object; the body is empty"}


def test_values_are_never_repeated() -> None:
    personal = "dana@customer.example"
    found = refused(ResponseInput, {"metric": personal, "score": personal, "responded_at": personal})
    assert len(found) == 3
    assert personal not in str(found)
