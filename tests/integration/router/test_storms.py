"""Many cards at once go below one summary card; what they stand for is planned all the same."""

from datetime import timedelta

from services.router.destination import Operation
from tests.integration.router.world import EPOCH, World, account, answer, profile


def _parents(world: World) -> dict[str, str | None]:
    return dict(world.ask("SELECT person_key, parent_subject FROM effects WHERE action = 'alert'"))


def _people(count: int) -> list[str]:
    return [f"person {number}" for number in range(count)]


def test_the_cards_of_more_people_than_a_channel_takes_go_below_one_summary(world: World) -> None:
    world.storm_people = 3
    for person in _people(3):
        world.say(answer(2, person=person))
    world.say(answer(1, person="person 3"), answer(2, person="person 4"))
    world.say(answer(0, person="person 9", comment="late to it"))

    assert _parents(world) == dict.fromkeys(_people(3), None) | dict.fromkeys(
        ("person 3", "person 4", "person 9"), "storm::1"
    )
    ((version, content),) = world.ask(
        "SELECT desired_version, content FROM effects WHERE subject = 'storm::1'"
    )
    assert (version, content["text"]) == (2, "3 people: 3 detractor")

    world.deliver_all()
    below = [call for call in world.box.calls if call.parent_id is not None]
    assert len(below) == 3
    assert {call.parent_id for call in below} == {
        name for name, text in world.box.objects.items() if text.startswith("3 people")
    }
    assert set(world.effects().values()) == {"delivered"}


def test_a_late_comment_edits_the_card_in_its_thread(world: World) -> None:
    world.storm_people = 1
    first, second = answer(2, person="ann"), answer(2, person="bob")
    world.say(first, second)
    world.deliver_all()
    calls = len(world.box.calls)
    world.say(
        answer(2, person="bob", of=second.response.response_id, revision=2, comment="slow"),
    )
    world.deliver_all()
    (edit,) = world.box.calls[calls:]
    assert (edit.operation, edit.content["text"]) == (Operation.UPDATE, "slow")
    assert world.count("effects", "starts_with(subject, 'storm:')") == 1


def test_several_people_of_one_account_have_a_storm_of_their_own(world: World) -> None:
    world.storm_people = 100
    people = _people(5)
    world.project(account(name="Shop"), *(profile(person, account_id="shop") for person in people))
    world.say(*(answer(2, person=person) for person in [*people, "somebody else"]))

    assert [_parents(world)[person] for person in people] == [None, None, None, "storm::1", "storm::1"]
    assert _parents(world)["somebody else"] is None
    ((content,),) = world.ask("SELECT content FROM effects WHERE subject = 'storm::1'")
    assert content["text"] == "2 people at Shop: 2 detractor"


def test_a_storm_that_is_over_is_followed_by_the_next(world: World) -> None:
    world.storm_people = 1
    for minutes in (0, 30):
        world.clock.time = EPOCH + timedelta(minutes=minutes)
        world.say(*(answer(2, person=f"{person} {minutes}") for person in _people(3)))
    summaries = world.ask("SELECT subject FROM effects WHERE action = 'summary' ORDER BY subject")
    assert summaries == [("storm::1",), ("storm::2",)]


def test_the_same_batch_again_adds_nothing_to_a_storm(world: World) -> None:
    world.storm_people = 1
    batch = [answer(2, person=person) for person in _people(4)]
    world.say(*batch)
    before = world.ask("SELECT subject, action, desired_version FROM effects ORDER BY 1, 2")
    world.say(*batch)
    assert world.ask("SELECT subject, action, desired_version FROM effects ORDER BY 1, 2") == before
    assert world.count("shown_cards") == 4


def test_one_card_that_is_withdrawn_leaves_the_summary_and_the_others(world: World) -> None:
    world.storm_people = 1
    answers = [answer(2, person=person) for person in _people(3)]
    world.say(*answers)
    world.deliver_all()
    last = answers[-1].response
    world.say(answer(2, person=last.person_key, of=last.response_id, revision=2, retracted=True))
    world.deliver_all()
    statuses = [row[0] for row in world.ask("SELECT status FROM effects ORDER BY status")]
    assert statuses == ["delivered"] * 3 + ["retracted"]


def test_without_the_setting_every_card_stands_for_itself(world: World) -> None:
    world.say(*(answer(2, person=person) for person in _people(50)))
    assert set(_parents(world).values()) == {None}
    assert world.count("shown_cards") == 0
