from runtime.health import Health
from runtime.ops import ops_app
from tests.unit.runtime.asgi import call


def failing() -> str | None:
    raise RuntimeError


def test_ready_names_what_is_not() -> None:
    health = Health()
    reasons: dict[str, str | None] = {"database": None}
    health.add("database", lambda: reasons["database"])
    app = ops_app(health)
    assert call(app, "GET", "/health/ready").json() == {"status": "ready", "problems": {}}
    reasons["database"] = "it does not answer"
    response = call(app, "GET", "/health/ready")
    assert response.status_code == 503
    assert response.json()["problems"] == {"database": "it does not answer"}
    assert call(app, "GET", "/health/live").status_code == 200


def test_a_check_that_fails_is_not_ready() -> None:
    health = Health()
    health.add("broken", failing)
    assert health.problems() == {"broken": "the check failed (RuntimeError)"}


def test_metrics_are_in_prometheus_text_format() -> None:
    response = call(ops_app(Health()), "GET", "/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert "# TYPE feedback_dead_letters_total counter" in response.text


def test_metrics_say_whether_it_is_ready() -> None:
    health = Health()
    reasons: dict[str, str | None] = {"database": None}
    health.add("database", lambda: reasons["database"])
    app = ops_app(health)
    assert "\nfeedback_ready 1.0\n" in call(app, "GET", "/metrics").text
    reasons["database"] = "it does not answer"
    assert "\nfeedback_ready 0.0\n" in call(app, "GET", "/metrics").text
