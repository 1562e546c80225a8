from runtime.salesforce_budget import STALE_SECONDS, Budget


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_last_of_the_daily_calls_are_left_to_others() -> None:
    budget = Budget(0.1, Clock())
    budget.note(899, 1000)
    assert budget.wait_seconds() == 0

    budget.note(900, 1000)

    assert budget.wait_seconds() == STALE_SECONDS


def test_after_a_while_one_looks_again() -> None:
    clock = Clock()
    budget = Budget(0.1, clock)
    budget.note(1000, 1000)
    clock.now += STALE_SECONDS - 1
    assert budget.wait_seconds() == 1.0

    clock.now += 1
    assert budget.wait_seconds() == 0

    budget.note(400, 1000)
    assert budget.wait_seconds() == 0


def test_before_anything_is_known_calls_are_made() -> None:
    assert Budget(0.99, Clock()).wait_seconds() == 0
