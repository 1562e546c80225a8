"""What the ledger forgets, and what it must remember for ever."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from runtime.partitions import drop_months
from services.router import retention
from services.router.delivery import Connected
from services.router.destination import Ambiguous, Call, Operation, Result
from services.router.follow_up import Resolution
from services.router.follow_up_commands import Resolve
from services.router.score_store import READ_AT_MOST
from services.router.upkeep import Upkeep, ensure_partitions
from tests.integration.router.world import EPOCH, RULES, World, answer, profile, until

LONG_AFTER = EPOCH + timedelta(days=1)


def forget(world: World, before: datetime = LONG_AFTER) -> None:
    for step in retention.STEPS:
        is_more = True
        while is_more:
            with world.pool.connection() as connection:
                is_more = step(connection, before)


def test_of_a_finished_effect_only_ids_are_left_and_a_replay_alerts_nobody(world: World) -> None:
    world.project(profile())
    said = answer(2, comment="my name is Ann")
    world.say(said)
    world.deliver_all()

    forget(world)
    assert world.ask("SELECT content, reason, received_at, external_id IS NOT NULL FROM effects") == [
        ({}, None, None, True)
    ]
    assert world.count("plans") == 0

    world.say(said)
    world.say(answer(2, of=said.response.response_id, revision=2, comment="and more"))
    world.deliver_all()
    assert world.box.operations == [Operation.CREATE]


def test_a_retraction_of_what_is_only_ids_ends_quietly(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first))
    world.deliver_all()
    forget(world)

    world.say(answer(2, of=first, revision=2, retracted=True))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE]
    assert world.effects() == {"alert": "delivered"}


def test_what_is_not_finished_or_not_old_is_kept(world: World) -> None:
    world.say(answer(2, person="old"))
    world.clock.time = EPOCH + timedelta(hours=3)
    world.say(answer(9, person="new"))
    world.deliver_all()
    world.clock.time = EPOCH + timedelta(minutes=1)
    world.say(answer(2, person="stuck"))

    forget(world, EPOCH + timedelta(hours=2))

    kept = world.ask("SELECT person_key FROM effects WHERE content <> '{}' ORDER BY 1")
    assert kept == [("new",), ("stuck",)]
    assert world.count("plans") == 1


def test_each_step_goes_on_where_the_last_one_ended(world: World) -> None:
    world.say(answer(2))
    with world.pool.connection() as connection:
        assert retention.forget_plans(connection, EPOCH + timedelta(hours=2)) is True
        assert retention.forget_plans(connection, EPOCH + timedelta(hours=2)) is False
    assert world.ask("SELECT until FROM retention_progress") == [(EPOCH + timedelta(hours=2),)]


def test_old_months_of_attempts_go_as_a_whole(world: World) -> None:
    world.ask(
        "CREATE TABLE attempts_2020_12 PARTITION OF attempts"
        " FOR VALUES FROM ('2020-12-01 00:00+00') TO ('2021-01-01 00:00+00')"
    )
    with world.pool.connection() as connection:
        drop_months(connection, "attempts", datetime(2020, 12, 31, tzinfo=UTC))
    assert world.ask("SELECT to_regclass('attempts_2020_12') IS NOT NULL") == [(True,)]
    with world.pool.connection() as connection:
        drop_months(connection, "attempts", datetime(2021, 1, 1, tzinfo=UTC))
        ensure_partitions(connection)
    assert world.ask("SELECT to_regclass('attempts_2020_12') IS NOT NULL") == [(False,)]
    world.say(answer(2))
    world.deliver_all()
    assert world.count("attempts") == 1


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"destination": "box"})


def test_upkeep_measures_what_is_ambiguous_and_paused(world: World) -> None:
    world.box.answer = lambda _call: Ambiguous("timeout")
    world.say(answer(2))
    with world.delivering():
        until(lambda: world.count("effects", "outside = 'unknown'") == 1)
    world.ask("INSERT INTO destinations (name, enabled, paused_at) VALUES ('box', true, now())")

    stop = threading.Event()
    connected = [Connected(world.plugin, world.box, None)]
    upkeep = threading.Thread(
        target=Upkeep(pool=world.pool, connected=connected, ledger_days=400).run, args=(stop,)
    )
    upkeep.start()
    try:
        until(lambda: gauge("feedback_ambiguous_deliveries") == 1)
        until(lambda: gauge("feedback_destination_paused") == 1)
    finally:
        stop.set()
        upkeep.join(10)


def test_a_destination_that_raises_is_logged_by_class_and_place_only(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def burst(call: Call) -> Result:
        raise ValueError(f"cannot send {call.content['text']} to {call.content['email']}")

    caplog.set_level(logging.DEBUG)
    world.box.answer = burst
    world.say(answer(2, comment="my name is Ann"))
    with world.delivering():
        until(lambda: world.count("attempts", "result = 'ambiguous'") == 1)

    written = "".join((*capsys.readouterr(), caplog.text))
    assert "destination raised" in written
    assert "ValueError" in written
    assert "test_retention.py:" in written
    assert "my name is Ann" not in written
    assert "ann@shop.test" not in written


def test_of_scores_and_asks_what_the_next_answer_is_compared_with_is_kept(world: World) -> None:
    world.ask(
        "INSERT INTO scores SELECT 'response:' || hour, 'ann', 'nps', 5, %s + make_interval(hours => hour)"
        " FROM generate_series(1, 20) AS hour",
        EPOCH,
    )
    world.ask(
        "INSERT INTO asks SELECT 'ann', action, action || hour, %s + make_interval(hours => hour)"
        " FROM generate_series(1, 3) AS hour, unnest(ARRAY['review', 'referral']) AS action",
        EPOCH,
    )
    world.ask("INSERT INTO scores VALUES ('response:b', 'bob', 'nps', 5, %s)", EPOCH)

    forget(world)

    assert world.count("scores", "person_key = 'ann'") == READ_AT_MOST
    assert world.ask("SELECT min(responded_at) FROM scores WHERE person_key = 'ann'") == [
        (EPOCH + timedelta(hours=21 - READ_AT_MOST),)
    ]
    assert world.count("scores", "person_key = 'bob'") == 1
    assert sorted(world.ask("SELECT subject FROM asks")) == [("referral3",), ("review3",)]


def test_follow_ups_go_with_their_history_once_they_are_long_resolved(world: World) -> None:
    world.use_rules(
        RULES.replace(
            "destination: box}]",
            "destination: box}]\n    follow_up: {team: cs, first_contact_hours: 4, resolve_hours: 16}",
            1,
        )
    )
    resolved, unresolved = answer(2, person="ann"), answer(2, person="bob")
    world.say(resolved, unresolved)
    subject = f"response:{resolved.response.response_id}"
    world.desk.apply(subject, Resolve("ann", Resolution.FIXED))

    forget(world, EPOCH)
    assert world.count("follow_ups") == 2
    forget(world)

    assert world.ask("SELECT person_key FROM follow_ups") == [("bob",)]
    assert world.count("follow_up_history") == 1


def test_cards_are_kept_for_a_day_and_while_their_storm_goes_on(world: World) -> None:
    now = EPOCH + timedelta(days=2)
    for number, last_at in ((1, EPOCH), (2, now), (3, EPOCH)):
        world.ask("INSERT INTO storms VALUES ('box', 'cs', %s, NULL, %s, %s)", number, EPOCH, last_at)
    for subject, shown_at, storm in (
        ("old", EPOCH, None),
        ("of_an_old_storm", EPOCH, 1),
        ("of_one_that_goes_on", EPOCH, 2),
        ("new", now, None),
    ):
        world.ask(
            "INSERT INTO shown_cards VALUES ('box', 'cs', %s, 'alert', 'ann', NULL, NULL, NULL, %s, %s)",
            subject,
            shown_at,
            storm,
        )

    with world.pool.connection() as connection:
        retention.forget_cards(connection, now)
    forget(world, now)

    assert sorted(world.ask("SELECT subject FROM shown_cards")) == [("new",), ("of_one_that_goes_on",)]
    assert sorted(world.ask("SELECT number FROM storms")) == [(2,), (3,)], "the next one is the fourth"
