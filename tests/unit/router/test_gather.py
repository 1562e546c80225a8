"""Facts of what was published."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from runtime.expressions import Condition
from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.profiles import ProfileChanged
from schemas.responses import FurtherAnswer, Order, ResponseRecorded
from schemas.scales import Metric
from services.router.facts import VOCABULARY, FurtherAnswerFacts, OpenFollowUps
from services.router.gather import Surroundings, from_response
from services.router.salesforce.texts import description

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def classified() -> ResponseClassified:
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
    return ResponseClassified(response=response, classification_version=1, masked_further_answers=("[name]",))


def around(
    *, account: Mapping[str, object] | None = None, profile: Mapping[str, object] | None = None
) -> Surroundings:
    changed = {"version": 1, "changed_at": NOW}
    return Surroundings(
        profile=ProfileChanged.model_validate({"person_key": "ann", **changed, **(profile or {})}),
        account=AccountChanged.model_validate({"account_id": "shop", **changed, **(account or {})}),
        open_follow_ups=OpenFollowUps(person=1, account=2),
    )


@pytest.mark.parametrize(
    ("profile", "account", "condition"),
    [
        ({}, {"renewal_date": "2026-12-01"}, "account.days_to_renewal == 11"),
        ({}, {"renewal_date": "2026-11-19"}, "account.days_to_renewal == -1"),
        ({}, {}, "!has(account.days_to_renewal) && !has(profile.tenure_days) && !has(profile.role)"),
        ({}, {"health": "red"}, 'account.health == "red"'),
        ({"role": "buyer"}, {}, 'profile.role == "buyer"'),
        ({}, {"traits": {"customer_since": "2026-11-01"}}, "profile.tenure_days == 19"),
        (
            {"traits": {"customer_since": "2026-11-18"}},
            {"traits": {"customer_since": "2026-11-01"}},
            "profile.tenure_days == 2",
        ),
        ({"traits": {"customer_since": "long ago"}}, {}, "!has(profile.tenure_days)"),
        ({}, {}, "open_follow_ups.person == 1 && open_follow_ups.account == 2"),
    ],
)
def test_a_condition_may_ask_for_what_is_reckoned_from_person_and_account(
    profile: dict[str, object], account: dict[str, object], condition: str
) -> None:
    facts = from_response(classified(), "response:x", around(account=account, profile=profile), NOW)

    context = VOCABULARY.context(facts.model_dump(mode="json", exclude_none=True))

    assert Condition(condition, VOCABULARY).holds(context)


def test_further_answers_are_facts_also_where_no_classifier_has_masked_them() -> None:
    facts = from_response(classified(), "response:x", Surroundings(), NOW)

    assert facts.response is not None
    assert facts.response.further_answers == (
        FurtherAnswerFacts(question="Q1", answer="A1", masked_answer="[name]"),
        FurtherAnswerFacts(question="Q2", answer="A2"),
    )
    assert "Slow.\n\nQ1\nA1\n\nQ2\nA2\n" in description(facts, facts.response)
