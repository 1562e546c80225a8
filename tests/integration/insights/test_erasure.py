"""What insights holds of a person ends, is counted, and does not come back."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest

from runtime.cloudevents import decode
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.outbox import from_json
from schemas.erasures import ErasureDone, ErasureRequested
from schemas.profiles import ProfileErased
from schemas.scales import Metric
from services.insights import answers, figures
from services.insights.app import read
from services.insights.erasures import Erasing
from services.insights.filters import Filter
from tests.integration.insights.world import EPOCH, World, answer_id, answered, hour, profile


def erase(world: World, at: float, *keys: str) -> dict[str, int]:
    """Asks to forget a person; what insights reports."""
    asked = ErasureRequested(erasure_id=uuid4(), person_key=keys[0], aliases=keys[1:], requested_at=hour(at))
    with world.pool.connection() as connection:
        Erasing(world.zone).handle(connection, [Delivered(Record("t", 0, 0, b"", b"", (), EPOCH), asked)])
        [(topic, key, value, headers)] = connection.execute(
            "DELETE FROM outbox RETURNING topic, key, value, headers"
        ).fetchall()
    done = decode(Record(topic, 0, 0, key, value, from_json(headers), EPOCH), {ErasureDone.TYPE: ErasureDone})
    assert done.service == "insights"
    return done.removed


def counted(world: World) -> int:
    wanted = Filter(Metric.NPS, EPOCH.date() - timedelta(days=1), EPOCH.date() + timedelta(days=30))
    return figures.headline(world.counting(), wanted).score.tally.answers


def test_everything_of_a_person_goes_under_every_key_and_is_counted(world: World) -> None:
    world.say(profile("ann", 0), answered("ann", 1), answered("bob", 2), answered("cyd", 2))
    world.say(profile("ann", 3, 2, merged_from=("bob",)))

    assert erase(world, 4, "ann") == {"people": 1, "answers": 2} | dict.fromkeys(
        ("corrections", "requests", "outcomes", "happenings", "follow_ups", "announced"), 0
    )

    assert counted(world) == 1
    with world.pool.connection() as connection:
        assert answers.of_people(connection, ["ann"]) == ()


def test_what_was_received_before_does_not_come_back(world: World) -> None:
    world.say(answered("ann", 1))
    erase(world, 4, "ann")

    world.say(answered("ann", 1), answered("ann", 3, number=2), answered("ann", 5, number=3))

    assert counted(world) == 1


@pytest.mark.parametrize("told", list(permutations(range(3))))
def test_who_was_forgotten_under_one_key_is_under_every_key_in_whatever_order_it_is_told(
    world: World, told: Sequence[int]
) -> None:
    world.say(answered("ann", 1), answered("bob", 1), answered("cyd", 1), answered("cyd", 4, number=2))
    news = (
        ProfileErased("ann", hour(2)),
        profile("ann", 3, merged_from=("cyd",)),
        profile("bob", 3, merged_from=("ann",)),
    )

    for number in told:
        world.say(news[number])
    world.say(answered("cyd", 1))

    with world.pool.connection() as connection:
        assert [one.response_id for one in answers.of_people(connection, ["bob"])] == [answer_id("cyd", 2)]
    assert counted(world) == 1


def test_a_profiles_tombstone_forgets_too(world: World) -> None:
    world.say(profile("ann", 0, name="Ann"), answered("ann", 1))
    tombstone = read(Record("customer.profiles.v1", 0, 0, b"ann", None, (), hour(2)))
    assert tombstone == ProfileErased("ann", hour(2))

    world.say(tombstone)

    assert counted(world) == 0
