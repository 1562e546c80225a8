"""What leaves, when, and what is recorded about it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from schemas.outcomes import OutcomeRecorded
from schemas.profiles import ProfileErased
from services.router import claiming, completing
from services.router.attempt import withhold
from services.router.clearance import DeliveryMode, Policy
from services.router.destination import Ambiguous, Call, Delivered, Failed, Operation, Result, Retry
from services.router.ledger import Claimed, Completion
from services.router.lookout import Lookout
from tests.integration.router.world import (
    EPOCH,
    RULES,
    World,
    answer,
    cancelled,
    profile,
    request,
    until,
)


def _end_leases(world: World) -> None:
    world.ask("UPDATE pending SET leased_until = now() WHERE lease IS NOT NULL")


def _claim(world: World, limit: int = 100) -> list[Claimed]:
    with world.pool.connection() as connection:
        return claiming.claim(
            connection, "box", limit=limit, burst=limit, left={}, lease=uuid4(), lease_seconds=30
        )


def test_a_delivery_leaves_its_attempt_its_outcome_and_its_external_id(world: World) -> None:
    world.say(answer(2))
    world.deliver_all()

    assert world.ask("SELECT operation, version, result FROM attempts") == [("create", 1, "delivered")]
    assert world.ask("SELECT sent_version, outside, external_id IS NOT NULL FROM effects") == [
        (1, "present", True)
    ]
    assert world.outcomes() == ["planned", "delivered"]


def test_the_attempt_is_written_before_the_call(world: World) -> None:
    written: list[int] = []

    def look(call: Call) -> Result:
        written.append(world.count("attempts", "finished_at IS NULL"))
        return world.box.accept(call)

    world.box.answer = look
    world.say(answer(2))
    world.deliver_all()

    assert written == [1]


def test_an_ambiguous_call_is_looked_for_and_found(world: World) -> None:
    def lose_the_answer(call: Call) -> Result:
        world.box.accept(call)
        world.box.answer = world.box.accept
        return Ambiguous("timeout")

    world.box.answer = lose_the_answer
    world.say(answer(2))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.RECONCILE, Operation.UPDATE]
    assert len(world.box.objects) == 1
    assert world.outcomes() == ["planned", "delivered"]


@pytest.mark.parametrize("had_arrived", [True, False])
def test_a_call_whose_router_died_is_looked_for_before_it_is_repeated(
    world: World, had_arrived: bool
) -> None:
    world.say(answer(2))
    (dead,) = _claim(world)
    with world.pool.connection() as connection:
        claiming.note_attempts(connection, dead.lease, [(dead, Operation.CREATE)])
    if had_arrived:
        world.box.objects[f"box-{dead.effect_id}"] = "from the dead router"
    _end_leases(world)
    world.deliver_all()

    expected = Operation.UPDATE if had_arrived else Operation.CREATE
    assert world.box.operations == [Operation.RECONCILE, expected]
    assert len(world.box.objects) == 1
    assert ("create", "lost") in world.ask("SELECT operation, result FROM attempts")


def test_two_routers_that_die_one_after_the_other_leave_the_doubt(world: World) -> None:
    world.say(answer(2))
    (first,) = _claim(world)
    with world.pool.connection() as connection:
        claiming.note_attempts(connection, first.lease, [(first, Operation.CREATE)])
    _end_leases(world)
    _claim(world)
    _end_leases(world)
    (third,) = _claim(world)

    assert third.is_in_doubt


def test_a_lease_in_force_is_claimed_by_nobody_else(world: World) -> None:
    world.say(answer(2))
    assert len(_claim(world)) == 1
    assert _claim(world) == []


def test_a_lease_that_was_taken_over_completes_nothing(world: World) -> None:
    world.say(answer(2))
    (late,) = _claim(world)
    _end_leases(world)
    (current,) = _claim(world)
    with world.pool.connection() as connection:
        assert completing.complete(connection, [Completion(late, withhold(late.effect, "late"))]) == set()
    assert world.effects() == {"alert": "pending"}
    with world.pool.connection() as connection:
        held = completing.complete(connection, [Completion(current, withhold(current.effect, "now"))])
    assert held == {current.effect_id}


def test_a_revision_planned_during_the_call_is_delivered_after_it(world: World) -> None:
    first = uuid4()

    def revise_meanwhile(call: Call) -> Result:
        world.box.answer = world.box.accept
        world.say(answer(2, of=first, revision=2, comment="meanwhile"))
        return world.box.accept(call)

    world.box.answer = revise_meanwhile
    world.say(answer(2, of=first))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.UPDATE]
    assert list(world.box.objects.values()) == ["meanwhile"]


def test_a_completion_waits_for_a_plan_that_is_being_written(world: World) -> None:
    world.say(*(answer(number, person=f"person {number}") for number in range(7)))
    claimed = _claim(world)
    changed = claimed[3].effect_id
    with ThreadPoolExecutor(1) as other, world.pool.connection() as planning:
        planning.execute(
            "UPDATE effects SET desired_version = desired_version + 1 WHERE effect_id = %s", (changed,)
        )

        def complete() -> set[UUID]:
            done = [Completion(one, withhold(one.effect, "late")) for one in claimed]
            with world.pool.connection() as connection:
                return completing.complete(connection, done)

        ended = other.submit(complete)
        until(lambda: world.count("pg_locks", "NOT granted") > 0)
        planning.commit()

        assert ended.result(10) == {one.effect_id for one in claimed}
    assert world.ask("SELECT effect_id FROM effects WHERE status = 'pending'") == [(changed,)]


def test_one_person_s_deliveries_keep_their_order_while_others_go_on(world: World) -> None:
    blocked, others = answer(1, person="ann", comment="1"), answer(1, person="bob", comment="b")

    def refuse_ann(call: Call) -> Result:
        is_first = call.content["text"] == "1"
        return Retry("busy") if is_first else world.box.accept(call)

    world.box.answer = refuse_ann
    world.say(blocked, answer(1, person="ann", comment="2"), others)
    with world.delivering():
        until(lambda: list(world.box.objects.values()) == ["b"])
        until(lambda: world.count("attempts", "result = 'retry'") >= 2)
        assert "2" not in world.box.objects.values()
        world.box.answer = world.box.accept
        until(lambda: world.count("pending") == 0)
    assert list(world.box.objects.values()) == ["b", "1", "2"]


def test_what_can_never_succeed_fails_visibly_and_lets_the_next_one_through(world: World) -> None:
    world.box.answer = lambda call: Failed("gone") if call.content["text"] == "1" else world.box.accept(call)
    world.say(answer(1, comment="1"))
    world.say(answer(9, comment="2"))
    world.deliver_all()

    assert world.effects() == {"alert": "failed", "cheer": "delivered"}
    assert world.reason("alert") == "gone"
    assert sorted(world.outcomes()) == ["delivered", "failed", "planned", "planned"]


def test_the_breaker_opens_and_a_dead_destination_is_left_alone(world: World) -> None:
    world.box.answer = lambda _call: Retry("down")
    world.say(*(answer(1, person=f"p{number}") for number in range(100)))
    with world.delivering() as worker:
        until(lambda: worker.breaker.is_open)
        until(lambda: world.count("pending", "lease IS NULL") == 100)
        tried = len(world.box.calls)
        assert worker.breaker.state == "open"
    assert tried <= 20
    assert world.count("attempts", "result = 'not_started'") == 100 - tried


def test_a_call_that_hangs_does_not_keep_its_neighbours_from_being_recorded(world: World) -> None:
    release = threading.Event()

    def hang(call: Call) -> Result:
        if call.content["text"] == "slow":
            release.wait(10)
        return world.box.accept(call)

    world.box.answer = hang
    world.say(answer(1, person="ann", comment="slow"), answer(1, person="bob", comment="quick"))
    with world.delivering():
        until(lambda: world.count("effects", "status = 'delivered'") == 1)
        release.set()
        until(lambda: world.count("pending") == 0)


def test_a_destination_that_hangs_delays_no_other(world: World) -> None:
    release = threading.Event()

    def hang(call: Call) -> Result:
        release.wait(20)
        return world.box.accept(call)

    world.box.answer = hang
    world.use_rules(
        RULES.replace(
            "[{id: alert, destination: box}]",
            "[{id: alert, destination: box}, {id: note, destination: neighbour}]",
        )
    )
    world.say(*(answer(1, person=f"p{number}") for number in range(300)))
    with world.delivering(), world.delivering("neighbour"):
        until(lambda: len(world.box.calls) == world.box.limits.parallel_calls)
        until(lambda: world.count("effects", "action = 'note' AND status = 'delivered'") == 300)
        assert world.count("effects", "action = 'alert' AND status = 'delivered'") == 0
        release.set()
        until(lambda: world.count("pending") == 0)


def test_a_disabled_destination_withholds_and_says_why(world: World) -> None:
    world.disabled = "BOX_TOKEN is not set"
    world.say(answer(2))
    world.deliver_all()

    assert world.reason("alert") == "destination disabled: BOX_TOKEN is not set"
    assert world.outcomes() == ["planned", "withheld"]


def test_a_pilot_reaches_only_whom_it_may(world: World) -> None:
    world.policy = Policy(DeliveryMode.PILOT, frozenset({"ann@shop.test"}))
    world.say(answer(2, person="ann"), answer(9, person="bob"))
    world.deliver_all()

    assert world.effects() == {"alert": "delivered", "cheer": "withheld"}


def test_a_survey_mail_is_sent_and_reported(mailing: World) -> None:
    mailing.project(profile())
    mailing.say(request())
    mailing.deliver_all()

    assert mailing.steps() == [("sent", None)]


def test_the_winner_s_opt_out_counts_for_a_merged_person(mailing: World) -> None:
    mailing.project(profile())
    mailing.say(request())
    mailing.project(profile("ann", 2, merged_into="anna"), profile("anna", opted_out_of=[None]))
    mailing.deliver_all()

    assert mailing.reason("survey_mail") == "opted out"


def test_an_opt_out_from_another_program_does_not_count(mailing: World) -> None:
    mailing.project(profile("ann", opted_out_of=["renewal"]))
    mailing.say(request())
    mailing.deliver_all()

    assert mailing.steps() == [("sent", None)]


def test_an_expired_request_is_not_sent(mailing: World) -> None:
    mailing.project(profile())
    mailing.say(request())
    mailing.clock.time = EPOCH + timedelta(days=3)
    mailing.deliver_all()

    assert mailing.steps() == [("suppressed", "expired")]


def test_a_request_cancelled_before_its_mail_is_not_sent(mailing: World) -> None:
    asked = request()
    mailing.project(profile())
    mailing.say(asked)
    mailing.say(cancelled(asked))
    mailing.deliver_all()

    assert mailing.box.calls == []


def test_an_erased_person_gets_nothing(mailing: World) -> None:
    mailing.project(profile())
    mailing.say(request())
    mailing.project(ProfileErased("ann", EPOCH))
    mailing.deliver_all()

    assert mailing.reason("survey_mail") == "person erased"


def test_respondents_get_no_mail_while_their_profiles_are_out_of_date(mailing: World) -> None:
    mailing.project(profile())
    mailing.say(request())
    mailing.profiles_age_seconds = 61
    with mailing.delivering():
        threading.Event().wait(0.5)
        assert mailing.count("pending", "lease IS NULL") == 1
        mailing.profiles_age_seconds = 1
        until(lambda: mailing.count("pending") == 0)
    assert mailing.steps() == [("sent", None)]


def test_an_ambiguous_mail_is_not_repeated(mailing: World) -> None:
    mailing.box.answer = lambda _call: Ambiguous("timeout_after_data")
    mailing.project(profile())
    mailing.say(request())
    mailing.deliver_all()

    assert len(mailing.box.calls) == 1
    assert mailing.reason("survey_mail") == "assumed_delivered"
    assert mailing.steps() == [("sent", "assumed_delivered")]


def test_outcomes_name_the_answer_the_rule_and_the_effect(world: World) -> None:
    said = answer(2)
    world.say(said)
    world.deliver_all()
    delivered = world.said()[-1]

    assert isinstance(delivered, OutcomeRecorded)
    assert (delivered.response_id, delivered.rule, delivered.action, delivered.destination) == (
        said.response.response_id,
        "detractor",
        "alert",
        "box",
    )


def test_stopping_waits_for_the_call_under_way(world: World) -> None:
    begun, release = threading.Event(), threading.Event()

    def slow(call: Call) -> Result:
        begun.set()
        release.wait(5)
        return Delivered(str(call.effect_id))

    world.box.answer = slow
    world.say(answer(2))
    with world.delivering():
        assert begun.wait(10)
        threading.Timer(0.3, release.set).start()
    assert world.effects() == {"alert": "delivered"}


def test_a_worker_that_hardly_looks_is_told_what_is_due(world: World) -> None:
    world.look_every_seconds = 3600.0
    worker, stop = world.worker(), threading.Event()
    working = threading.Thread(target=worker.run, args=(stop,))
    world.say(answer(2))
    working.start()
    until(lambda: world.count("pending") == 0)  # it has looked, and will not look again
    watching = threading.Thread(target=Lookout(world.pool, [worker]).run, args=(stop,))
    watching.start()

    world.say(answer(3, person="bob"))
    until(lambda: world.count("pending") == 0)

    stop.set()
    for thread in (watching, working):
        thread.join(10)
        assert not thread.is_alive()
