"""Follow-ups on a real database: planned, acted upon, and due, with routers that race or were away."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from schemas.outcomes import OutcomeKind, OutcomeRecorded
from services.router import follow_up_store, metrics, schedule, timer_store
from services.router.clearance import DeliveryMode, Policy
from services.router.destination import Call, Operation, Result
from services.router.effect import effect_id
from services.router.follow_up import FollowUp, Resolution, State
from services.router.follow_up_commands import (
    AddNote,
    Change,
    Claim,
    Command,
    HandOver,
    NoteContact,
    Reassign,
    Refusal,
    Reopen,
    Resolve,
    Snooze,
)
from services.router.follow_up_store import Page, Wish
from services.router.follow_up_watch import Rota, Watch
from services.router.people import Absence, People
from services.router.timer_store import Timer, TimerKind
from services.router.timers import Timers
from tests.integration.router.world import (
    EPOCH,
    LIVE,
    PEOPLE,
    World,
    account,
    answer,
    profile,
    until,
)

RULES = """
rules:
  - id: detractor
    why: they leave
    when: has(response.group) && response.group == "detractor"
    do: [{id: alert, destination: box}]
    follow_up: {team: cs, first_contact_hours: 4, resolve_hours: 16}
  - id: promoter
    why: they recommend
    when: has(response.group) && response.group == "promoter"
    do: [{id: cheer, destination: neighbour}]
"""
MONDAY = datetime.fromisoformat("2026-03-02T09:00:00+00:00")


def opened(world: World, *, deliver: bool = True, rules: str = RULES) -> str:
    """A detractor on Monday morning; its subject."""
    world.use_rules(rules)
    world.clock.time = MONDAY
    id_ = uuid4()
    world.say(answer(2, of=id_, responded_at=MONDAY))
    if deliver:
        world.deliver_all()
    return f"response:{id_}"


def now_of(world: World, subject: str) -> FollowUp:
    with world.pool.connection() as connection:
        return follow_up_store.of_subjects(connection, [subject])[subject]


def told(world: World, subject: str) -> list[tuple[str, str | None]]:
    """The history: what and who."""
    with world.pool.connection() as connection:
        lines = follow_up_store.history(connection, now_of(world, subject).id)
    return [(line.what, line.actor) for line in lines]


def timers(world: World) -> Timers:
    handlers = {TimerKind.RELEASE: schedule.release, **Watch(world.desk).handlers}
    return Timers(pool=world.pool, clock=world.clock, handlers=handlers)


def wait_until(world: World, at: datetime) -> None:
    """Turn the clock and fire what is due."""
    world.clock.time = at
    worker = timers(world)
    while worker.turn():
        pass


def outcomes(world: World) -> list[OutcomeRecorded]:
    internal = {OutcomeKind.PLANNED, OutcomeKind.DELIVERED, OutcomeKind.WITHHELD, OutcomeKind.OPENED}
    return [one for one in world.said() if isinstance(one, OutcomeRecorded) and one.kind not in internal]


def notices(world: World) -> list[str]:
    world.deliver_all()
    return [str(call.content["text"]) for call in world.box.calls if call.parent_id is not None]


def test_a_rule_opens_a_follow_up_with_targets_in_business_hours(world: World) -> None:
    it = now_of(world, opened(world))

    assert (it.state, it.team, it.rule, it.person_key) == (State.OPEN, "cs", "detractor", "ann")
    assert it.targets.first_contact_due_at == MONDAY + timedelta(hours=4)
    assert it.targets.resolve_due_at == MONDAY + timedelta(days=1, hours=8)
    assert world.count("timers") == 6
    assert [call.follow_up.state for call in world.box.calls if call.follow_up] == [State.OPEN]


def test_an_answer_is_planned_knowing_what_is_open_around_it(world: World) -> None:
    world.project(*(profile(person, account_id="shop") for person in ("ann", "bea")), account())
    subject = opened(world, deliver=False)
    counted = "SELECT facts -> 'open_follow_ups' FROM plans WHERE facts -> 'response' ->> 'comment' = %s"

    world.say(answer(9, comment="hers", responded_at=MONDAY))
    world.say(answer(9, person="bea", comment="a colleague's", responded_at=MONDAY))
    world.desk.apply(subject, Resolve("ann", Resolution.FIXED))
    world.say(answer(9, person="bea", comment="later", responded_at=MONDAY))

    ((its_own,),) = world.ask("SELECT facts -> 'open_follow_ups' FROM plans WHERE subject = %s", subject)
    assert its_own == {"person": 0, "account": 0}
    assert world.ask(counted, "hers") == [({"person": 1, "account": 1},)]
    assert world.ask(counted, "a colleague's") == [({"person": 0, "account": 1},)]
    assert world.ask(counted, "later") == [({"person": 0, "account": 0},)]


def test_of_answers_that_come_together_the_later_one_knows_what_the_earlier_one_opens(world: World) -> None:
    world.project(*(profile(person, account_id="shop") for person in ("ann", "bea")), account())
    world.use_rules(RULES)
    world.clock.time = MONDAY
    first = uuid4()

    world.say(
        answer(2, of=first, responded_at=MONDAY),
        answer(2, of=first, revision=2, responded_at=MONDAY, comment="unhappy"),
        answer(9, person="bea", responded_at=MONDAY, comment="happy"),
    )

    counted = world.ask("SELECT facts #>> '{response,comment}', facts -> 'open_follow_ups' FROM plans")
    assert dict(counted) == {
        None: {"person": 0, "account": 0},
        "unhappy": {"person": 0, "account": 0},
        "happy": {"person": 0, "account": 1},
    }


def test_the_same_answer_again_opens_nothing_more(world: World) -> None:
    subject = opened(world)
    world.say(answer(2, of=UUID(subject.removeprefix("response:")), responded_at=MONDAY, revision=2))
    assert (world.count("follow_ups"), world.count("timers")) == (1, 6)
    assert now_of(world, subject).version == 1


def test_a_command_changes_what_is_shown_and_is_remembered(world: World) -> None:
    subject = opened(world)
    world.desk.apply(subject, Claim("ann"))
    world.clock.time = MONDAY + timedelta(hours=1)
    world.desk.apply(subject, NoteContact("ann", "phone"))
    world.desk.apply(subject, Resolve("ann", Resolution.FIXED, "a bug", "see ticket"))
    world.deliver_all()

    assert told(world, subject) == [
        ("opened", None), ("claimed", "ann"), ("contacted", "ann"), ("resolved", "ann"),
    ]  # fmt: skip
    assert [(one.kind, one.actor, one.reason, one.root_cause) for one in outcomes(world)] == [
        (OutcomeKind.CLAIMED, "ann", None, None),
        (OutcomeKind.CONTACTED, "ann", "phone", None),
        (OutcomeKind.RESOLVED, "ann", "fixed", "a bug"),
    ]
    updates = [call for call in world.box.calls if call.operation is Operation.UPDATE]
    assert updates[-1].follow_up is not None
    assert (updates[-1].follow_up.state, updates[-1].follow_up.owner_name) == (State.RESOLVED, "Ann")
    assert notices(world) == [
        "None: Ann took this.",
        "None: Ann contacted the customer: phone",
        "None: Ann resolved this: fixed; a bug; see ticket",
    ]


def test_the_rest_of_the_product_hears_who_owes_what_by_when(world: World) -> None:
    subject = opened(world, deliver=False)
    hour = timedelta(hours=1)
    commands: Sequence[Command] = (
        Claim("ann"), Reassign("boss", "bob"), NoteContact("bob", "phone"), HandOver("bob", "product"),
        Resolve("bob", Resolution.PLANNED), Reopen("bob", "they wrote again"),
    )  # fmt: skip
    for hours, command in enumerate(commands):
        world.clock.time = MONDAY + hours * hour / 2
        world.desk.apply(subject, command)

    steps = [
        (one.kind, it.version, it.team, it.owner, it.contacted_at, it.resolved_at)
        for one in world.said()
        if isinstance(one, OutcomeRecorded) and (it := one.follow_up) is not None
    ]
    heard, ended = MONDAY + hour, MONDAY + 2 * hour
    assert steps == [
        (OutcomeKind.OPENED, 1, "cs", None, None, None),
        (OutcomeKind.CLAIMED, 2, "cs", "ann", None, None),
        (OutcomeKind.REASSIGNED, 3, "cs", "bob", None, None),
        (OutcomeKind.CONTACTED, 4, "cs", "bob", heard, None),
        (OutcomeKind.REASSIGNED, 5, "product", None, heard, None),
        (OutcomeKind.RESOLVED, 6, "product", "bob", heard, ended),
        (OutcomeKind.REOPENED, 7, "product", "bob", None, None),
    ]
    first, *_, last = (one for one in world.said() if isinstance(one, OutcomeRecorded) and one.follow_up)
    assert first.follow_up is not None
    assert last.follow_up is not None
    assert (first.occurred_at, first.follow_up.opened_at) == (MONDAY, MONDAY)
    assert first.follow_up.first_contact_due_at == MONDAY + 4 * hour
    assert first.follow_up.resolve_due_at == MONDAY + timedelta(days=1, hours=8)
    assert last.follow_up.first_contact_due_at > first.follow_up.first_contact_due_at


def test_a_claim_while_the_card_is_being_sent_is_sent_after_it(world: World) -> None:
    subject = opened(world, deliver=False)

    def claim(call: Call) -> Result:
        world.box.answer = world.box.accept
        world.desk.apply(subject, Claim("ann"))
        return world.box.accept(call)

    world.box.answer = claim
    world.deliver_all()
    shown = [call.follow_up.state for call in world.box.calls if call.parent_id is None and call.follow_up]
    assert shown == [State.OPEN, State.CLAIMED]


def test_of_many_who_claim_at_once_one_wins_and_the_others_learn_who(world: World) -> None:
    subject = opened(world)
    start = threading.Barrier(8)

    def claim(who: str) -> Change | Refusal | None:
        start.wait(10)
        return world.desk.apply(subject, Claim(who))

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(claim, [f"colleague{number}" for number in range(8)]))

    (won,) = [one for one in results if isinstance(one, Change)]
    winner = won.follow_up.owner_id
    lost = [one for one in results if isinstance(one, Refusal)]
    assert [one.holder for one in lost] == [winner] * 7
    assert told(world, subject) == [("opened", None), ("claimed", winner)]
    assert [one.kind for one in outcomes(world)] == [OutcomeKind.CLAIMED]


def test_claims_and_new_revisions_at_once_lose_nothing_and_lock_nobody_out(world: World) -> None:
    subjects = [opened(world, deliver=False) for _ in range(6)]

    def say(revision: int) -> None:
        for subject in subjects:
            id_ = UUID(subject.removeprefix("response:"))
            world.say(answer(2, of=id_, revision=revision, comment=f"{revision}", responded_at=MONDAY))

    def act(who: str) -> None:
        for subject in reversed(subjects):
            world.desk.apply(subject, AddNote(who, "looking"))

    with world.delivering(), ThreadPoolExecutor(6) as threads:
        tasks = [threads.submit(say, revision) for revision in (2, 3, 4)]
        tasks += [threads.submit(act, who) for who in ("ann", "bob", "boss")]
        for task in tasks:
            task.result(30)
        until(lambda: world.count("pending") == 0)
    assert all(len(told(world, subject)) == 4 for subject in subjects)
    assert {now_of(world, subject).version for subject in subjects} == {4}


def test_a_retracted_answer_closes_its_follow_up_with_the_reason(world: World) -> None:
    subject = opened(world)
    id_ = UUID(subject.removeprefix("response:"))
    world.say(answer(2, of=id_, revision=2, retracted=True, responded_at=MONDAY))

    it = now_of(world, subject)
    assert (it.state, it.closed_because) == (State.RESOLVED, "answer retracted")
    assert [(one.kind, one.reason) for one in outcomes(world)] == [(OutcomeKind.RESOLVED, "answer retracted")]


def test_a_score_edited_away_and_back_closes_and_opens_again(world: World) -> None:
    subject = opened(world)
    id_ = UUID(subject.removeprefix("response:"))
    world.say(answer(9, of=id_, revision=2, responded_at=MONDAY))
    assert now_of(world, subject).closed_because == "answer edited"

    world.clock.time = MONDAY + timedelta(hours=2)
    world.say(answer(3, of=id_, revision=3, responded_at=MONDAY))
    it = now_of(world, subject)
    assert (it.state, it.reopened_at) == (State.OPEN, world.clock.time)
    assert it.targets.first_contact_due_at == MONDAY + timedelta(hours=6)


def test_a_rule_that_vanished_closes_nothing(world: World) -> None:
    subject = opened(world)
    world.use_rules(RULES.replace("id: detractor", "id: renamed"))
    world.say(answer(9, of=UUID(subject.removeprefix("response:")), revision=2, responded_at=MONDAY))
    assert now_of(world, subject).state is State.OPEN


def test_what_is_old_or_only_recorded_opens_nothing(world: World) -> None:
    world.use_rules(RULES)
    world.clock.time = MONDAY + timedelta(days=8)
    world.say(answer(2, responded_at=MONDAY))
    assert world.count("follow_ups") == 0


def test_owner_and_manager_hear_of_what_is_near_and_what_is_missed(world: World) -> None:
    subject = opened(world)
    world.desk.apply(subject, Reassign("boss", "ann"))
    wait_until(world, MONDAY + timedelta(hours=3))
    wait_until(world, MONDAY + timedelta(hours=6))

    told_to = [text.split(": ", 1) for text in notices(world)]
    assert told_to == [
        ["ann", "Boss gave this to Ann."],
        ["ann", "First contact is due by Monday 2 March, 13:00 (UTC)."],
        ["None", "First contact is overdue."],
        ["boss", "First contact was due by Monday 2 March, 13:00 (UTC) and is still owed. Owner: Ann."],
    ]
    assert [one.reason for one in outcomes(world) if one.kind is OutcomeKind.SLA_BREACHED] == ["contact"]


def test_whoever_heard_in_time_is_left_alone(world: World) -> None:
    subject = opened(world)
    world.desk.apply(subject, NoteContact("ann", "phone"))
    wait_until(world, MONDAY + timedelta(hours=8))
    assert [one.kind for one in outcomes(world)] == [OutcomeKind.CONTACTED]
    assert len(notices(world)) == 1


def test_nothing_is_lost_when_no_router_ran_while_it_was_due(world: World) -> None:
    subject = opened(world)
    wait_until(world, MONDAY + timedelta(days=30))
    it = now_of(world, subject)
    assert it.contact_breached_at == it.resolve_breached_at == world.clock.time
    assert world.count("timers") == 0
    assert not [text for text in notices(world) if "is due by" in text], "nobody is reminded of the past"


def test_a_contact_noted_late_does_not_hide_the_breach_that_no_timer_saw(world: World) -> None:
    subject = opened(world)
    world.clock.time = MONDAY + timedelta(hours=5)
    world.desk.apply(subject, NoteContact("ann", "phone"))
    assert [one.kind for one in outcomes(world)] == [OutcomeKind.SLA_BREACHED, OutcomeKind.CONTACTED]
    wait_until(world, MONDAY + timedelta(hours=6))
    assert [one.kind for one in outcomes(world)] == [OutcomeKind.SLA_BREACHED, OutcomeKind.CONTACTED]


def test_two_routers_record_each_breach_once(world: World) -> None:
    subjects = [opened(world, deliver=False) for _ in range(20)]
    world.clock.time = MONDAY + timedelta(hours=4)
    workers = [timers(world), timers(world)]
    stop = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(worker.run, stop) for worker in workers]
        until(lambda: world.count("timers", f"due_at <= '{world.clock.time}'") == 0)
        stop.set()
        for one in running:
            one.result(10)
    breaches = [one.subject for one in outcomes(world) if one.kind is OutcomeKind.SLA_BREACHED]
    assert sorted(breaches) == sorted(subjects)


def test_a_snooze_holds_reminders_back_until_it_is_over(world: World) -> None:
    subject = opened(world)
    until_ = MONDAY + timedelta(hours=7)
    world.desk.apply(subject, Snooze("ann", until_))
    wait_until(world, MONDAY + timedelta(hours=6, minutes=30))
    assert not [text for text in notices(world) if text.startswith("boss")]
    assert now_of(world, subject).contact_breached_at is not None, "the target stays"

    wait_until(world, until_)
    assert now_of(world, subject).snoozed_until is None
    assert [text for text in notices(world) if text.startswith("boss")]


def test_opened_again_it_is_reminded_of_again(world: World) -> None:
    subject = opened(world)
    wait_until(world, MONDAY + timedelta(hours=3))
    world.desk.apply(subject, Resolve("ann", Resolution.TAUGHT))
    world.clock.time = MONDAY + timedelta(hours=3, minutes=30)
    world.desk.apply(subject, Reopen("bob", "they wrote again"))
    wait_until(world, MONDAY + timedelta(hours=7))
    reminders = [text for text in notices(world) if "is due by" in text]
    assert [text.partition(" is due by")[0] for text in reminders] == [
        "None: First contact",
        "ann: First contact",
    ]


def test_what_falls_due_while_its_owner_is_away_goes_to_somebody_who_is_there(world: World) -> None:
    today = MONDAY.date()
    ann = PEOPLE.persons["ann"].model_copy(
        update={"out_of_office": (Absence.model_validate({"from": today, "until": today}),)}
    )
    world.desk.people = People(PEOPLE.teams, {**PEOPLE.persons, "ann": ann})
    near, far = opened(world), opened(world)
    for subject in (near, far):
        world.desk.apply(subject, Reassign("boss", "ann"))
    world.desk.apply(far, NoteContact("ann", "phone"))
    with world.pool.connection() as connection:
        Rota(pool=world.pool, clock=world.clock, desk=world.desk).turn(connection)

    assert now_of(world, near).owner_id == "bob"
    assert now_of(world, far).owner_id == "ann", "she is back before it is due"
    assert "bob: feedback-router gave this to Bob (out of office)." in notices(world)


def test_what_somebody_owned_who_has_left_goes_to_the_team(world: World) -> None:
    mine, done = opened(world), opened(world)
    for subject in (mine, done):
        world.desk.apply(subject, Claim("ann"))
    world.desk.apply(done, Resolve("ann", Resolution.FIXED))
    left = {name: person for name, person in PEOPLE.persons.items() if name != "ann"}
    world.desk.people = People(PEOPLE.teams, left)
    with world.pool.connection() as connection:
        for _ in range(2):
            Rota(pool=world.pool, clock=world.clock, desk=world.desk).turn(connection)

    assert (now_of(world, mine).owner_id, now_of(world, done).owner_id) == ("bob", "ann")
    given = [text for text in notices(world) if "gave this to" in text]
    assert given == ["bob: feedback-router gave this to Bob (no longer in people.yaml)."]


def test_whoever_is_given_a_follow_up_is_told_and_who_takes_it_knows(world: World) -> None:
    subject = opened(world)
    world.desk.apply(subject, Reassign("boss", "ann"))
    world.desk.apply(subject, Reassign("bob", "bob"))
    assert notices(world) == ["ann: Boss gave this to Ann.", "None: Bob gave this to Bob."]


def test_a_missed_target_is_told_to_the_next_one_above_a_manager_who_is_away(world: World) -> None:
    today = MONDAY.date()
    away = (Absence.model_validate({"from": today, "until": today}),)
    boss = PEOPLE.persons["boss"].model_copy(update={"out_of_office": away, "manager": "bob"})
    world.desk.people = People(PEOPLE.teams, {**PEOPLE.persons, "boss": boss})
    subject = opened(world)
    world.desk.apply(subject, Claim("ann"))
    wait_until(world, MONDAY + timedelta(hours=6))
    assert [text.split(":")[0] for text in notices(world) if "still owed" in text] == ["bob"]


CADENCE = """
rules:
  - id: detractor
    why: they leave
    when: response.score <= 6
    do:
      - {id: alert, destination: box}
      - id: step
        sequence:
          - {scores: [0, 4], steps: [{destination: box, after_days: 1}, {destination: box, after_days: 5}]}
          - {scores: [5, 6], steps: [{destination: box, after_days: 1}, {destination: box, after_days: 3},
                                     {destination: box, after_days: 7}]}
    follow_up: {team: cs, first_contact_hours: 4, resolve_hours: 16}
"""


def calm(world: World) -> dict[str, str | None]:
    """By step of the sequence, what ended it."""
    return dict(
        world.ask("SELECT action, ended_by FROM effects WHERE action <> 'alert' AND parent_subject IS NULL")
    )


@pytest.mark.parametrize(
    ("command", "ended"),
    [
        (Claim("ann"), "claim"),
        (NoteContact("ann", "phone"), "claim"),
        (Resolve("ann", Resolution.FIXED), "claim"),
        (Reassign("boss", "ann"), None),
        (AddNote("ann", "looking"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_sequence_ends_when_a_colleague_takes_the_customer_up(
    world: World, command: Command, ended: str | None
) -> None:
    subject = opened(world, rules=CADENCE)
    world.desk.apply(subject, command)
    assert calm(world) == {"step.1": ended, "step.2": ended}


def test_no_step_begins_after_somebody_has_taken_the_customer_up(world: World) -> None:
    subject = opened(world, rules=CADENCE)
    world.desk.apply(subject, Claim("ann"))
    world.say(answer(6, of=UUID(subject.removeprefix("response:")), revision=2, responded_at=MONDAY))
    wait_until(world, MONDAY + timedelta(days=8))
    world.deliver_all()
    assert calm(world) == {"step.1": "claim", "step.2": "claim", "step.3": "claim"}
    assert {call.effect_id for call in world.box.calls if call.parent_id is None} == {
        effect_id(subject, "alert")
    }


def test_a_message_goes_to_the_person_where_nothing_shows_the_follow_up(world: World) -> None:
    subject = opened(world, deliver=False)
    world.ask("DELETE FROM pending")
    world.ask("DELETE FROM effects")
    world.desk.apply(subject, Reassign("boss", "ann"))
    wait_until(world, MONDAY + timedelta(hours=3))
    world.deliver_all()
    said = [str(call.content["text"]).partition(" is ")[0] for call in world.box.calls]
    assert said == ["ann: Boss gave this to Ann.", "ann: First contact"]


def test_what_was_withheld_does_not_leave_because_somebody_claimed(world: World) -> None:
    world.policy = Policy(DeliveryMode.OBSERVE)
    subject = opened(world)
    world.policy = LIVE
    world.desk.apply(subject, Claim("ann"))
    world.deliver_all()
    assert world.box.calls == []
    assert world.effects()["alert"] == "withheld"


def test_a_timer_that_fails_holds_up_no_other_and_is_tried_again(world: World) -> None:
    fired: list[str] = []

    def handle(_connection: follow_up_store.Connection, due: Sequence[Timer], _now: datetime) -> None:
        if any(timer.subject == "bad" for timer in due):
            raise ValueError("boom")
        fired.extend(timer.subject for timer in due)

    with world.pool.connection() as connection:
        timer_store.start(
            connection, [Timer(TimerKind.MAILED, name, "", EPOCH) for name in ("good", "bad", "fine")]
        )
    worker = Timers(pool=world.pool, clock=world.clock, handlers={TimerKind.MAILED: handle})
    worker.turn()
    assert sorted(fired) == ["fine", "good"]
    assert world.ask("SELECT subject FROM timers WHERE due_at > %s", EPOCH) == [("bad",)]


def test_follow_ups_are_found_by_who_and_when_page_by_page(world: World) -> None:
    subjects = []
    for hour in range(3):
        subjects.append(opened(world, deliver=False))
        world.ask(
            "UPDATE follow_ups SET first_contact_due_at = %s WHERE subject = %s",
            MONDAY + timedelta(hours=hour),
            subjects[-1],
        )
    world.desk.apply(subjects[2], Claim("ann"))
    with world.pool.connection() as connection:
        first = follow_up_store.find(connection, Wish(teams=["cs"]), limit=2)
        (last,) = follow_up_store.find(
            connection, Wish(teams=["cs"]), limit=2, after=Page(first[-1].next_due_at, first[-1].id)
        )
        mine = follow_up_store.find(connection, Wish(owner="ann"), limit=9)
        overdue = follow_up_store.find(connection, Wish(due_before=MONDAY + timedelta(hours=1)), limit=9)
    assert [it.subject for it in (*first, last)] == subjects
    assert [it.subject for it in mine] == subjects[2:]
    assert [it.subject for it in overdue] == subjects[:1]


def test_what_is_owed_is_counted(world: World) -> None:
    opened(world, deliver=False)
    world.clock.time = MONDAY + timedelta(hours=5)
    with world.pool.connection() as connection:
        Rota(pool=world.pool, clock=world.clock, desk=world.desk).turn(connection)
    assert metrics.FOLLOW_UPS_OPEN.labels("cs", "open")._value.get() == 1
    assert metrics.FOLLOW_UPS_OVERDUE.labels("cs", "contact")._value.get() == 1
    assert metrics.FOLLOW_UPS_OVERDUE.labels("cs", "resolve")._value.get() == 0
    assert metrics.TIMERS_LATE._value.get() == timedelta(hours=2).total_seconds()
