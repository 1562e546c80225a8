"""The page turns the business clock of every service."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import psycopg

from runtime.clock import CREATE_SQL, ShiftedClock
from sandbox.client import Credentials, RunningSandbox


def test_turning_it_on_the_page_turns_it_for_the_services(database: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": database}
    with RunningSandbox.start(
        Credentials.generate(), log=tmp_path / "sandbox.log", environment=environment
    ) as sandbox:
        early = httpx2.post(f"{sandbox.url}/clock", data={"days": 1})
        assert early.status_code == 503
        assert "feedback migrate" in early.json()["detail"]

        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(CREATE_SQL)
        turned = httpx2.post(f"{sandbox.url}/clock", data={"days": 31})
        assert turned.json() == {"offset_seconds": timedelta(days=31).total_seconds()}
        again = httpx2.post(f"{sandbox.url}/clock", data={"days": 0.5}, headers={"accept": "text/html"})
        assert again.status_code == 303

        clock = ShiftedClock(database)
        clock.close()
        ahead = clock.now() - datetime.now(UTC)
        assert abs(ahead - timedelta(days=31.5)) < timedelta(seconds=5)
        assert "31.5 days ahead" in httpx2.get(f"{sandbox.url}/").text
