"""Thousands of schedules in which routers crash, stall and lose calls: nothing twice, nothing lost."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.router.delivery_machine import EPOCH, HARD, KINDS, SCHEDULES, DeliveryMachine, Event
from tests.unit.router.ledger_twin import Twin

EXAMPLES = 2_000
RARE = ("answer_lost", "late", "dropped", "deaths", "lost leases", "taken over in doubt", "clock jumps")


@pytest.mark.parametrize("schedule", HARD.values(), ids=HARD)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_schedule_ends_well(kind: str, schedule: list[Event]) -> None:
    DeliveryMachine(kind, Twin(EPOCH)).run(schedule)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_schedule_loses_an_effect_repeats_one_or_breaks_the_order_of_a_key() -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(kind=st.sampled_from([*KINDS, "looks"]), schedule=SCHEDULES)
    def run(kind: str, schedule: list[Event]) -> None:
        DeliveryMachine(kind, Twin(EPOCH)).run(schedule)

    before = DeliveryMachine.happened.copy()
    run()
    happened = DeliveryMachine.happened - before
    assert happened["schedules"] >= EXAMPLES
    assert min(happened[what] for what in RARE) >= EXAMPLES / 20, dict(happened)
