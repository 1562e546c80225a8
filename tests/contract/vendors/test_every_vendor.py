"""What every vendor's module must do; a new one adds its sample to SAMPLES."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.responses import ResponseRecorded, ResponseStatus
from services.ingest.vendor import Answer, Call, Fetch, Nothing, Unreadable
from services.ingest.vendors import vendors
from services.ingest.webhook_mapping import Origin, recorded
from services.ingest.webhook_routes import raw_id
from tests.contract.vendors.samples import AT, OTHER_SECRET, SAID, SAMPLES, SECRET, Body, Sample, with_value

KEY = b"keeps persons apart in these tests"
every_vendor = pytest.mark.parametrize("name", vendors())


def read(name: str, call: Call, fetched: Body = None) -> Answer:
    """The one answer in a call, fetched where the call only names it."""
    sample = SAMPLES[name]
    source = sample.source(name)
    (said,) = source.vendor.read(call, source.source)
    if isinstance(said, Fetch):
        said = said.read(sample.fetched if fetched is None else fetched)
    assert isinstance(said, Answer), said
    return said


def mapped(
    name: str, answer: Answer, *, received_at: datetime = AT, known: ResponseRecorded | None = None
) -> ResponseRecorded:
    source = SAMPLES[name].source(name)
    origin = Origin(source.name, source.source, source.vendor.version, received_at)
    return recorded(answer, origin, known=known, secret=KEY)


def test_every_vendor_has_a_sample() -> None:
    assert SAMPLES.keys() == vendors().keys()


@every_vendor
def test_reads_the_documented_body(name: str) -> None:
    answer = read(name, SAMPLES[name].call())
    assert {field: getattr(answer, field) for field in SAMPLES[name].says} == SAMPLES[name].says
    response = mapped(name, answer)
    assert (response.score, response.comment, response.status) == (9, SAID, ResponseStatus.ANSWERED)
    assert response.person_key != str(response.response_id), "somebody is named"
    assert ResponseRecorded.model_validate_json(response.model_dump_json()) == response


@every_vendor
def test_cites_where_its_body_is_documented_or_says_that_it_is_unconfirmed(name: str) -> None:
    said = import_module(f"services.ingest.vendors.{name}").__doc__ or ""
    assert re.search(r"https?://|unconfirmed", said)


@every_vendor
def test_takes_each_valid_secret_and_no_other(name: str) -> None:
    sample = SAMPLES[name]
    both = sample.source(name, secrets=(OTHER_SECRET, SECRET))
    assert both.is_from_vendor(sample.call())
    assert both.is_from_vendor(sample.call(secret=OTHER_SECRET))
    assert not sample.source(name).is_from_vendor(sample.call(secret=OTHER_SECRET))
    assert not sample.source(name, secrets=()).is_from_vendor(sample.call())


@every_vendor
def test_refuses_a_call_without_proof(name: str) -> None:
    sample = SAMPLES[name]
    call = sample.call()
    assert not sample.source(name).is_from_vendor(Call({"content-type": "application/json"}, call.body))
    garbled = {header: "é," + value[::-1] for header, value in call.headers.items()}
    assert not sample.source(name).is_from_vendor(Call(garbled, call.body))


@every_vendor
def test_refuses_a_body_altered_by_a_byte(name: str) -> None:
    sample = SAMPLES[name]
    call = sample.call()
    for altered in (call.body[:-1] + b"?", call.body + b" ", b"\xff" + call.body[1:]):
        assert sample.source(name).is_from_vendor(Call(call.headers, altered)) is not sample.signs_body


@every_vendor
@pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_an_old_call_is_refused_or_is_the_same_call(name: str, off: timedelta) -> None:
    """Where the scheme signs no time, a replayed call has the same id and so the same first receipt."""
    sample = SAMPLES[name]
    source = sample.source(name)
    stale = sample.call(at=datetime.now(UTC) + off)
    assert source.is_from_vendor(stale) is not sample.signs_time
    assert raw_id(source, stale) == raw_id(source, sample.call())


@every_vendor
def test_a_duplicate_is_the_same_revision(name: str) -> None:
    sample = SAMPLES[name]
    first = mapped(name, read(name, sample.call()))
    again = mapped(name, read(name, sample.call()))
    assert (first.event_id(), first.response_id) == (again.event_id(), again.response_id)


@every_vendor
def test_a_change_that_comes_first_stays(name: str) -> None:
    sample = SAMPLES[name]
    change = read(name, sample.call(sample.changed), sample.fetched_changed)
    created = read(name, sample.call())
    assert change.source_id == created.source_id
    changed_at, created_at = AT + timedelta(minutes=10), AT + timedelta(minutes=11)
    if change.revision is None:
        # The order of receipt is all there is.
        changed_at, created_at = created_at, changed_at
    later = mapped(name, change, received_at=changed_at)
    earlier = mapped(name, created, received_at=created_at)
    assert later.response_id == earlier.response_id
    assert later.order.key() > earlier.order.key()
    assert later.score == 2


@every_vendor
def test_no_clock_is_mixed(name: str) -> None:
    sample = SAMPLES[name]
    change = read(name, sample.call(sample.changed), sample.fetched_changed)
    assert (change.revision is None) == (read(name, sample.call()).revision is None)


def _without_each(body: Body) -> Iterator[Body]:
    """The body without each of its parts in turn, and with each replaced by something odd."""
    steps = list(body) if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else []
    for step in steps:
        copy = json.loads(json.dumps(body))
        del copy[step]
        yield copy
        odd: object
        for odd in (None, [], {}, "", -1, 1e300, True, "x", [[0]], "9" * 400):
            yield with_value(body, (step,), odd)
        for inner in _without_each(body[step]):
            yield with_value(body, (step,), inner)


def answer_or_reason(name: str, call: Call, fetched: Body = None) -> None:
    """Reads and maps; anything but an answer or Unreadable fails the test."""
    source = SAMPLES[name].source(name)
    raw_id(source, call)
    try:
        for said in source.vendor.read(call, source.source):
            found = said.read(fetched) if isinstance(said, Fetch) else said
            if isinstance(found, Answer):
                response = mapped(name, found)
                assert ResponseRecorded.model_validate_json(response.model_dump_json()) == response
    except Unreadable:
        return


@every_vendor
def test_missing_and_odd_fields_never_break_it(name: str) -> None:
    sample = SAMPLES[name]
    for body in _without_each(sample.body):
        answer_or_reason(name, sample.call(body), sample.fetched)
    for details in _without_each(sample.fetched or []):
        answer_or_reason(name, sample.call(), details)


WORDS = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def _paths(body: Body, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, value in inner:
        yield (*above, step)
        yield from _paths(value, (*above, step))


@every_vendor
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_body_is_read_or_refused(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    thin = sample.fetched is not None and data.draw(st.booleans())
    whole = sample.fetched if thin else sample.body
    path = data.draw(st.sampled_from(list(_paths(whole))))
    odd = with_value(whole, path, data.draw(JSON))
    answer_or_reason(name, sample.call() if thin else sample.call(odd), odd if thin else sample.fetched)


@every_vendor
@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_read_or_refused(name: str, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        answer_or_reason(name, Call({"content-type": kind}, body))


@every_vendor
@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=300))
def test_words_come_through_as_written(name: str, words: str) -> None:
    sample = SAMPLES[name]
    if sample.fetched is None:
        answer = read(name, sample.call(with_value(sample.body, sample.comment, words)))
    else:
        details = with_value(sample.fetched, sample.comment, words)
        if not words.strip():
            return
        answer = read(name, sample.call(), details)
    assert answer.comment == (words.strip() or None)


@every_vendor
def test_half_a_character_and_a_nul_come_to_no_harm(name: str) -> None:
    sample = SAMPLES[name]
    odd = "a\x00b\ud83d!"
    if sample.fetched is None:
        answer = read(name, sample.call(with_value(sample.body, sample.comment, odd)))
    else:
        answer = read(name, sample.call(), with_value(sample.fetched, sample.comment, odd))
    assert answer.comment == "ab?!"
    mapped(name, answer).model_dump_json()


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.form])
def test_a_form_says_the_same_as_json(name: str) -> None:
    sample = SAMPLES[name]
    call = sample.call(sample.form, form=True)
    assert sample.source(name).is_from_vendor(call)
    answer = read(name, call)
    assert {field: getattr(answer, field) for field in sample.says} == sample.says


RETRACTED: dict[str, tuple[Body, Body, str]] = {
    "wootric": (
        with_value(SAMPLES["wootric"].changed, ("response", "excluded_from_calculations"), True),
        None,
        "excluded",
    ),
    "surveymonkey": (
        SAMPLES["surveymonkey"].body,
        {**SAMPLES["surveymonkey"].fetched_changed, "collection_mode": "preview"},
        "test",
    ),
    "surveymonkey, deleted": (
        {
            **SAMPLES["surveymonkey"].body,
            "event_type": "response_deleted",
            "event_datetime": "2026-11-21T00:00:00+00:00",
        },
        None,
        "deleted",
    ),
    "formbricks": (
        with_value(SAMPLES["formbricks"].changed, (0, "data", "tags"), [{"name": "test"}]),
        None,
        "test",
    ),
    "generic": (with_value(SAMPLES["generic"].changed, ("data", "removed"), True), None, "deleted"),
}


@pytest.mark.parametrize("case", RETRACTED)
def test_what_was_deleted_or_only_tried_is_retracted(case: str) -> None:
    name = case.split(",", maxsplit=1)[0]
    body, fetched, reason = RETRACTED[case]
    known = mapped(name, read(name, SAMPLES[name].call()))
    response = mapped(name, read(name, SAMPLES[name].call(body), fetched), known=known)
    assert (response.status, response.retraction_reason) == (ResponseStatus.RETRACTED, reason)
    assert response.order.key() > known.order.key()
    assert response.person_key == known.person_key


def test_what_says_nothing_about_an_answer_is_passed_over() -> None:
    passed_over: list[tuple[str, Sample, Body]] = [
        ("wootric", SAMPLES["wootric"], {"decline": {"id": 19}, "event_name": "created"}),
        ("pendo", SAMPLES["pendo"], {**SAMPLES["pendo"].body, "event": "npsDisplayed"}),
        ("formbricks", SAMPLES["formbricks"], {"event": "testEndpoint"}),
        ("generic", SAMPLES["generic"], {**SAMPLES["generic"].body, "type": "message"}),
    ]
    for name, sample, body in passed_over:
        source = sample.source(name)
        assert [type(said) for said in source.vendor.read(sample.call(body), source.source)] == [Nothing], (
            name
        )
