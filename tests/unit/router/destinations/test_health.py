"""What the customers' health platform is told."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from schemas.scales import Group, Metric
from services.router.destination import Call, Operation
from services.router.destinations.health import PLUGIN, Action, payload
from services.router.facts import Facts, PreviousFacts, ProfileFacts, ResponseFacts
from services.router.movement import Around, Score
from services.router.templates import Templates

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MAY = Score("response:1", Metric.NPS, 9, datetime(2026, 5, 1, tzinfo=UTC))
AUGUST = Score("response:2", Metric.NPS, 8, datetime(2026, 8, 1, tzinfo=UTC))

DECEMBER = Score("response:4", Metric.NPS, 10, datetime(2026, 12, 1, tzinfo=UTC))


def facts(previous: PreviousFacts | None) -> Facts:
    answer = {"id": UUID(int=1), "revision": 1, "source": "api", "metric": "nps", "score": 3}
    told = {"responded_at": NOW, "received_at": NOW, "group": "detractor", "movement": "down"}
    return Facts(
        response=ResponseFacts.model_validate(answer | told),
        profile=ProfileFacts(key="ann", customer_id="c-1"),
        previous=previous,
    )


@pytest.mark.parametrize(
    ("by_now", "score"),
    [
        (Around((AUGUST, MAY)), 8),
        (Around((MAY,)), 9),
        (Around(), None),
        (Around((AUGUST, MAY), DECEMBER), 10),
        (Around((), DECEMBER), 10),
    ],
)
def test_of_a_withdrawn_score_it_is_told_which_one_counts_by_now(by_now: Around, score: int | None) -> None:
    before = PreviousFacts(score=8, group=Group.PASSIVE, responded_at=AUGUST.responded_at)
    wanted = PLUGIN.render(Action(), facts(before), Templates(Path("deploy/config/templates")))
    assert wanted is not None
    assert PLUGIN.by_now is not None
    left = PLUGIN.by_now(wanted, by_now).model_dump(mode="json")

    body = payload(Call(UUID(int=2), Operation.RETRACT, 2, str(UUID(int=2)), left, 5.0))

    assert body["type"] == "health.withdrawn"
    assert isinstance(body["data"], dict)
    current = body["data"]["current"]
    assert (current["score"] if isinstance(current, dict) else current) == score
    assert body["data"]["previous"] is None
    assert "later" not in body["data"]
