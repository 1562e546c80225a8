from pathlib import Path

import pytest

from runtime.settings import BadSettings
from runtime.yaml_file import ConfigError
from services.router.destination_settings import read_destinations
from services.router.plugins import discover

PLUGINS = discover()


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "destinations.yaml"
    path.write_text(text)
    return path


def test_the_shipped_file_is_good() -> None:
    assert read_destinations(Path("deploy/config/destinations.yaml"), PLUGINS).keys() == PLUGINS.keys()


def test_the_file_beats_the_default_and_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, "slack:\n  calls_per_second: 3\n  parallel_calls: 7\n")
    monkeypatch.setenv("SLACK_CALLS_PER_SECOND", "50")

    slack = read_destinations(path, PLUGINS)["slack"].model_dump()

    assert (slack["calls_per_second"], slack["parallel_calls"], slack["deadline_seconds"]) == (50, 7, 10)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("slack:\n  calls_per_second: fast\n", r"destinations\.yaml:2: slack\.calls_per_second: "),
        ("slack:\n  deadline_seconds: 600\n", r"destinations\.yaml:2: slack\.deadline_seconds: "),
        ("slack:\n  speed: 1\n", r"destinations\.yaml:2: slack\.speed: is not known here"),
        ("slack:\n  bot_token: xoxb-1\n", r"destinations\.yaml:2: slack\.bot_token: is not known here"),
        ("teams: {}\n", r"destinations\.yaml:1: teams: is not known here"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_field(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_destinations(file(tmp_path, text), PLUGINS)


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETING_URL", "not-a-url")

    with pytest.raises(BadSettings, match="MARKETING_URL cannot be used"):
        read_destinations(file(tmp_path, "{}"), PLUGINS)
