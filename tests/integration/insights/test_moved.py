"""Who moved is shown with what they said and what happened in between, and nothing else."""

from datetime import timedelta

from schemas.outcomes import OutcomeKind
from schemas.scales import Metric
from services.insights.filters import Dimension, Filter
from services.insights.moved import Move, moved
from services.insights.quotes import quotes
from tests.integration.insights.world import World, answered, hour, launched, outcome, profile

WANTED = Filter(Metric.NPS, hour(0).date(), hour(0).date() + timedelta(days=30))


def moves(world: World, wanted: Filter = WANTED) -> tuple[Move, ...]:
    with world.pool.connection() as connection:
        return moved(connection, world.counting(), wanted)


def test_between_two_answers_lies_what_happened_to_the_person_and_everybody(world: World) -> None:
    world.say(
        profile("ann", 0),
        profile("bob", 0),
        launched(1, "too early"),
        answered("ann", 10, 9, number=1, comment="great"),
        answered("ann", 11, 1, number=9, metric=Metric.CSAT),
        launched(12, "4.0"),
        outcome("ann", 1, 20, OutcomeKind.CONTACTED, actor="olga"),
        outcome("bob", 1, 20, OutcomeKind.CONTACTED, actor="otto"),
        answered("ann", 30, 2, number=2, comment="slow since then"),
        launched(31, "too late"),
        answered("bob", 40, 5, number=1),
    )
    [move] = moves(world)
    assert (move.before.score, move.before.comment) == (9, "great")
    assert (move.answer.score, move.answer.comment) == (2, "slow since then")
    assert [one.actor for one in move.between.deeds] == ["olga"]
    assert [one.facts["context"] for one in move.between.happenings] == [{"release": "4.0"}]


def test_a_cell_holds_those_who_moved_so(world: World) -> None:
    world.say(
        *(answered("ann", at, score, number=at) for at, score in ((1, 9), (2, 7), (3, 0))),
        answered("bob", 1, 0, number=1),
        answered("bob", 2, 10, number=2),
    )
    found = {(one.answer.person, one.before.score, one.answer.score) for one in moves(world)}
    assert found == {("ann", 7, 0), ("bob", 0, 10), ("ann", 9, 7)}
    cell = WANTED.choosing(Dimension.BEFORE, "passive").choosing(Dimension.GROUP, "detractor")
    assert [(one.before.score, one.answer.score) for one in moves(world, cell)] == [(7, 0)]


def test_a_theme_is_quoted_by_its_latest_words(world: World) -> None:
    world.say(
        *(
            answered(f"person {at}", at, 3, themes=("price",), comment=words)
            for at, words in ((1, "oldest"), (2, "older"), (3, "newest"), (4, None))
        ),
        answered("other", 5, 3, themes=("speed",), comment="slow"),
    )
    with world.pool.connection() as connection:
        found = quotes(connection, world.counting(), WANTED, ["price"])
    assert [one.comment for one in found["price"]] == ["newest", "older"]
    assert found.keys() == {"price"}
