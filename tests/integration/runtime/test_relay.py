"""The outbox and its relay on a real broker and a real database."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from runtime import outbox
from runtime.cloudevents import event_id_of
from runtime.messages import Message
from runtime.outbox import Progress
from runtime.postgres import Pool, conninfo
from runtime.relay import Relay
from tests.integration.runtime.world import Broker, message, running, until


@pytest.fixture
def session(database: str, schema: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(conninfo(database, schema=schema, application="tests")) as connection:
        yield connection


def relay_of(broker: Broker, pool: Pool) -> Relay:
    return Relay(pool=pool, kafka=broker.settings)


def append(pool: Pool, messages: list[Message]) -> list[int]:
    with pool.connection() as connection:
        return outbox.append(connection, messages)


def progress(pool: Pool, ids: list[int]) -> Progress:
    with pool.connection() as connection:
        return outbox.progress(connection, ids)


def test_relays_keys_values_tombstones_and_headers_in_order(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    sent = [message(topic, number) for number in range(700)]
    sent.append(Message(topic, b"\x00key", None, (("raw", bytes(range(256))),)))
    ids = append(pool, sent)
    assert ids == sorted(ids)
    assert progress(pool, ids) is Progress.OWED
    relay = relay_of(broker, pool)
    with running(relay.run):
        until(lambda: progress(pool, ids) is Progress.SENT, "all rows are marked")
        assert relay.check() is None
    assert broker.read(topic, len(sent)) == sent


def test_nothing_leaves_before_the_transaction_that_said_it_is_committed(
    broker: Broker, pool: Pool, session: psycopg.Connection[tuple[object, ...]]
) -> None:
    topic = broker.topic()
    outbox.append(session, [message(topic, 1)])
    session.rollback()
    ids = append(pool, [message(topic, 2)])
    with running(relay_of(broker, pool).run):
        until(lambda: progress(pool, ids) is Progress.SENT, "the committed row is sent")
    (sent,) = broker.read(topic, 1)
    assert event_id_of(sent.headers) == "counted-2"


def test_a_lower_id_that_commits_later_is_sent_too(
    broker: Broker, pool: Pool, session: psycopg.Connection[tuple[object, ...]]
) -> None:
    topic = broker.topic()
    lower = outbox.append(session, [message(topic, 1, key="slow")])
    higher = append(pool, [message(topic, 2, key="quick")])
    assert lower < higher
    with running(relay_of(broker, pool).run):
        until(lambda: progress(pool, higher) is Progress.SENT, "the quick transaction's row is sent")
        assert session.info.transaction_status is TransactionStatus.INTRANS
        session.commit()
        until(lambda: progress(pool, lower) is Progress.SENT, "the slow transaction's row is sent")
    assert [record.key for record in broker.read(topic, 2)] == [b"quick", b"slow"]


def test_a_row_that_the_broker_refuses_is_marked_and_holds_up_no_other(broker: Broker, pool: Pool) -> None:
    topic = broker.topic(configs={"max.message.bytes": "100000"})
    headers = message(topic, 0).headers
    huge = Message(topic, b"huge", b"x" * 150_000, headers)
    hopeless = Message(topic, b"hopeless", b"x" * 3_000_000, headers)
    good = [message(topic, number) for number in range(300)]
    ids = append(pool, [*good[:100], huge, *good[100:200], hopeless, *good[200:]])
    with running(relay_of(broker, pool).run):
        until(lambda: progress(pool, ids[:100]) is Progress.SENT, "rows before it are sent")
        until(lambda: progress(pool, ids[100:101]) is Progress.REFUSED, "the first is marked")
        until(lambda: progress(pool, ids[201:202]) is Progress.REFUSED, "the second is marked")
        until(lambda: progress(pool, [*ids[101:201], *ids[202:]]) is Progress.SENT, "the rest is sent")
    with pool.connection() as connection:
        causes = connection.execute("SELECT refused_cause FROM outbox WHERE refused_cause IS NOT NULL")
        assert causes.fetchall() == [("larger than its topic takes",)] * 2
    assert broker.read(topic, 300) == good


def test_one_relay_works_and_another_takes_over(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    with ExitStack() as replicas:
        first = replicas.enter_context(running(relay_of(broker, pool).run))
        ids = append(pool, [message(topic, 0)])
        until(lambda: progress(pool, ids) is Progress.SENT, "the first one works")
        replicas.enter_context(running(relay_of(broker, pool).run))
        later = []
        for number in range(1, 101):
            later += append(pool, [message(topic, number)])
        until(lambda: progress(pool, later) is Progress.SENT, "rows are sent")
        assert _locks(pool) == 1
        first.set()
        last = append(pool, [message(topic, 101)])
        until(lambda: progress(pool, last) is Progress.SENT, "the second one takes over")
        assert len(broker.read(topic, 102)) == 102, "nothing was sent twice"


def test_a_relay_whose_connection_is_cut_starts_again(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    with running(relay_of(broker, pool).run):
        until(lambda: _locks(pool) == 1, "it works")
        with pool.connection() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            )
        ids = append(pool, [message(topic, 1)])
        until(lambda: progress(pool, ids) is Progress.SENT, "it works again")


def test_sent_rows_are_swept_and_owed_ones_are_not(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    ids = append(pool, [message(topic, number) for number in range(10)])
    with running(Relay(pool=pool, kafka=broker.settings, keep_sent_seconds=0).run):
        until(lambda: not _rows(pool), "rows are gone")
    assert progress(pool, ids) is Progress.SENT

    append(pool, [message(topic, 11)])
    with pool.connection() as connection:
        assert outbox.sweep(connection, rows=100, sent_seconds=0, refused_seconds=0) == 0
        assert outbox.backlog(connection)[0] == 1


def test_stops_within_seconds(broker: Broker, pool: Pool) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=relay_of(broker, pool).run, args=(stop,), daemon=True)
    thread.start()
    until(lambda: _locks(pool) == 1, "it works")
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    until(lambda: _locks(pool) == 0, "the lock is given back")


def _locks(pool: Pool) -> int:
    with pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        ).fetchone()
    return int(row[0]) if row else 0


def _rows(pool: Pool) -> int:
    with pool.connection() as connection:
        row = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(row[0]) if row else 0
