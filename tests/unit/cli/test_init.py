"""`feedback init`: what it writes, and what it leaves alone."""

import importlib
import stat
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from runtime.settings import read
from services.ingest.api_keys import ApiKeys
from services.ingest.settings import IngestSettings
from services.router.plugins import discover


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["init", "--dir", str(folder), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def secret(folder: Path, name: str) -> str:
    """Its content, the same wherever it is held."""
    contents = {path.read_text() for path in (folder / "secrets").glob(f"*/{name}")}
    assert len(contents) == 1, name
    return contents.pop()


def key_in(output: str) -> str:
    return next(word for word in output.split() if word.startswith("fr_"))


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    run(tmp_path)
    files = [path for path in (tmp_path / "secrets").rglob("*") if path.is_file()]
    assert {"database_url", "ingest_api_keys", "slack_bot_token"} <= {file.name for file in files}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_container_sees_only_its_own_secrets(tmp_path: Path) -> None:
    run(tmp_path)
    held = {path.name: {file.name for file in path.iterdir()} for path in (tmp_path / "secrets").iterdir()}
    keys = {"ingest_api_keys", "person_key_secret", "survey_token_secret", "widget_secret"}
    assert held["ingest"] == {"database_url", "imap_password", "salesforce_private_key", *keys}
    assert held["scheduler"] == {"database_url", "scheduler_operator_key"}
    assert held["archive"] == {"database_url"}
    of_insights = {
        "session_secret",
        "oidc_client_secret",
        "local_password",
        "insights_api_key",
        "router_operator_key",
        "scheduler_operator_key",
    }
    assert held["insights"] == {"database_url", *of_insights}
    assert held["classifier"] == set()
    assert {"slack_bot_token", "salesforce_private_key", "survey_token_secret"} <= held["router"]
    assert "salesforce_private_key" not in held["sandbox"]


def test_the_api_key_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    output = run(tmp_path, "--source", "shop")
    key = key_in(output)
    assert secret(tmp_path, "ingest_api_keys") == f"shop:{sha256(key.encode()).hexdigest()}"
    caller = ApiKeys.parse(secret(tmp_path, "ingest_api_keys")).caller_of(f"Bearer {key}", datetime.now(UTC))
    assert caller is not None
    assert caller.source == "shop"
    assert all(key not in file.read_text() for file in tmp_path.rglob("*") if file.is_file())


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\n")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    output = run(tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    assert "fr_" not in output
    assert ".env kept" in output


def test_a_secret_that_was_lost_is_made_again_and_fits_the_others(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / "secrets" / "scheduler" / "database_url").unlink()
    (tmp_path / "secrets" / "ingest" / "database_url").write_text("")
    run(tmp_path)
    assert secret(tmp_path, "postgres_password") in secret(tmp_path, "database_url")


def test_the_demo_fills_in_what_was_left_empty(tmp_path: Path) -> None:
    run(tmp_path)
    assert secret(tmp_path, "slack_bot_token") == ""
    person_key_secret = secret(tmp_path, "person_key_secret")
    run(tmp_path, "--demo")
    assert secret(tmp_path, "slack_bot_token").startswith("xoxb-")
    assert "PRIVATE KEY" in secret(tmp_path, "salesforce_private_key")
    assert secret(tmp_path, "person_key_secret") == person_key_secret


def test_the_services_can_use_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "secrets" / "ingest"))
    ingest = read(IngestSettings)
    assert ingest.person_key_secret.get_secret_value() == secret(tmp_path, "person_key_secret")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "secrets" / "router"))
    for plugin in discover().values():
        assert isinstance(plugin.connect(read(plugin.settings)), str), "without credentials it is disabled"


@pytest.mark.parametrize("source", ["survey", "My Shop", ""])
def test_a_source_that_ingest_could_not_read_is_refused(source: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", "--dir", str(tmp_path), "--source", source])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_jobs_need_no_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("slack_sdk", "simple_salesforce", "aiosmtplib", "cel", "ahocorasick_rs", "cryptography"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in [name for name in sys.modules if name.split(".")[0] in {"cli", "services", "sandbox"}]:
        monkeypatch.delitem(sys.modules, module)
    importlib.import_module("cli.app")
    importlib.import_module("cli.jobs")
