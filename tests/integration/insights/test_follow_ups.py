"""Open follow-ups by owner and age, and how soon customers heard from somebody."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest

from schemas.outcomes import FollowUpSnapshot, OutcomeKind, OutcomeRecorded
from schemas.profiles import ProfileErased
from services.insights import follow_ups
from services.insights.follow_ups import Owed
from tests.integration.insights.world import EPOCH, UTC_ZONE, World, hour, outcome, profile


def step(
    person: str, kind: OutcomeKind, at: float, version: int, opened: float = 0, **ends: float
) -> OutcomeRecorded:
    """Something that happened to the follow-up of a person's only answer; due after 4 and 16 hours."""
    owner = None if kind is OutcomeKind.OPENED else "maya"
    snapshot = FollowUpSnapshot(
        version=version,
        owner=owner,
        team="cs",
        opened_at=hour(opened),
        first_contact_due_at=hour(opened + 4),
        resolve_due_at=hour(opened + 16),
        contacted_at=hour(ends["contacted"]) if "contacted" in ends else None,
        resolved_at=hour(ends["resolved"]) if "resolved" in ends else None,
    )
    return outcome(person, 1, at, kind, actor=owner, follow_up=snapshot)


def owed(world: World, at: float) -> list[Owed]:
    with world.pool.connection() as connection:
        return follow_ups.owed(connection, hour(at))


COURSE = [
    step("ann", OutcomeKind.OPENED, 0, 1),
    step("ann", OutcomeKind.CONTACTED, 2, 2, contacted=2),
    step("ann", OutcomeKind.RESOLVED, 3, 3, contacted=2, resolved=3),
    step("ann", OutcomeKind.REOPENED, 30, 4),
]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_the_latest_snapshot_holds_and_the_first_contact_is_kept_in_whatever_order(
    world: World, order: Sequence[int]
) -> None:
    for index in order:
        world.say(COURSE[index])
    assert owed(world, 31) == [Owed("maya", 1, 0, 1, 0, 1)]
    with world.pool.connection() as connection:
        quick = follow_ups.quickness(connection, EPOCH.date(), EPOCH.date(), UTC_ZONE)
    assert (quick.opened, quick.contacted, quick.median) == (1, 1, timedelta(hours=2))


def test_what_is_open_is_told_by_owner_and_age_and_who_is_late(world: World) -> None:
    world.say(
        step("ann", OutcomeKind.OPENED, 200, 1, opened=200),
        step("bob", OutcomeKind.CLAIMED, 100, 2, opened=100),
        step("cyd", OutcomeKind.CONTACTED, 1, 2, contacted=1),
        step("dan", OutcomeKind.RESOLVED, 1, 2, resolved=1),
    )
    assert owed(world, 201) == [Owed("maya", 2, 0, 1, 1, 2), Owed(None, 1, 1, 0, 0, 0)]


def test_a_follow_up_ends_with_its_person_also_under_a_key_folded_into_another(world: World) -> None:
    world.say(*COURSE, profile("new", 40, merged_from=("ann",)))
    world.say(ProfileErased("ann", hour(50)))
    assert owed(world, 60) == []
    world.say(COURSE[0])
    assert owed(world, 60) == []
