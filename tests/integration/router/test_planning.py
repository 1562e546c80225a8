"""What planning leaves in the ledger, whatever is said in whatever order."""

from datetime import timedelta
from uuid import uuid4

from schemas.event import Effects
from services.router.destination import Operation
from tests.integration.router.world import (
    EPOCH,
    RULES,
    World,
    account,
    answer,
    cancelled,
    profile,
    request,
)


def test_an_answer_is_planned_with_its_facts_and_announced_in_one_transaction(world: World) -> None:
    world.project(profile("ann", account_id="shop"), account())
    world.say(answer(2, comment="slow"))

    ((facts, matched, rules_version),) = world.ask("SELECT facts, matched, rules_version FROM plans")
    assert (facts["response"]["score"], facts["account"]["name"]) == (2, "Shop")
    assert (matched, rules_version) == (["detractor"], world.rules.version)
    assert world.effects() == {"alert": "pending"}
    assert world.outcomes() == ["planned"]


def test_the_same_batch_again_changes_nothing(world: World) -> None:
    batch = [answer(score) for score in range(11)]
    world.say(*batch)
    before = world.ask("SELECT * FROM effects ORDER BY subject, action")
    world.say(*batch)

    assert world.ask("SELECT * FROM effects ORDER BY subject, action") == before
    assert len(world.outcomes()) == 9


def test_a_late_comment_edits_what_stands_and_unchanged_content_makes_no_call(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first, revision=1))
    world.deliver_all()
    world.say(answer(2, of=first, revision=2, comment="too slow"))
    world.deliver_all()
    world.say(answer(2, of=first, revision=3, comment="too slow"))
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.UPDATE]
    assert list(world.box.objects.values()) == ["too slow"]


def test_revisions_of_one_answer_in_one_batch_make_one_object(world: World) -> None:
    first = uuid4()
    world.say(
        answer(2, of=first, revision=1),
        answer(9, of=first, revision=2),
        answer(3, of=first, revision=3, comment="no, bad"),
    )
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE]
    assert list(world.box.objects.values()) == ["no, bad"]
    assert world.effects() == {"alert": "delivered", "cheer": "retracted"}


def test_a_detractor_edited_to_a_promoter_is_withdrawn_where_the_alert_stands(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first, revision=1))
    world.deliver_all()
    world.say(answer(10, of=first, revision=2, comment="wrong button"))
    world.deliver_all()

    assert world.effects() == {"alert": "retracted", "cheer": "delivered"}
    assert sorted(world.box.objects.values()) == ["", "wrong button"]


def test_a_retracted_answer_takes_back_what_it_caused_and_causes_nothing_new(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first, revision=1))
    world.deliver_all()
    world.say(
        answer(10, of=first, revision=2, retracted=True), answer(1, retracted=True), answer(1, test=True)
    )
    world.deliver_all()

    assert world.effects() == {"alert": "retracted"}


def test_an_older_revision_that_comes_late_changes_nothing(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first, revision=5, comment="newest"))
    world.say(answer(10, of=first, revision=4, comment="older"))
    world.deliver_all()

    assert list(world.box.objects.values()) == ["newest"]


def test_a_reclassification_on_record_changes_nothing_outside(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first))
    world.deliver_all()
    world.say(answer(2, of=first, comment="x", classification_version=2, effects=Effects.RECORD))

    assert world.count("pending") == 0
    assert world.count("plans") == 2


def test_a_provisional_answer_waits_until_it_is_final(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first, revision=1, provisional=True))
    assert world.effects() == {}

    world.say(answer(2, of=first, revision=2))
    assert world.effects() == {"alert": "pending"}


def test_old_answers_alert_nobody_but_still_update_what_stands(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first, revision=1))
    world.deliver_all()
    world.clock.time = EPOCH + timedelta(days=8)
    world.say(answer(2, of=first, revision=2, comment="late"), answer(1, comment="old and new here"))
    world.deliver_all()

    assert list(world.box.objects.values()) == ["late"]


def test_a_rule_that_is_gone_leaves_what_it_made(world: World) -> None:
    first = uuid4()
    world.say(answer(2, of=first, revision=1))
    world.deliver_all()
    world.use_rules(RULES.replace("id: detractor", "id: renamed"))
    world.say(answer(9, of=first, revision=2))
    world.deliver_all()

    assert world.effects() == {"alert": "delivered", "cheer": "delivered"}


def test_a_rule_that_errs_is_neither_true_nor_false(world: World) -> None:
    erring = RULES.replace('response.group == "detractor"', "profile.traits.tier > 3", 1)
    first = uuid4()
    world.say(answer(2, of=first, revision=1))
    world.deliver_all()
    world.use_rules(erring)
    world.say(answer(2, of=first, revision=2))

    assert world.ask("SELECT erred FROM plans WHERE revision = 2")[0][0].keys() == {"detractor"}
    assert world.effects() == {"alert": "delivered"}, "what it once asked for is left alone"


def test_a_merged_person_is_planned_as_the_winner(world: World) -> None:
    world.project(
        profile("old", 2, merged_into="middle"), profile("middle", 2, merged_into="winner"), profile("winner")
    )
    world.say(answer(2, person="old"))

    assert world.ask("SELECT content->>'person' FROM effects") == [("winner",)]


def test_a_cancelled_request_never_reopens(world: World) -> None:
    asked = request()
    world.project(profile())
    world.say(asked, cancelled(asked))
    world.say(request(of=asked.request_id, version=3))
    world.deliver_all()

    assert world.box.calls == []
    assert world.effects() == {"survey_mail": "retracted"}
