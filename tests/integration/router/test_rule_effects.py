"""What rules leave in the ledger beyond a delivery: later steps, clocks, rehearsals, what calls them off."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from runtime.consumer import Delivered
from runtime.messages import Record
from schemas.classified import ResponseClassified
from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.responses import Order
from services.router import lifecycle
from tests.integration.router.test_schedule import release
from tests.integration.router.world import EPOCH, World, account, answer, profile

DAY = timedelta(days=1)
RULES = """
rules:
  - id: nurture
    why: they may come round
    when: response.score <= 8
    do:
      - id: step
        ends_on: [new_answer, opt_out, "lifecycle:churned"]
        sequence:
          - {scores: [0, 6], steps: [{destination: box, after_days: 1}, {destination: box, after_days: 5}]}
          - {scores: [7, 8], steps: [{destination: box, after_days: 3}]}
  - id: ask
    why: they may tell others
    when: response.score >= 9
    do: [{id: reference, destination: box, once_in_days: 30}]
  - id: rehearsal
    why: to see what it would do
    when: "true"
    shadow: true
    do: [{id: maybe, destination: box}]
"""


def _at(days: int, score: int, person: str = "ann") -> ResponseClassified:
    return answer(score, person=person, responded_at=EPOCH + days * DAY)


def _ends(world: World) -> dict[str, str | None]:
    return dict(world.ask("SELECT subject || ' ' || action, ended_by FROM effects"))


def _moment(moment: Moment, *, retracted: bool = False, **whose: str) -> LifecycleEventOccurred:
    return LifecycleEventOccurred(
        lifecycle_id=uuid4(),
        source="api",
        source_id="1",
        order=Order(revision=1, tie=0),
        moment=moment,
        occurred_at=EPOCH,
        received_at=EPOCH,
        retracted=retracted,
        person_key=whose.get("person"),
        account_id=whose.get("account"),
    )


def _lived(world: World, *events: LifecycleEventOccurred) -> None:
    record = Record("topic", 0, 0, b"key", b"", (), EPOCH)
    with world.pool.connection() as connection:
        lifecycle.end(connection, [Delivered(record, event) for event in events])


def _steps(world: World) -> Sequence[tuple[str, str, timedelta]]:
    rows = world.ask("SELECT action, status, not_before FROM effects ORDER BY action")
    return [(action, status, not_before - EPOCH) for action, status, not_before in rows]


def test_a_sequence_is_one_effect_a_step_and_each_waits_for_its_day(world: World) -> None:
    world.use_rules(RULES)
    world.say(_at(0, 3))
    assert _steps(world) == [("step.1", "scheduled", DAY), ("step.2", "scheduled", 5 * DAY)]


def test_a_score_edited_into_another_band_repeats_no_step_and_withdraws_those_it_has_not(
    world: World,
) -> None:
    world.use_rules(RULES)
    first = uuid4()
    world.say(answer(3, of=first, revision=1))
    world.say(answer(7, of=first, revision=2))
    wanted = dict(world.ask("SELECT action, wanted FROM effects"))
    assert wanted == {"step.1": "present", "step.2": "absent"}


def test_a_new_answer_calls_off_the_steps_of_the_old_one_and_keeps_its_own(world: World) -> None:
    world.use_rules(RULES)
    old, new, other = _at(0, 3), _at(1, 4), _at(0, 4, "bob")
    world.say(old, other)
    world.say(new)
    called_off = {name.split()[0] for name, cause in _ends(world).items() if cause == "new_answer"}
    assert called_off == {f"response:{old.response.response_id}"}
    assert sum(cause == "new_answer" for cause in _ends(world).values()) == 2


def test_of_two_answers_in_one_batch_the_later_ones_steps_stay(world: World) -> None:
    world.use_rules(RULES)
    old, new = _at(0, 3), _at(1, 4)
    world.say(old, new)
    assert {cause for name, cause in _ends(world).items() if str(new.response.response_id) in name} == {None}
    assert {cause for name, cause in _ends(world).items() if str(old.response.response_id) in name} == {
        "new_answer"
    }


def test_a_revision_is_no_new_answer(world: World) -> None:
    world.use_rules(RULES)
    first = uuid4()
    world.say(answer(3, of=first, revision=1))
    world.say(answer(3, of=first, revision=2, comment="slow"))
    assert set(_ends(world).values()) == {None}


def test_whoever_wants_no_more_mail_or_leaves_is_left_alone(world: World) -> None:
    world.use_rules(RULES)
    world.project(profile("bob", account_id="shop"), account())
    world.say(_at(0, 3, "ann"), _at(0, 3, "bob"), _at(0, 3, "cleo"))
    world.project(profile("ann", 2, opted_out_of=[None]))
    _lived(
        world,
        _moment(Moment.CHURNED, account="shop"),
        _moment(Moment.CHURNED, retracted=True, person="cleo"),
        _moment(Moment.PURCHASED, person="cleo"),
    )
    assert dict(world.ask("SELECT DISTINCT person_key, ended_by FROM effects")) == {
        "ann": "opt_out",
        "bob": "lifecycle:churned",
        "cleo": None,
    }


def test_whoever_wanted_no_mail_before_they_answered_is_left_alone_as_well(world: World) -> None:
    world.use_rules(RULES)
    world.project(profile("ann", opted_out_of=[None]), profile("bob", opted_out_of=["onboarding"]))
    world.say(_at(0, 3, "ann"), _at(0, 3, "bob"))
    world.clock.time = EPOCH + 6 * DAY
    release(world)
    world.deliver_all()
    withheld = world.ask("SELECT DISTINCT person_key, reason FROM effects WHERE status = 'withheld'")
    assert withheld == [("ann", "opted out")]
    assert len(world.box.calls) == 2


def test_who_is_known_by_several_keys_is_left_alone_under_each(world: World) -> None:
    world.use_rules(RULES)
    world.say(_at(0, 3, "ann"), _at(0, 3, "bob"))
    world.project(profile("ann", merged_into="anna"), profile("bob", merged_into="robert"), profile("robert"))

    world.project(profile("anna", opted_out_of=[None]))
    _lived(world, _moment(Moment.CHURNED, person="robert"))

    ended = dict(world.ask("SELECT DISTINCT person_key, ended_by FROM effects"))
    assert ended == {"ann": "opt_out", "bob": "lifecycle:churned"}


def test_what_may_not_come_too_often_waits_also_for_a_merged_person(world: World) -> None:
    world.use_rules(RULES)
    for days, person in ((0, "ann"), (29, "ann"), (31, "ann")):
        world.clock.time = EPOCH + days * DAY
        world.say(_at(days, 10, person))
    asked = [(at - EPOCH).days for (at,) in world.ask("SELECT asked_at FROM asks ORDER BY asked_at")]
    assert asked == [0, 31]
    assert world.count("effects", "action = 'reference'") == 2

    world.project(profile("ann", 2, merged_into="winner"), profile("winner"))
    world.clock.time = EPOCH + 40 * DAY
    world.say(_at(40, 10, "winner"))
    assert world.count("effects", "action = 'reference'") == 2


def test_two_answers_of_one_batch_ask_once(world: World) -> None:
    world.use_rules(RULES)
    world.say(_at(0, 9), _at(0, 10))
    assert world.count("effects", "action = 'reference'") == 1


def test_a_revision_keeps_what_its_first_revision_asked_for(world: World) -> None:
    world.use_rules(RULES)
    first = uuid4()
    world.say(answer(9, of=first, revision=1))
    world.say(answer(10, of=first, revision=2, comment="great"))
    ((wanted, content),) = world.ask("SELECT wanted, content FROM effects WHERE action = 'reference'")
    assert (wanted, content["text"]) == ("present", "great")


def test_a_rehearsal_is_recorded_with_its_content_and_nothing_else(world: World) -> None:
    world.use_rules(RULES)
    world.say(answer(9, comment="great"))
    ((shadowed, matched),) = world.ask("SELECT shadowed, matched FROM plans")
    assert shadowed["maybe"]["content"]["text"] == "great"
    assert "rehearsal" in matched
    assert world.count("effects", "action = 'maybe'") == 0
