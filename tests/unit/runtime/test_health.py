from functools import partial

from structlog.testing import capture_logs

from runtime.health import Health


def test_what_a_service_waits_for_is_logged_once_for_each_change() -> None:
    waits_for: dict[str, str] = {"consumer": "has not joined its group"}
    health = Health()
    for name in ("consumer", "postgres"):
        health.add(name, partial(waits_for.get, name))
    with capture_logs() as lines:
        for _ in range(3):
            health.problems()
        waits_for["postgres"] = "refuses connections"
        health.problems()
        waits_for.clear()
        for _ in range(2):
            health.problems()
    assert [(line["event"], sorted(line.get("problems", {}))) for line in lines] == [
        ("not ready", ["consumer"]),
        ("not ready", ["consumer", "postgres"]),
        ("ready", []),
    ]


def test_a_check_that_raises_is_an_answer() -> None:
    health = Health()

    def broken() -> None:
        raise TimeoutError

    health.add("broker", broken)
    assert health.problems() == {"broker": "the check failed (TimeoutError)"}
