import json

import pytest

from bench.report import publish


def _publish(**limits: dict[str, float]) -> int:
    return publish(
        "classifier",
        figures={"per_second": 13_700.4, "ratio": 3.6, "fsync": True},
        scale={"events": 100_000},
        reference="the textbook agent",
        packages=["pytest"],
        at_least=limits.get("at_least", {}),
        at_most=limits.get("at_most", {}),
    )


def test_the_last_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    status = _publish(at_least={"ratio": 3, "events": 100_000}, at_most={"per_second": 20_000})
    table, last_line = capsys.readouterr().out.rsplit("\n", 2)[:2]
    told = json.loads(last_line)
    assert status == 0
    assert (told["per_second"], told["ratio"], told["fsync"], told["events"]) == (
        13_700.4,
        3.6,
        True,
        100_000,
    )
    assert (told["bench"], told["reference"], told["missed"]) == ("classifier", "the textbook agent", [])
    assert told["versions"].keys() >= {"python", "kafka", "pytest", "machine"}
    assert "13,700" in table
    assert "≥ 100,000" in table


@pytest.mark.parametrize(
    ("limits", "missed"),
    [
        ({"at_least": {"ratio": 3.7}}, ["ratio"]),
        ({"at_most": {"ratio": 3.5}}, ["ratio"]),
        ({"at_least": {"events": 100_001}}, ["events"]),
    ],
)
def test_a_missed_limit_fails_and_is_named(
    capsys: pytest.CaptureFixture[str], limits: dict[str, dict[str, float]], missed: list[str]
) -> None:
    assert _publish(**limits) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["missed"] == missed
