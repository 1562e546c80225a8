"""What the router keeps of people and accounts, and how it knows that it is up to date."""

import threading
from dataclasses import replace
from itertools import permutations

import pytest

from runtime.consumer import Delivered
from runtime.messages import Record
from schemas.profiles import ProfileChanged, ProfileErased
from services.router import projections
from services.router.freshness import FreshFacts, Offsets, read_progress
from services.router.projections import Identity
from tests.integration.router.world import EPOCH, World, account, profile


def _versions(world: World) -> list[tuple[str, int]]:
    return world.ask("SELECT person_key, version FROM profiles ORDER BY person_key")


@pytest.mark.parametrize("together", [True, False])
def test_a_lower_version_never_replaces_a_higher_one(world: World, together: bool) -> None:
    changes = [profile("ann", 2), profile("ann", 1), profile("ann", 2)]
    for batch in [changes] if together else [[change] for change in changes]:
        world.project(*batch)

    assert _versions(world) == [("ann", 2)]


def test_accounts_keep_their_highest_version(world: World) -> None:
    world.project(account(2, name="New"), account(1, name="Old"))
    world.project(account(1, name="Old"))

    assert world.ask("SELECT version, state->>'name' FROM accounts") == [(2, "New")]


@pytest.mark.parametrize("together", [True, False])
def test_a_tombstone_erases_and_a_repeat_of_what_was_erased_does_not_bring_it_back(
    world: World, together: bool
) -> None:
    changes: list[projections.Change] = [profile("ann", 3), ProfileErased("ann", EPOCH), profile("ann", 3)]
    for batch in [changes] if together else [[change] for change in changes]:
        world.project(*batch)

    assert world.ask("SELECT erased, state FROM profiles") == [(True, {})]
    with world.pool.connection() as connection:
        assert projections.identities_of(connection, ["ann"]) == {"ann": Identity(None, frozenset({"ann"}))}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_merges_end_with_the_same_winner_in_whichever_order_they_come(
    world: World, order: tuple[int, ...]
) -> None:
    changes = [
        profile("a", 2, merged_into="b"),
        profile("b", 2, merged_into="c"),
        profile("c", 2, account_id="shop"),
    ]
    for index in order:
        world.project(changes[index])

    with world.pool.connection() as connection:
        found = projections.identities_of(connection, ["a", "b", "c"])
    assert {key: one.profile and one.profile.person_key for key, one in found.items()} == dict.fromkeys(
        "abc", "c"
    )
    assert {one.keys for one in found.values()} == {frozenset("abc")}


def test_a_tombstone_is_decoded_as_an_erasure() -> None:
    record = Record(ProfileChanged.TOPIC, 0, 0, b"ann", None, (), EPOCH)
    assert projections.decode(record) == ProfileErased("ann", EPOCH)


def test_planning_waits_for_the_replica_that_projects_another_partition(world: World) -> None:
    record = Record(ProfileChanged.TOPIC, 4, 9, b"ann", b"", (), EPOCH)
    ends: Offsets = {(ProfileChanged.TOPIC, 4): 10}

    def project() -> None:
        with world.pool.connection() as connection:
            projections.project(connection, [Delivered(record, profile())])

    late = threading.Timer(0.3, project)
    late.start()
    with world.pool.connection() as connection:
        assert FreshFacts(lambda: ends, wait_seconds=10).wait(connection)
        assert read_progress(connection) == ends
    late.join()


def test_planning_goes_on_with_what_is_known_when_the_time_is_up(world: World) -> None:
    with world.pool.connection() as connection:
        assert not FreshFacts(lambda: {("customer.profiles.v1", 0): 1}, wait_seconds=0.1).wait(connection)


def test_progress_never_goes_back(world: World) -> None:
    record = Record(ProfileChanged.TOPIC, 0, 9, b"ann", b"", (), EPOCH)
    with world.pool.connection() as connection:
        projections.project(connection, [Delivered(record, profile())])
        projections.project(connection, [Delivered(replace(record, offset=3), profile())])
        assert read_progress(connection) == {(ProfileChanged.TOPIC, 0): 10}
