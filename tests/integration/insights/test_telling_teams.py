"""Digests and alerts: what they say, once a period, also with two processes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from runtime.cloudevents import decode
from runtime.messages import Record
from runtime.outbox import from_json
from schemas.delivery_requests import DeliveryRequested
from schemas.outcomes import OutcomeKind
from services.insights.digests import DigestEntry, Every
from services.insights.filters import Dimension
from services.insights.source import Source
from services.insights.telling_teams import TellingTeams
from tests.integration.insights.world import EPOCH, UTC_ZONE, World, answered, launched, outcome, profile

MONDAY = EPOCH + timedelta(days=59)
"""A Monday, eight weeks after the first answers."""
ENTRY = DigestEntry(team="product", every=(Every.DAY, Every.WEEK), to=("slack", "email"))


@dataclass
class At:
    """A clock that shows nine in the morning, some days after that Monday."""

    days: int = 0

    def now(self) -> datetime:
        return datetime.combine(MONDAY.date() + timedelta(days=self.days), time(9), UTC)


def telling(world: World, clock: At, *entries: DigestEntry) -> TellingTeams:
    source = Source(pool=world.pool, clock=clock, zone=UTC_ZONE)
    return TellingTeams(source, entries or [ENTRY], "https://insights.test")


def asked_for(world: World) -> list[DeliveryRequested]:
    """What was published since the last time."""
    with world.pool.connection() as connection:
        rows = connection.execute("DELETE FROM outbox RETURNING id, topic, key, value, headers").fetchall()
    known = {DeliveryRequested.TYPE: DeliveryRequested}
    return [
        decode(Record(topic, 0, 0, key, value, from_json(headers), EPOCH), known)
        for _, topic, key, value, headers in sorted(rows)
    ]


def weeks(world: World, scores: Sequence[int], first_day: int, segment: str = "enterprise") -> None:
    """An answer a score, spread over four weeks."""
    for number, score in enumerate(scores):
        person = f"{segment} {first_day} {number}"
        world_day = first_day + number % 27
        world.say(
            profile(person, 0, name=f"Person {number}", segment=segment),
            answered(person, 24 * world_day + 9, score, comment="Slow." if score < 7 else None),
        )


def test_a_digest_comes_once_a_period_also_from_two_processes(world: World) -> None:
    assert MONDAY.weekday() == 0
    weeks(world, [9] * 20 + [2] * 15, 31)
    world.say(
        profile("ann", 0, name="Ann Lee"),
        answered("ann", 24 * 40, 10),
        answered("ann", 24 * 58, 1, number=2, comment="The export broke."),
        outcome("ann", 2, 24 * 58 + 2, OutcomeKind.RESOLVED, reason="fixed", root_cause="a queue"),
        launched(24 * 57, "4.0"),
    )
    clock = At()
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda process: process.turn(), [telling(world, clock), telling(world, clock)]))
    requests = asked_for(world)
    assert sorted((one.destination, str(one.content["title"])[:24]) for one in requests) == [
        ("email", "What customers said on 1"),
        ("email", "What customers said, 11 "),
        ("slack", "What customers said on 1"),
        ("slack", "What customers said, 11 "),
    ]
    week = next(str(one.content["text"]) for one in requests if "2026 to" in str(one.content["title"]))
    for words in (
        "±",
        "From promoter to detractor: Ann Lee (1)",
        "detractors heard back from us",
        "1 times: a queue",
        "Released: 4.0",
        "https://insights.test/",
    ):
        assert words in week, week
    telling(world, clock).turn()
    assert asked_for(world) == []
    clock.days = 1
    telling(world, clock).turn()
    assert {one.destination for one in asked_for(world)} == {"slack", "email"}


def test_a_change_in_a_segment_is_told_once_until_it_was_calm(world: World) -> None:
    weeks(world, [9] * 60, 4)
    weeks(world, [2] * 60, 32)
    weeks(world, [9, 2] * 30, 4, "small")
    weeks(world, [9, 2] * 30, 32, "small")
    watching = DigestEntry(team="product", to=("slack",), alert_by=(Dimension.SEGMENT,))
    clock = At()
    telling(world, clock, watching).turn()
    told = sorted(str(one.content["text"]).split(":")[0] for one in asked_for(world))
    assert told == ["NPS of segment enterprise", "Share of detractors of segment enterprise"]
    clock.days = 1
    telling(world, clock, watching).turn()
    assert asked_for(world) == []
