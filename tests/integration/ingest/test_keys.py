"""API keys: made and ended on the command line, and what each of them allows."""

from datetime import UTC, datetime, timedelta

import httpx2
import psycopg
import pytest
from fastapi import FastAPI, Request
from typer.testing import CliRunner, Result

from cli.app import app
from runtime.postgres import conninfo
from runtime.problems import add_problem_handlers
from services.ingest.api_keys import ApiKeys, Scope, digest_of
from services.ingest.callers import Callers
from tests.integration.ingest.world import Ingest, eventually
from tests.unit.runtime.asgi import call

GOOD = {"metric": "nps", "score": 3, "source_id": "k-1"}


@pytest.fixture(autouse=True)
def _tables(ingest: Ingest, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ingest.is_ready()
    monkeypatch.setenv("DATABASE_URL", database)


def feedback(*command: str) -> Result:
    return CliRunner().invoke(app, ["keys", *command])


def made(*command: str) -> tuple[str, str]:
    """The id and the key."""
    told = feedback("create", *command)
    assert told.exit_code == 0, told.output
    words = told.stdout.split()
    return words[3], words[-1]


def send(ingest: Ingest, key: str, path: str = "/v1/responses") -> httpx2.Response:
    return ingest.http.post(path, json=GOOD, headers={"Authorization": f"Bearer {key}"})


def test_a_key_is_shown_once_works_and_is_revoked(ingest: Ingest, database: str) -> None:
    key_id, key = made("zapier")
    eventually(lambda: send(ingest, key).status_code == 202)
    assert "zapier" in feedback("list").stdout
    assert key not in feedback("list").stdout
    with psycopg.connect(conninfo(database, schema="ingest", application="tests")) as connection:
        kept = connection.execute("SELECT api_keys::text FROM api_keys").fetchall()
    assert key not in str(kept)
    assert key.removeprefix("fr_") not in str(kept)

    assert feedback("revoke", key_id).exit_code == 0
    eventually(lambda: send(ingest, key).status_code == 401)
    assert "revoked" in feedback("list").stdout
    assert feedback("revoke", key_id).exit_code == 1
    assert key not in ingest.log.read_text()


def test_a_key_may_send_what_its_scopes_say(ingest: Ingest) -> None:
    _, key = made("crm", "--scope", "profiles", "--scope", "accounts")
    headers = {"Authorization": f"Bearer {key}"}
    eventually(lambda: ingest.http.put("/v1/accounts/a", json={}, headers=headers).status_code == 200)
    for path in ("/v1/responses", "/v1/responses/batch", "/v1/lifecycle-events"):
        refused = send(ingest, key, path)
        assert refused.status_code == 403
        assert "accounts, profiles" in refused.json()["detail"]


def test_a_key_expires(ingest: Ingest, database: str) -> None:
    key_id, key = made("crm", "--expires", "1d")
    eventually(lambda: send(ingest, key).status_code == 202)
    with psycopg.connect(conninfo(database, schema="ingest", application="tests")) as connection:
        connection.execute("UPDATE api_keys SET expires_at = now() WHERE key_id = %s", (key_id,))
    eventually(lambda: send(ingest, key).status_code == 401)
    assert "expired" in feedback("list").stdout


@pytest.mark.parametrize(
    "command",
    [
        ("Crm",),
        ("survey",),
        ("crm", "--expires", "soon"),
        ("crm", "--expires", f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"),
        ("crm", "--scope", "everything"),
    ],
)
def test_what_cannot_be_is_refused(command: tuple[str, ...]) -> None:
    assert feedback("create", *command).exit_code == 2


def test_a_key_that_sends_too_much_is_told_when_to_come_back() -> None:
    callers = Callers(ApiKeys.parse(f"crm:{digest_of('fr_one').hex()}"), records_per_second=5)
    limited = FastAPI()
    add_problem_handlers(limited)

    @limited.post("/records")
    async def records(request: Request) -> None:
        callers.count(callers.admit(request, Scope.RESPONSES), 5)

    told = [call(limited, "POST", "/records", "", Authorization="Bearer fr_one") for _ in range(20)]
    late = next(one for one in told if one.status_code == 429)
    assert told[0].status_code == 200
    assert late.headers["retry-after"] == "1"
    assert "5 records a second" in late.json()["detail"]
