"""Facts of what was published."""

from datetime import UTC, datetime
from uuid import uuid4

from schemas.classified import ResponseClassified
from schemas.responses import FurtherAnswer, Order, ResponseRecorded
from schemas.scales import Metric
from services.router.facts import FurtherAnswerFacts
from services.router.gather import Surroundings, from_response
from services.router.salesforce.texts import description

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_further_answers_are_facts_also_where_no_classifier_has_masked_them() -> None:
    response = ResponseRecorded(
        response_id=uuid4(),
        person_key="ann",
        source="hosted",
        source_id="1",
        order=Order(revision=1, tie=0),
        metric=Metric.NPS,
        score=2,
        comment="Slow.",
        further_answers=tuple(FurtherAnswer(question=f"Q{n}", answer=f"A{n}") for n in (1, 2)),
        responded_at=NOW,
        received_at=NOW,
    )
    event = ResponseClassified(
        response=response, classification_version=1, masked_further_answers=("[name]",)
    )

    facts = from_response(event, "response:x", Surroundings(), NOW)

    assert facts.response is not None
    assert facts.response.further_answers == (
        FurtherAnswerFacts(question="Q1", answer="A1", masked_answer="[name]"),
        FurtherAnswerFacts(question="Q2", answer="A2"),
    )
    assert "Slow.\n\nQ1\nA1\n\nQ2\nA2\n" in description(facts, facts.response)
