"""Every figure over random histories, held against one that is too plain to be wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runtime.postgres import Pool
from schemas.scales import GROUPS, SCALES, Metric
from services.insights import answers, closed_loop, figures, retention, saved_store
from services.insights.counting import OF_REQUESTS, Counting
from services.insights.definitions import Score, Share
from services.insights.drops import drops
from services.insights.figures import Step
from services.insights.filters import Dimension, Filter, Rolling, Within
from services.insights.journey import journey, parts_of
from services.insights.traits import DIMENSIONS, Trait, traits
from tests.integration.insights import naive, naive_retention
from tests.integration.insights.histories import History, heard
from tests.integration.insights.naive import Told
from tests.integration.insights.world import (
    World,
    account,
    answered,
    hour,
    profile,
    request_id,
    requested,
    sent,
)

ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Auckland")
DAY = hour(0).date()
Connection = psycopg.Connection[Any]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 30), zone=st.sampled_from(ZONES))
@example(seed=205, steps=22, zone="UTC")  # a colleague is forgotten, and answers again
def test_every_figure_is_what_the_history_says(pool: Pool, seed: int, steps: int, zone: str) -> None:
    chance = Random(seed)  # noqa: S311 - a history that can be had again, no secret
    world = World(pool, zone=ZoneInfo(zone))
    world.forget()
    history = History(chance, steps).said
    for batch in heard(history, chance):
        world.say(*batch)
        if chance.random() < 0.2:
            world.counting()  # what counts at the end follows from what counted here
    told = naive.tell(history, world.zone)
    counting = world.counting()
    wanted = chance.choice(tuple(_filters(chance)))
    _compare(counting, wanted, told, chance)
    _compare_closed_loop(counting, wanted, naive.fitting(told, wanted))
    today = DAY + timedelta(days=chance.randrange(60))
    _compare_response(counting, wanted, naive.asked(history, world.zone, today), today)
    with pool.connection() as connection:
        _compare_answers(connection, counting, wanted, naive.fitting(told, wanted))
        _compare_drops(connection, counting, wanted, naive.fitting(told, wanted))
        days = chance.choice((1, 90))
        kept = saved_store.saved(
            connection, counting, wanted, zone=world.zone, today=today, otherwise_days=days
        )
    expected = naive_retention.saved(told, wanted, history, zone=world.zone, today=today, days=days)
    of_them = (kept.customers.part, kept.customers.whole - kept.customers.part, kept.waiting, dict(kept.arr))
    assert of_them == expected
    _compare_retention(counting, wanted, told, today)


def _filters(chance: Random) -> Iterable[Filter]:
    whole = Filter(Metric.NPS, DAY - timedelta(days=60), DAY + timedelta(days=300))
    yield whole
    some = Filter(chance.choice(tuple(Metric)), DAY - timedelta(days=20), DAY + timedelta(days=40))
    values = {
        Dimension.SEGMENT: ("smb", "enterprise", ""),
        Dimension.STAGE: ("lost", "renewal", ""),
        Dimension.THEME: ("price", "speed"),
        Dimension.OWNER: ("olga@ours.test", ""),
        Dimension.BEFORE: ("first", "detractor"),
        Dimension.SENTIMENT: ("positive", ""),
        Dimension.CHANNEL: ("email", "carrier_pigeon"),
        Dimension.LOST_AFTER: ("30", "before"),
    }
    for dimension in chance.sample(list(values), chance.randrange(3)):
        some = some.choosing(dimension, *chance.sample(values[dimension], chance.randrange(1, 3)))
    yield some


def _compare(counting: Counting, wanted: Filter, told: Sequence[Told], chance: Random) -> None:
    fit = naive.fitting(told, wanted)
    headline = figures.headline(counting, wanted)
    _same(headline.score, fit)
    _same(headline.before, naive.fitting(told, wanted.before()))
    beside = sorted(naive.LEFT_OUT) if wanted.leaves_out else ()
    everybody = naive.fitting(told, wanted.choosing(Dimension.STAGE, *beside)) if beside else []
    _same_rows({one.stage: one.score for one in headline.left_out}, everybody, _of("stage"))
    scores = {bar.score: bar.share.part for bar in figures.distribution(counting, wanted)}
    scale = SCALES[wanted.metric]
    assert scores == {
        score: sum(one.score == score for one in fit) for score in range(scale.lowest, scale.highest + 1)
    }
    for point in figures.trend(counting, wanted, chance.choice(tuple(Step))):
        _same(point.score, [one for one in fit if point.since <= one.day <= point.until])
    for dimension in chance.sample(tuple(Dimension), 4):
        rows = {row.value: row.score for row in figures.breakdown(counting, wanted, dimension)}
        every_stage = dimension in {Dimension.STAGE, Dimension.LOST_AFTER} and beside
        asked = [*fit, *everybody] if every_stage else fit
        _same_rows(rows, asked, _of(dimension))
    _compare_themes(counting, wanted, told)
    _compare_traits(counting, wanted, fit)
    _compare_journey(counting, wanted, told)
    moves = figures.movement(counting, wanted)
    for move in moves.moves:
        there = [one for one in fit if one.values["before"] == [move.before]]
        assert move.answers == sum(one.values["group"] == [move.after] for one in there)
    assert moves.first.answers == sum(one.values["before"] == ["first"] for one in fit)
    assert moves.up + moves.down + moves.same + moves.first.answers == len(fit)


def _compare_themes(counting: Counting, wanted: Filter, told: Sequence[Told]) -> None:
    fit, before = naive.fitting(told, wanted), naive.fitting(told, wanted.before())
    rows = figures.themes(counting, wanted)
    assert {row.theme for row in rows} == {theme for one in fit for theme in one.values["theme"]}
    for row in rows:
        having = [one for one in fit if row.theme in one.values["theme"]]
        without = [one for one in fit if row.theme not in one.values["theme"]]
        _same(row.having, having)
        _same(row.without, without)
        assert (row.volume.part, row.volume.whole) == (len(having), len(fit))
        assert row.volume_before.part == sum(row.theme in one.values["theme"] for one in before)
        assert row.volume_before.whole == len(before)
        for sentiment, answers_of_it in row.sentiments.items():
            assert answers_of_it == sum(one.values["sentiment"] == [sentiment] for one in having)
        assert sum(row.sentiments.values()) == len(having)
        if row.impact is not None:
            whole, rest = naive.value(fit), naive.value(without)
            assert whole is not None
            assert rest is not None
            assert abs(row.impact.value - float(whole - rest)) < 1e-9


def _compare_journey(counting: Counting, wanted: Filter, told: Sequence[Told]) -> None:
    of_one_metric = {"group", "score", "before", "next", "turn"}
    free = replace(wanted, chosen=tuple(one for one in wanted.chosen if one[0] not in of_one_metric))
    every = {value for one in told for value in one.values["stage"]}
    if free.leaves_out and every:
        free = free.choosing(Dimension.STAGE, *every)
    stages = {one.stage: one for one in journey(counting, wanted)}
    there = [one for metric in Metric for one in naive.fitting(told, replace(free, metric=metric))]
    assert stages.keys() == {one.values["stage"][0] for one in there}
    for stage, found in stages.items():
        here = [one for one in told if one.values["stage"] == [stage]]
        for metric, feeling in found.feelings.items():
            _same(feeling.score, naive.fitting(here, replace(free, metric=metric)))
            _same(feeling.before, naive.fitting(here, replace(free.before(), metric=metric)))
        for part, score in zip(parts_of(free), found.trend, strict=True):
            _same(score, naive.fitting(here, part))
        assert sum(score.tally.answers for score in found.trend) == len(naive.fitting(here, free))


def _compare_traits(counting: Counting, wanted: Filter, fit: Sequence[Told]) -> None:
    expected = set()
    for group in (GROUPS[wanted.metric][0], GROUPS[wanted.metric][-1]):
        inside = [one for one in fit if one.values["group"] == [group]]
        outside = [one for one in fit if one.values["group"] != [group]]
        for dimension in DIMENSIONS:
            for value in {value for one in inside for value in one.values[dimension] if value}:
                here, elsewhere = (
                    Share(sum(value in one.values[dimension] for one in side), len(side))
                    for side in (inside, outside)
                )
                expected.add(Trait(group, dimension, value, here, elsewhere))
    assert set(traits(counting, wanted)) == expected


def _compare_closed_loop(counting: Counting, wanted: Filter, fit: Sequence[Told]) -> None:
    for row in closed_loop.heard_back(counting, wanted):
        of_group = [one.values["heard_back"] for one in fit if one.values["group"] == [row.group]]
        assert (row.contacted.part, row.contacted.whole) == (of_group.count(["contacted"]), len(of_group))
        assert row.answered.part == len(of_group) - of_group.count(["none"])
    in_time = closed_loop.first_contact_in_time(counting, wanted)
    due = [one.values["sla"] for one in fit if one.values["sla"] != [""]]
    assert (in_time.part, in_time.whole) == (due.count(["met"]), len(due))
    if wanted.of(Dimension.GROUP):
        return
    lowest, *_, highest = GROUPS[wanted.metric]
    for how, recovery in closed_loop.recovery(counting, wanted).items():
        unhappy = [
            one for one in fit if one.values["group"] == [lowest] and one.values["heard_back"] == [how]
        ]
        again = [one for one in unhappy if one.values["turn"] != ["none"]]
        assert recovery.answers == len(unhappy)
        assert recovery.higher == Share(sum(one.values["turn"] == ["higher"] for one in again), len(again))
        assert recovery.converted.part == sum(one.values["next"] == [highest] for one in again)


def _compare_retention(counting: Counting, wanted: Filter, told: Sequence[Told], today: date) -> None:
    for within in Within:
        expected = naive_retention.churned(told, wanted, within.days, today)
        for row in retention.churn(counting, wanted, within, today):
            assert (row.lost.part, row.lost.whole) == expected.get(row.group, (0, 0))
    happy = [one for one in naive.fitting(told, wanted) if one.values["group"] == [GROUPS[wanted.metric][-1]]]
    offers = retention.activated(counting, wanted)
    assert {offer.wish for offer in offers} == {wish for one in happy for wish in one.values["wish"]}
    for offer in offers:
        offering = [one for one in happy if offer.wish in one.values["wish"]]
        assert offer.offered == len(offering)
        assert offer.became == Counter(status for one in offering for status in one.values["advocacy"])


def _compare_response(counting: Counting, wanted: Filter, asked: Sequence[Told], today: date) -> None:
    narrowing = replace(wanted, chosen=tuple(one for one in wanted.chosen if one[0] in OF_REQUESTS))
    fit = naive.fitting(asked, narrowing)
    whole = closed_loop.response(counting, wanted, today)
    assert whole.answered == Share(sum(one.values["answered"] == ["yes"] for one in fit), len(fit))
    assert whole.open == sum(one.values["open"] == ["yes"] for one in fit)
    for row in closed_loop.response_by(counting, wanted, Dimension.SEGMENT, today):
        of_value = [one for one in fit if one.values["segment"] == [row.value]]
        assert row.answered.whole == len(of_value)
        assert row.open == sum(one.values["open"] == ["yes"] for one in of_value)
    for cohort in closed_loop.response_cohorts(counting, wanted, Step.MONTH, today):
        of_month = [one for one in fit if cohort.since <= one.day <= cohort.until]
        answered_of_it = sum(one.values["answered"] == ["yes"] for one in of_month)
        assert cohort.response.answered == Share(answered_of_it, len(of_month))
        assert cohort.response.open == sum(one.values["open"] == ["yes"] for one in of_month)
    days = closed_loop.response_by(counting, wanted, None, today)
    assert [row.value for row in days] == sorted({str(one.day) for one in fit})


def _compare_answers(connection: Connection, counting: Counting, wanted: Filter, fit: Sequence[Told]) -> None:
    shown: list[answers.Shown] = []
    after = None
    while True:
        page = answers.behind(connection, counting, wanted, limit=4, after=after)
        shown += page.answers
        after = page.after
        if after is None:
            break
    newest = sorted(fit, key=lambda one: (one.responded_at, str(one.response_id)), reverse=True)
    assert [one.response_id for one in shown] == [one.response_id for one in newest]
    for one, expected in zip(shown, newest, strict=True):
        for dimension, values in expected.values.items():
            assert sorted(one.values(dimension)) == sorted(values)


def _compare_drops(connection: Connection, counting: Counting, wanted: Filter, fit: Sequence[Told]) -> None:
    groups = GROUPS[wanted.metric]
    lower = [
        one
        for one in fit
        if one.values["before"] != ["first"]
        and groups.index(one.values["group"][0]) < groups.index(one.values["before"][0])
    ]
    newest = sorted(lower, key=lambda one: (one.responded_at, str(one.response_id)), reverse=True)
    shown = drops(connection, counting, wanted, limit=3)
    assert [one.response_id for one in shown] == [one.response_id for one in newest[:3]]


def _of(dimension: str) -> Callable[[Told], list[str]]:
    return lambda told: told.values[dimension]


def _same_rows(rows: dict[str, Score], told: Sequence[Told], values_of: Callable[[Told], list[str]]) -> None:
    assert rows.keys() == {value for one in told for value in values_of(one)}
    for value, score in rows.items():
        _same(score, [one for one in told if value in values_of(one)])


def _same(score: Score, told: Sequence[Told]) -> None:
    """Equal to the last digit: the value as the exact fraction rounds, the error as its exact root does."""
    expected, squared = naive.value(told), naive.squared_error(told)
    assert score.tally.answers == len(told)
    if expected is None or squared is None:
        assert (score.value, score.standard_error, score.interval) == (None, None, None)
        return
    assert score.value == float(expected)
    assert score.standard_error is not None
    with localcontext() as exact:
        exact.prec = 40
        root = (Decimal(squared.numerator) / Decimal(squared.denominator)).sqrt()
    assert f"{score.standard_error:.12g}" == f"{float(root):.12g}"
    assert score.interval is not None
    ends = (score.interval.low, score.interval.high)
    if score.metric is Metric.CSAT:
        satisfied = sum(naive.group(one.metric, one.score) == "positive" for one in told)
        assert ends == pytest.approx([float(end) for end in naive.share_ends(satisfied, len(told))], abs=1e-9)
    else:
        side = 1.96 * score.standard_error
        assert ends == pytest.approx([score.value - side, score.value + side], abs=1e-9)


def test_the_example_of_a_hundred_answers(world: World) -> None:
    scores = [9] * 35 + [7] * 40 + [0] * 25
    world.say(*(answered(f"person {number}", 1, score) for number, score in enumerate(scores)))
    headline = figures.headline(world.counting(), Filter(Metric.NPS, DAY, DAY))
    assert headline.score.value == 10
    assert headline.score.margin is not None
    assert round(headline.score.margin) == 15


def test_a_rolling_trend_looks_back_behind_the_period(world: World) -> None:
    world.say(answered("ann", 0, 9), answered("bob", 24 * 29, 0), answered("cyd", 24 * 30, 7))
    wanted = Filter(Metric.NPS, DAY + timedelta(days=29), DAY + timedelta(days=30), Rolling.MONTH)
    points = figures.trend(world.counting(), wanted)
    assert [(point.until, point.score.tally.answers, point.score.value) for point in points] == [
        (date(2026, 4, 18), 2, 0.0),
        (date(2026, 4, 19), 2, -50.0),
    ]


def test_a_day_is_one_of_the_reporting_time_zone(pool: Pool) -> None:
    world = World(pool, zone=ZoneInfo("Europe/Berlin"))
    world.forget()
    # The clocks were turned forward in the night to the 29th: it has 23 hours.
    evening = (datetime(2026, 3, 29, 21, 59, tzinfo=UTC) - hour(0)) / timedelta(hours=1)
    world.say(answered("ann", evening, 9), answered("bob", evening + 1 / 30, 0))
    points = figures.trend(world.counting(), Filter(Metric.NPS, date(2026, 3, 29), date(2026, 3, 30)))
    assert [point.score.value for point in points] == [100.0, -100.0]


def test_the_view_for_other_tools_holds_what_the_figures_count(world: World) -> None:
    world.say(
        answered("ann", 1, 9, themes=("price", "speed")), answered("bob", 1, 0), answered("cyd", 1, None)
    )
    with world.pool.connection() as connection:
        rows = connection.execute(
            "SELECT day, score, score_group, themes, previous_group FROM counted_answers ORDER BY score"
        ).fetchall()
    assert rows == [(DAY, 0, "detractor", None, "first"), (DAY, 9, "promoter", ["price", "speed"], "first")]


def test_the_views_for_other_tools_have_each_dimension_and_nobodys_name(world: World) -> None:
    world.say(
        account("acme", 0, owner_email="olga@ours.test"),
        profile("ann", 0, name="Ann", email="ann@acme.test", account_id="acme", role="buyer"),
        requested("ann", 1, 1),
        sent("ann", 1, 1),
        answered("ann", 2, 3, request_id=request_id(1), comment="slow").model_copy(update={"language": "en"}),
        answered("ann", 50, 9, number=2),
    )
    with world.pool.connection() as connection:
        answers_read = connection.execute("SELECT * FROM counted_answers ORDER BY score")
        names = [column.name for column in answers_read.description or ()]
        first = dict(zip(names, answers_read.fetchall()[0], strict=True))
        asked_of = connection.execute(
            "SELECT metric, day, is_answered, program, role, account_owner FROM counted_requests"
        ).fetchall()
    renamed = {"group": "score_group", "owner": "account_owner", "before": "previous_group"}
    renamed |= {"next": "next_group", "theme": "themes", "function": "functions", "wish": "wishes"}
    assert {renamed.get(one, one) for one in Dimension} <= first.keys()
    told = {
        name: first[name]
        for name in ("account_id", "account_owner", "role", "language", "turn", "next_group")
    }
    assert told == {
        "account_id": "acme",
        "account_owner": "olga@ours.test",
        "role": "buyer",
        "language": "en",
        "turn": "higher",
        "next_group": "promoter",
    }
    assert not {"person", "name", "email", "comment"} & first.keys()
    assert asked_of == [("nps", DAY, True, "yearly", "buyer", "olga@ours.test")]
