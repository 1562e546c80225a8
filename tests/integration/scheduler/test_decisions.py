"""What becomes of purchases, answers and opt-outs, in whichever order they are heard of."""

from datetime import UTC, datetime

import pytest

from schemas.lifecycle import Moment
from schemas.profiles import ProfileErased
from schemas.survey_events import SurveyStep
from services.scheduler.app import OLDEST_FACTS_SECONDS
from tests.integration.scheduler.world import World, answered, day, profile, purchased, step


def test_asks_thirty_days_after_the_purchase_and_not_before(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(29.9)
    assert world.asked() == []
    world.work_until(30)
    assert world.asked() == [("ann", 30)]
    world.work_until(40)
    assert world.asked() == [("ann", 30)]
    assert world.reasons("ann") == [("asked", None)]


def test_nobody_is_asked_while_it_is_not_known_what_was_said_lately(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.facts_age_seconds = OLDEST_FACTS_SECONDS + 1
    world.work_until(31)
    assert world.reasons("ann") == []
    world.say(profile("ann", 2, opted_out=True))
    world.facts_age_seconds = 0
    world.work_until(31)
    assert world.reasons("ann") == [("skipped", "opted_out")]


def test_the_profile_may_come_after_the_survey_was_due(world: World) -> None:
    world.say(purchased("ann", 0))
    world.work_until(31)
    assert world.reasons("ann") == [("skipped", "no_address")]
    world.say(profile("ann"))
    world.work_until(32)
    assert world.asked() == [("ann", 32)]


def test_events_heard_of_again_ask_nobody_again(world: World) -> None:
    events = (profile("ann"), purchased("ann", 0), answered("bob", 5), profile("bob"), purchased("bob", 0))
    world.say(*events)
    world.work_until(31)
    world.say(*events)
    world.say(*reversed(events))
    world.work_until(59)
    assert world.asked() == [("ann", 31)]
    assert world.reasons("bob") == [("skipped", "fatigue")]


def test_at_most_one_survey_in_180_days(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0, number=1), purchased("ann", 140, number=2))
    world.say(purchased("ann", 170, number=3), purchased("ann", 200, number=4))
    for at in range(300):
        world.work_until(at)
    # The second comes due on day 170 and is given up on day 200; the third is due on day 200, ten days early.
    # The gap is over by every clock two hours into day 210.
    assert world.asked() == [("ann", 30), ("ann", 211)]


def test_a_postponed_survey_is_asked_the_moment_the_gap_ends(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 200), answered("ann", 60))
    world.work_until(231)
    world.work_until(240)
    assert world.asked() == []
    world.work_until(240.125)
    assert world.asked() == [("ann", 240.125)]
    assert world.reasons("ann") == [("postponed", "fatigue"), ("asked", None)]


def test_a_retracted_purchase_is_not_asked_about(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.say(purchased("ann", 0, revision=2, retracted=True))
    world.work_until(31)
    assert world.asked() == []


def test_a_retraction_heard_of_first_still_wins(world: World) -> None:
    world.say(purchased("ann", 0, revision=2, retracted=True))
    world.say(profile("ann"), purchased("ann", 0, revision=1))
    world.work_until(31)
    assert world.asked() == []


def test_a_corrected_date_moves_the_survey(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.say(purchased("ann", 10, revision=2))
    world.work_until(39)
    assert world.asked() == []
    world.work_until(40)
    assert world.asked() == [("ann", 40)]


def test_a_corrected_moment_drops_the_survey(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.say(purchased("ann", 0, revision=2, moment=Moment.TRIAL_STARTED))
    world.work_until(31)
    assert world.asked() == []


def test_a_purchase_taken_back_after_asking_withdraws_the_request_once(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(31)
    taken_back = purchased("ann", 0, revision=2, retracted=True)
    world.say(taken_back)
    world.say(taken_back)
    (cancelled,) = world.cancelled()
    (request,) = world.requested()
    assert (cancelled.request_id, cancelled.version) == (request.request_id, 2)
    world.say(purchased("ann", 0, revision=3))
    world.work_until(59)
    assert len(world.requested()) == 1


def test_an_answered_request_is_not_withdrawn(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(31)
    (request,) = world.requested()
    world.say(answered("ann", 32, request_id=request.request_id))
    world.say(purchased("ann", 0, revision=2, retracted=True))
    assert world.cancelled() == []


def test_whoever_opts_out_before_the_day_is_not_asked(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.say(profile("ann", 2, opted_out=True))
    world.work_until(31)
    assert world.reasons("ann") == [("skipped", "opted_out")]
    world.say(profile("ann", 1))
    world.work_until(40)
    assert world.asked() == []
    world.say(profile("ann", 3))
    world.work_until(41)
    assert world.asked() == [("ann", 41)]


def test_unsubscribing_ends_it_for_good(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(31)
    world.say(step(world.requested()[0], SurveyStep.UNSUBSCRIBED, 32))
    world.say(profile("ann", 2), purchased("ann", 300, number=2))
    world.work_until(331)
    assert world.asked() == [("ann", 31)]
    assert world.reasons("ann")[-1] == ("skipped", "opted_out")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["sent, bounced", "bounced, sent"])
def test_a_bounce_releases_the_clock_and_blocks_the_address(world: World, order: tuple[int, int]) -> None:
    world.say(profile("ann"), purchased("ann", 0), purchased("ann", 20, number=2))
    world.work_until(31)
    request = world.requested()[0]
    steps = (step(request, SurveyStep.SENT, 31), step(request, SurveyStep.BOUNCED, 31.1))
    for index in order:
        world.say(steps[index])
    world.work_until(51)
    assert world.reasons("ann")[-1] == ("skipped", "bounced")
    world.say(profile("ann", 2, email="another@shop.test"))
    world.work_until(52)
    assert world.asked() == [("ann", 31), ("ann", 52)]


def test_a_suppressed_request_releases_the_clock(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0), purchased("ann", 5, number=2))
    world.work_until(36)
    assert world.reasons("ann")[-1] == ("skipped", "fatigue")
    world.say(step(world.requested()[0], SurveyStep.SUPPRESSED, 37))
    world.work_until(38)
    assert world.asked() == [("ann", 36), ("ann", 38)]


def test_an_answer_proves_that_a_request_arrived(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0), purchased("ann", 5, number=2))
    world.work_until(36)
    (request,) = world.requested()
    world.say(step(request, SurveyStep.SUPPRESSED, 37), answered("ann", 37, request_id=request.request_id))
    world.work_until(38)
    assert world.asked() == [("ann", 36)]


def test_the_gap_counts_from_the_sending_where_that_came_later(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0), purchased("ann", 185, number=2))
    world.work_until(30)
    world.say(step(world.requested()[0], SurveyStep.SENT, 37))
    world.work_until(217)
    assert world.asked() == [("ann", 30)]
    world.work_until(217.125)
    assert world.asked() == [("ann", 30), ("ann", 217.125)]


def test_a_retracted_answer_does_not_count(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0), answered("ann", 5))
    world.work_until(31)
    assert world.reasons("ann") == [("skipped", "fatigue")]
    world.say(answered("ann", 5, revision=2, retracted=True))
    world.work_until(32)
    assert world.asked() == [("ann", 32)]


def test_the_erased_are_not_asked_and_keep_no_address(world: World) -> None:
    world.say(profile("ann"), purchased("ann", 0))
    world.say(ProfileErased("ann", datetime(2026, 1, 20, tzinfo=UTC)), profile("ann", 2))
    world.work_until(31)
    assert world.reasons("ann") == [], "what they would have been asked about is forgotten"
    world.say(purchased("ann", 40, number=2))
    world.work_until(71)
    assert world.reasons("ann") == [("skipped", "erased")]


def test_a_purchase_heard_of_two_months_late_is_given_up(world: World) -> None:
    world.clock.time = day(70)
    world.say(profile("ann"), purchased("ann", 0))
    world.work_until(70)
    assert world.reasons("ann") == [("skipped", "expired")]


@pytest.mark.parametrize(
    "merge",
    [profile("customer", 5, merged_from=("visitor",)), profile("visitor", 5, merged_into="customer")],
    ids=["the winner says so", "the other says so"],
)
def test_merged_people_share_one_clock(world: World, merge: ProfileErased) -> None:
    world.say(profile("visitor"), profile("customer", 1))
    world.say(answered("visitor", 10), purchased("customer", 0))
    world.say(merge)
    world.work_until(31)
    assert world.asked() == []
    assert world.reasons("customer") == [("skipped", "fatigue")]


def test_what_is_said_of_a_merged_key_is_about_the_winner(world: World) -> None:
    world.say(profile("customer", 5, merged_from=("visitor",)))
    world.say(purchased("visitor", 0), purchased("customer", 1), answered("other", 3), profile("other"))
    world.work_until(31)
    assert world.asked() == [("customer", 31)]
    world.say(profile("other", 6, merged_from=("customer",)), answered("visitor", 40))
    world.work_until(59)
    assert world.asked() == [("customer", 31)]


def test_many_people_of_one_batch_are_each_planned_by_what_happened_to_them(world: World) -> None:
    days = {f"person{number}": number % 7 for number in range(1_200)}
    world.say(*(purchased(person, at, account=f"shop{at}") for person, at in days.items()))
    world.say(purchased(None, 3, account="shop3", moment=Moment.CHURNED))
    with world.pool.connection() as connection:
        planned = connection.execute("SELECT person, due_at FROM due_work").fetchall()
        bought = connection.execute("SELECT person, first_purchase_at FROM people WHERE purchases = 1")
        assert dict(bought.fetchall()) == {person: day(at) for person, at in days.items()}
    assert len(planned) == len(days)
    assert dict(planned) == {person: day(at + 30) for person, at in days.items()}
