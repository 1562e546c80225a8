"""Remembered outcomes are those that evaluating gives, whatever was asked before."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest

from runtime.expressions import Condition
from schemas.scales import Metric
from services.router import verdicts
from services.router.facts import VOCABULARY, AccountFacts, Facts, ProfileFacts, ResponseFacts, Trait
from services.router.verdicts import Outcomes

CONDITIONS = [
    Condition(source, VOCABULARY)
    for source in (
        "true",
        "has(response.comment)",
        'has(response.comment) && response.comment.contains("slow")',
        "response.score < 7 && !has(account.arr)",
        "account.arr > 100.0",
        'has(response.context.case_id) && response.context.case_id == "7"',
        '"pricing" in response.themes',
        "profile.traits.vip == 1",
        "profile.traits.vip == true",
        'has(account.health) && account.health == "good" || response.score == 9',
    )
]


def _facts() -> Iterator[Facts]:
    comments, traits = ("slow", "fast", None), (1, True, 1.0, "1", None)
    for (place, comment), vip, score in product(enumerate(comments), traits, (3, 9, None)):
        vips: dict[str, Trait] = {} if vip is None else {"vip": vip}
        yield Facts(
            response=ResponseFacts(
                id=UUID(int=1),
                revision=1,
                source="api",
                metric=Metric.NPS,
                score=score,
                comment=comment,
                themes=("pricing",) if place else (),
                context={"case_id": str(6 + place)} if score else {},
                responded_at=datetime(2026, 3, 1, tzinfo=UTC),
                received_at=datetime(2026, 3, 1, tzinfo=UTC),
            ),
            profile=ProfileFacts(key=f"person {place}", traits=vips),
            account=AccountFacts(id="a", arr=score, health="good" if vip else None) if place else None,
        )


@pytest.mark.parametrize("kept", [verdicts.REMEMBERED, 2])
def test_what_is_remembered_is_what_evaluating_gives(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "REMEMBERED", kept)
    remembering = Outcomes(CONDITIONS)
    for facts in (*_facts(), *_facts()):
        fresh = [outcome for one in CONDITIONS for outcome in Outcomes([one]).of(facts)]
        assert list(remembering.of(facts)) == fresh


def test_a_condition_that_asks_only_whether_a_fact_is_known_weighs_none() -> None:
    condition = Condition("has(response.comment) && response.score < 3 && has(account.arr)", VOCABULARY)
    assert condition.reads == {"response": {"comment", "score"}, "account": {"arr"}}
    assert condition.weighs == {"response": {"score"}, "account": set()}
    whole = Condition('has(profile.email) && "a" in profile', VOCABULARY)
    assert "email" in whole.weighs["profile"]
