"""What is made anew from the archive is what was there."""

from collections.abc import Sequence
from random import Random

import pytest
from typer.testing import CliRunner

from cli.app import app
from runtime.cloudevents import to_message
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.migrations import migrate
from runtime.postgres import open_pool
from runtime.tracing import new_traceparent
from schemas.event import Event
from schemas.profiles import ProfileErased
from services.ingest import archive
from services.insights.rebuild import totals
from tests.integration.insights.histories import History
from tests.integration.insights.world import World, answered, hour


def archived(url: str, events: Sequence[Event]) -> None:
    migrate(url, "ingest")
    pool = open_pool(url, schema="ingest", application="tests")
    with pool.connection() as connection:
        messages = [to_message(event, source="/tests", traceparent=new_traceparent()) for event in events]
        records = [
            Record(one.topic, 0, offset, one.key, one.value, one.headers, hour(offset))
            for offset, one in enumerate(messages)
        ]
        archive.keep(connection, [Delivered(record, record) for record in records])
    pool.close()


def test_the_archive_says_what_the_topics_said(
    world: World, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database)
    events = [one for one in History(Random(7), 80).said if not isinstance(one, ProfileErased)]  # noqa: S311 - repeatable
    for event in events:
        world.say(event)
    archived(database, events)
    with world.pool.connection() as connection:
        before = totals(connection)
    assert before

    checked = CliRunner().invoke(app, ["insights", "rebuild", "--check"])
    assert (checked.exit_code, checked.output.split("; ")[-1].strip()) == (
        0,
        "0 totals differ from those before",
    )
    rebuilt = CliRunner().invoke(app, ["insights", "rebuild"])
    assert rebuilt.exit_code == 0
    with world.pool.connection() as connection:
        assert totals(connection) == before

    world.say(answered("nobody archived", 1))
    checked = CliRunner().invoke(app, ["insights", "rebuild", "--check"])
    assert checked.exit_code == 1
    assert "day" in checked.output
    with world.pool.connection() as connection:
        assert totals(connection) != before
