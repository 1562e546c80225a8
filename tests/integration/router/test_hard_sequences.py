"""The sequences that are hard to get right, each by its name, on a real database."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from schemas.classified import ResponseClassified
from schemas.event import Effects
from schemas.profiles import ProfileErased
from schemas.responses import response_id
from services.router import claiming, interventions
from services.router.clearance import DeliveryMode, Policy
from services.router.destination import Ambiguous, Call, Failed, Operation, Result
from services.router.follow_up import State
from services.router.follow_up_commands import Claim
from tests.integration.router.world import EPOCH, LIVE, RULES, World, answer, profile, request, until

FOLLOWED = RULES.replace(
    "destination: box}]",
    "destination: box}]\n    follow_up: {team: cs, first_contact_hours: 4, resolve_hours: 16}",
    1,
)


def again(
    event: ResponseClassified, *, retracted: bool = False, score: int | None = None
) -> ResponseClassified:
    said = event.response
    return answer(
        said.score if score is None else score,
        of=said.response_id,
        revision=2,
        retracted=retracted,
        responded_at=said.responded_at,
    )


def test_a_late_comment_never_redraws_a_claimed_card_as_unclaimed(world: World) -> None:
    world.use_rules(FOLLOWED)
    first = uuid4()
    world.say(answer(2, of=first))
    world.deliver_all()
    world.desk.apply(f"response:{first}", Claim("ann"))
    world.say(answer(2, of=first, revision=2, comment="late"))
    world.deliver_all()

    last = [call for call in world.box.calls if call.operation is Operation.UPDATE][-1]
    assert last.content["text"] == "late"
    assert last.follow_up is not None
    assert (last.follow_up.state, last.follow_up.owner_id) == (State.CLAIMED, "ann")


@pytest.mark.parametrize("had_arrived", [True, False])
def test_a_detractor_edited_to_a_promoter_while_the_call_for_the_case_is_ambiguous(
    world: World, had_arrived: bool
) -> None:
    first = uuid4()

    def edit_and_lose_the_answer(call: Call) -> Result:
        if had_arrived:
            world.box.accept(call)
        world.box.answer = world.box.accept
        world.say(answer(10, of=first, revision=2))
        return Ambiguous("timeout")

    world.box.answer = edit_and_lose_the_answer
    world.say(answer(2, of=first))
    world.deliver_all()

    case = str(world.ask("SELECT effect_id FROM effects WHERE action = 'alert'")[0][0])
    undone = {f"box-{case}": ""} if had_arrived else {}
    assert {name: text for name, text in world.box.objects.items() if case in name} == undone
    assert world.effects() == {"alert": "retracted", "cheer": "delivered"}
    assert world.count("attempts", "operation = 'create'") == 2, "one for the Case, one for the promoter"


def test_a_detractor_edited_to_a_promoter_and_back_while_the_call_is_ambiguous_makes_one_case(
    world: World,
) -> None:
    first = uuid4()

    def edit_twice_and_lose_the_answer(call: Call) -> Result:
        world.box.accept(call)
        world.box.answer = world.box.accept
        world.say(answer(10, of=first, revision=2))
        world.say(answer(1, of=first, revision=3, comment="after all"))
        return Ambiguous("timeout")

    world.box.answer = edit_twice_and_lose_the_answer
    world.say(answer(2, of=first))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.RECONCILE, Operation.UPDATE]
    assert list(world.box.objects.values()) == ["after all"]


def test_a_record_before_the_live_answer_never_hides_the_alert(world: World) -> None:
    first = uuid4()
    world.say(answer(1, of=first, revision=9, comment="imported", effects=Effects.RECORD))
    assert world.effects() == {}

    world.say(answer(2, of=first, revision=3, comment="live"))
    world.deliver_all()
    assert list(world.box.objects.values()) == ["imported"], "the best content known is delivered"

    world.say(answer(2, of=first, revision=3, comment="live"))
    assert world.count("pending") == 0


def test_a_record_before_the_live_answer_in_one_batch(world: World) -> None:
    first = uuid4()
    world.say(
        answer(1, of=first, revision=9, comment="imported", effects=Effects.RECORD),
        answer(2, of=first, revision=3, comment="live"),
    )
    world.deliver_all()

    assert list(world.box.objects.values()) == ["imported"]


def test_a_merge_and_an_erasure_with_effects_pending(mailing: World) -> None:
    mailing.project(profile("loser"), profile("winner"))
    mailing.say(request("loser"))
    mailing.project(profile("loser", 2, merged_into="winner"))
    mailing.project(ProfileErased("winner", EPOCH))
    mailing.deliver_all()

    assert mailing.box.calls == []
    assert mailing.reason("survey_mail") == "person erased"


def test_a_merge_with_effects_pending_makes_no_second_alert_for_the_winner(world: World) -> None:
    world.project(profile("loser"), profile("winner"))
    first = uuid4()
    world.say(answer(2, of=first, person="loser"))
    world.project(profile("loser", 2, merged_into="winner"))
    world.say(answer(2, of=first, revision=2, comment="and more", person="loser"))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE]
    assert list(world.box.objects.values()) == ["and more"]
    assert world.ask("SELECT content->>'person' FROM effects") == [("winner",)]


def test_a_crash_between_planning_and_its_offset_plans_nothing_twice(world: World) -> None:
    first = answer(2)
    world.say(first)
    with world.pool.connection() as connection:
        (dead,) = claiming.claim(
            connection, "box", limit=1, burst=1, left={}, lease=uuid4(), lease_seconds=0.0
        )
        claiming.note_attempts(connection, dead.lease, [(dead, Operation.CREATE)])
    world.box.objects[f"box-{dead.effect_id}"] = "from the dead router"
    world.use_rules(RULES.replace("alert, destination: box", "alert, destination: box, label: new "))
    world.say(first)
    world.deliver_all()

    assert world.box.operations == [Operation.RECONCILE, Operation.UPDATE]
    assert len(world.box.objects) == 1


def test_two_answers_to_one_request_are_one_answer_revised(world: World) -> None:
    # Our own channels are one source whose id is the request's: mail and widget give one response id.
    answered = response_id("survey", str(uuid4()))
    by_mail = answer(2, of=answered, comment="by mail")
    world.say(by_mail)
    world.deliver_all()
    world.say(answer(3, of=answered, revision=2, comment="in the app"))
    world.deliver_all()
    world.say(by_mail)
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.UPDATE]
    assert list(world.box.objects.values()) == ["in the app"]
    assert world.outcomes() == ["planned", "delivered"]


def test_rules_edited_between_a_crash_and_the_replay_add_no_second_alert(world: World) -> None:
    first = answer(2)
    world.say(first)
    world.deliver_all()
    world.use_rules(RULES.replace("alert, destination: box", "alert, destination: box, label: new"))
    world.say(first)
    world.say(answer(2, of=first.response.response_id, revision=2))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.UPDATE]
    assert len(world.box.objects) == 1


def test_what_was_planned_under_observe_never_fires_when_deliveries_go_live(world: World) -> None:
    world.policy = Policy(DeliveryMode.OBSERVE)
    first = answer(2)
    world.say(first)
    world.deliver_all()
    assert (world.effects(), world.reason("alert")) == ({"alert": "withheld"}, "observe mode")

    world.policy = LIVE
    world.say(first)
    with world.delivering():
        world.say(answer(9, person="bob"))
        until(lambda: len(world.box.calls) == 1)
        until(lambda: world.count("pending") == 0)
    assert world.effects() == {"alert": "withheld", "cheer": "delivered"}
    assert world.count("attempts") == 1


def test_an_opt_out_between_request_and_mail_holds_it_back(mailing: World) -> None:
    mailing.project(profile())
    mailing.say(request())
    mailing.project(profile("ann", 2, opted_out_of=["onboarding"]))
    mailing.deliver_all()

    assert mailing.box.calls == []
    assert mailing.steps() == [("suppressed", "opted out")]


@pytest.mark.parametrize("is_older_first", [True, False])
def test_two_answers_withdrawn_in_one_batch_tell_nothing_of_each_other(
    world: World, is_older_first: bool
) -> None:
    given = [answer(8, responded_at=EPOCH), answer(2, responded_at=EPOCH + timedelta(days=1))]
    world.say(*given)
    world.deliver_all()
    assert [call.content["before"] for call in world.box.calls] == [8]

    gone = [again(one, retracted=True) for one in given]
    world.say(*(gone if is_older_first else reversed(gone)))
    world.deliver_all()

    last = world.box.calls[-1]
    assert (last.operation, last.content["before"]) == (Operation.RETRACT, None)


def test_an_older_answer_that_is_withdrawn_tells_which_one_stands(world: World) -> None:
    older, newer = answer(3, responded_at=EPOCH), answer(2, responded_at=EPOCH + timedelta(days=1))
    world.say(older, newer)
    world.deliver_all()

    world.say(again(older, retracted=True))
    world.deliver_all()

    last = world.box.calls[-1]
    assert (last.operation, last.content["later"]) == (Operation.RETRACT, 2)


@pytest.mark.parametrize("is_withdrawn", [True, False])
@pytest.mark.parametrize(("by_then", "told"), [({"retracted": True}, 9), ({"score": 10}, 10)])
def test_what_is_tried_again_tells_of_earlier_answers_what_counts_by_then(
    world: World, is_withdrawn: bool, by_then: dict[str, Any], told: int
) -> None:
    first, middle = answer(9, responded_at=EPOCH), answer(8, responded_at=EPOCH + timedelta(days=1))
    last = answer(2, responded_at=EPOCH + timedelta(days=2))
    world.say(first, middle, last)
    if is_withdrawn:
        world.deliver_all()
        world.say(again(last, retracted=True))
    world.box.answer = lambda _call: Failed("not today")
    world.deliver_all()
    assert world.box.calls[-1].content["before"] == 8

    world.say(again(middle, **by_then))
    world.box.answer = world.box.accept
    ((effect_id,),) = world.ask("SELECT effect_id FROM effects WHERE action = 'alert'")
    with world.pool.connection() as connection:
        interventions.retry(connection, effect_id, EPOCH)
    world.deliver_all()

    (tried,) = [call for call in world.box.calls if call.effect_id == effect_id][-1:]
    assert tried.operation is (Operation.RETRACT if is_withdrawn else Operation.CREATE)
    assert tried.content["before"] == told
