from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime.settings import BadSettings, ServiceSettings, load, read


class Settings(ServiceSettings):
    ops_port: int = 8002
    allowed: tuple[str, ...] = ()
    """Channels, as a JSON list."""
    signing_secret: SecretStr = SecretStr("")


GOOD = {
    "KAFKA_BOOTSTRAP_SERVERS": "one:9092,two:9092",
    "DATABASE_URL": "postgresql://router:s3cret@db:5432/feedback",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*GOOD, "INSTANCE", "OPS_PORT", "LOG_LEVEL", "BUSINESS_CLOCK", "CONFIG_DIR", "OPS_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def sentences() -> list[str]:
    with pytest.raises(BadSettings) as refused:
        read(Settings)
    return refused.value.sentences


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTANCE", "2")
    settings = read(Settings)
    kafka = settings.kafka("router")
    assert (kafka.bootstrap_servers, kafka.group_instance_id) == ("one:9092,two:9092", "router-2")


def test_a_secret_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL")
    (tmp_path / "database_url").write_text("postgresql://from@file/db\n")
    assert read(Settings).database_url.get_secret_value() == "postgresql://from@file/db"


def test_of_several_folders_of_secrets_the_first_that_has_the_file_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for folder in (second, third):
        folder.mkdir()
        (folder / "database_url").write_text(f"postgresql://feedback@postgres/{folder.name}")
    monkeypatch.setenv("SECRETS_DIR", f"{first}:{second}:{third}")
    assert read(Settings).database_url.get_secret_value().endswith("/second")


@pytest.mark.parametrize("empty", [False, True])
def test_a_missing_variable_is_named_with_what_it_should_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty: bool
) -> None:
    if empty:
        monkeypatch.setenv("DATABASE_URL", "")
    else:
        monkeypatch.delenv("DATABASE_URL")
    assert sentences() == [
        "DATABASE_URL is missing. Expected: PostgreSQL as postgresql://user:password@host:port/database."
        f" Set it in the environment or as the file {tmp_path / 'database_url'}."
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OPS_PORT", "http", "OPS_PORT cannot be used: it should be a valid integer"),
        (
            "LOG_LEVEL",
            "LOUD",
            "LOG_LEVEL cannot be used: it should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'.",
        ),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL cannot be used: it does not begin with postgresql://."),
        ("ALLOWED", "a,b", "ALLOWED cannot be used: it is not JSON. Expected: Channels, as a JSON list."),
        ("SIGNING_SECRET", "change-me", "SIGNING_SECRET cannot be used: it still holds a placeholder."),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka", "KAFKA_BOOTSTRAP_SERVERS cannot be used: "),
    ],
)
def test_a_bad_value_is_named_and_never_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    (sentence,) = sentences()
    assert sentence.startswith(told)
    assert value not in sentence.replace(name, "").replace("'DEBUG', 'INFO', 'WARNING' or 'ERROR'", "")


def test_a_service_does_not_start_with_bad_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_PORT", "http")
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "OPS_PORT" in told
    assert "DATABASE_URL" in told
