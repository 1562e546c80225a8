"""`.env.example` follows the settings classes."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from cli import env_example
from cli.catalogue import sections, variables
from cli.env_example import main, render


class Sample(BaseSettings):
    token: SecretStr | None = None
    """The token."""
    size: int = 5
    """How many."""
    is_loud: bool = True
    place: str


def test_a_setting_is_described_by_its_class() -> None:
    token, size, is_loud, place = variables(Sample)
    assert (token.name, token.is_secret, token.default, token.secret_file) == ("TOKEN", True, None, "token")
    assert (size.default, size.is_required) == ("5", False)
    assert is_loud.default == "true"
    assert place.is_required


def test_each_setting_is_named_once() -> None:
    names = [variable.name for section in sections() for variable in section.variables]
    assert len(names) == len(set(names))
    assert {"KAFKA_BOOTSTRAP_SERVERS", "SLACK_BOT_TOKEN", "DELIVERY_MODE", "SCHEDULE_BATCH_SIZE"} <= set(
        names
    )


def test_every_setting_says_what_it_means() -> None:
    silent = [
        variable.name for section in sections() for variable in section.variables if not variable.meaning
    ]
    assert silent == []


def test_a_secret_is_never_assigned() -> None:
    lines = render("").splitlines()
    assert "#LOG_LEVEL=INFO" in lines
    assert not [line for line in lines if line.lstrip("#").startswith("PERSON_KEY_SECRET=")]
    assert [line for line in lines if "PERSON_KEY_SECRET is a secret" in line]


def test_what_the_compose_file_reads_is_named_with_its_default() -> None:
    compose = "image: ${KAFKA_IMAGE:-apache/kafka:4.3.0}\nlevel: ${LOG_LEVEL:-INFO}\nuser: ${FEEDBACK_UID}\n"
    lines = render(compose, {"FEEDBACK_UID": "7", "LOG_LEVEL": "DEBUG"}).splitlines()
    assert "#KAFKA_IMAGE=apache/kafka:4.3.0" in lines
    assert "FEEDBACK_UID=7" in lines
    assert [line for line in lines if "LOG_LEVEL=" in line] == ["LOG_LEVEL=DEBUG"]


def test_an_old_file_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(env_example, "EXAMPLE", tmp_path / ".env.example")
    assert main(["--check"]) == 1
    assert "python -m cli.env_example" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
