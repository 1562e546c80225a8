"""The alert rules: valid, tested both ways, each with a page that says what to do."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


RULES = _rules()


def promtool(*arguments: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [program, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_configuration() -> None:
    promtool("check", "config", "prometheus.yml")


def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", "alerts_test.yml")


@pytest.mark.parametrize("alert", [rule["alert"] for rule in RULES])
def test_an_alert_is_tested_quiet_and_firing(alert: str) -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    expectations = [
        bool(case["exp_alerts"])
        for test in tests
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert
    ]
    assert set(expectations) == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    runbook = ROOT / rule["annotations"]["runbook"]
    assert runbook.parent == RUNBOOKS
    assert f"({rule['alert']})" in runbook.read_text().splitlines()[0]


def test_a_runbook_belongs_to_an_alert() -> None:
    assert {path.name for path in RUNBOOKS.glob("*.md")} == {
        Path(rule["annotations"]["runbook"]).name for rule in RULES
    }
