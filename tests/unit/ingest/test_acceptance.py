import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from schemas.event import Effects
from schemas.lifecycle import LifecycleEventOccurred
from schemas.responses import ResponseRecorded, ResponseStatus
from services.ingest.acceptance import NoSourceIdError, Receipt, lifecycle_occurred, response_recorded
from services.ingest.identity import customer_key, email_key
from services.ingest.inputs import LifecycleEventInput, ResponseInput

SECRET = b"a secret"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW_MS = 1_795_348_800_000


def response(*, key: str | None = None, source: str = "crm", **body: object) -> ResponseRecorded:
    given = ResponseInput.model_validate_json(json.dumps({"metric": "nps", "score": 3, **body}))
    return response_recorded(given, Receipt(source, key, NOW), SECRET)


def lifecycle(*, key: str | None = None, **body: object) -> LifecycleEventOccurred:
    given = LifecycleEventInput.model_validate_json(json.dumps({"moment": "purchased", **body}))
    return lifecycle_occurred(given, Receipt("crm", key, NOW), SECRET)


def test_the_id_is_of_the_source_and_its_own_id() -> None:
    first = response(source_id="a-1")
    assert first.response_id == response(source_id="a-1", score=9).response_id
    assert first.response_id != response(source_id="a-1", source="app").response_id
    assert first.response_id != response(source_id="a-2").response_id


def test_the_idempotency_key_stands_in_for_the_source_id() -> None:
    assert response(key="a-1").response_id == response(source_id="a-1").response_id
    assert response(key="other", source_id="a-1").source_id == "a-1"


def test_without_either_nothing_is_accepted() -> None:
    with pytest.raises(NoSourceIdError):
        response()
    with pytest.raises(NoSourceIdError):
        lifecycle(customer_id="c-1")


def test_the_revision_is_the_change_else_the_answer_else_the_receipt() -> None:
    answered, changed = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00.250Z"
    assert response(key="k").order.revision == NOW_MS
    assert response(key="k", responded_at=answered).order.revision == 1_795_132_800_000
    assert response(key="k", responded_at=answered, updated_at=changed).order.revision == 1_795_219_200_250
    assert response(key="k", updated_at=changed).order.tie == NOW_MS


def test_a_person_is_a_pseudonym() -> None:
    who = {"customer_id": "c-1", "email": "dana@customer.example", "name": "Dana", "visitor_id": "v-1"}
    event = response(key="k", respondent=who)
    assert event.person_key == customer_key(SECRET, "c-1")
    assert event.respondent.model_dump() == who


def test_nobody_is_the_response_itself() -> None:
    event = response(key="k")
    assert UUID(event.person_key) == event.response_id


def test_what_was_sent_arrives() -> None:
    event = response(
        source_id="a-1",
        comment="Slow",
        account_id="a-77",
        program="relationship",
        channel="email",
        language="en",
        context={"case": "5"},
        status="retracted",
        retraction_reason="a test",
        test=True,
        effects="record",
        responded_at="2026-11-20T01:00:00+01:00",
    )
    assert (event.score, event.comment, event.account_id, event.language) == (3, "Slow", "a-77", "en")
    assert (event.program, event.channel, event.context) == ("relationship", "email", {"case": "5"})
    assert (event.status, event.retraction_reason) == (ResponseStatus.RETRACTED, "a test")
    assert event.test
    assert event.effects is Effects.RECORD
    assert event.responded_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert event.received_at == NOW


def test_a_lifecycle_event_is_about_a_person_or_an_account() -> None:
    assert lifecycle(key="k", customer_id="c-1").event_key() == customer_key(SECRET, "c-1")
    assert lifecycle(key="k", email="dana@customer.example").event_key() == email_key(
        SECRET, "dana@customer.example"
    )
    assert lifecycle(key="k", account_id="a-77").event_key() == "a-77"
    assert lifecycle(key="k", moment="release_launched").event_key() == "release_launched"


def test_a_lifecycle_event_can_be_corrected_and_retracted() -> None:
    first = lifecycle(source_id="o-1", customer_id="c-1", occurred_at="2026-11-20T00:00:00Z")
    later = lifecycle(
        source_id="o-1",
        customer_id="c-1",
        occurred_at="2026-11-20T00:00:00Z",
        updated_at="2026-11-21T00:00:00Z",
        retracted=True,
    )
    assert later.lifecycle_id == first.lifecycle_id
    assert later.order.key() > first.order.key()
    assert later.retracted
