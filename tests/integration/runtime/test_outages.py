"""Kafka and PostgreSQL go away and come back: nothing is skipped, nothing has to be restarted."""

import threading
import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from runtime import outbox
from runtime.cloudevents import decode
from runtime.consumer import Consumer
from runtime.dead_letters import DeadLetters
from runtime.outbox import Progress
from runtime.postgres import Pool, open_pool, reachable
from runtime.relay import Relay
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from tests.integration.runtime.test_consumer import take, taken
from tests.integration.runtime.world import Broker, Counted, message, running, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, since it is stopped."""
    with EmbeddedPostgres(durable=False) as server:
        yield server


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[EmbeddedKafka]:
    """A broker of this module's own, since it is stopped."""
    with EmbeddedKafka(quick_start=True) as server:
        yield server


@pytest.fixture
def own_pool(postgres: EmbeddedPostgres) -> Iterator[Pool]:
    schema = f"s{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"SET search_path = {schema}")
        connection.execute(outbox.CREATE_SQL)
        connection.execute("CREATE TABLE taken (id bigserial, number int, topic text)")
    opened = open_pool(postgres.url, schema=schema, application="tests")
    yield opened
    opened.close()


def consumer_of(broker: Broker, topic: str, pool: Pool) -> Consumer[Counted]:
    return Consumer(
        kafka=broker.settings,
        group=f"outage-{topic}",
        topics=[topic],
        decode=lambda record: decode(record, {Counted.TYPE: Counted}),
        handle=take,
        pool=pool,
        dead_letters=DeadLetters(broker.settings),
    )


def test_the_consumer_waits_for_postgresql_and_skips_nothing(
    broker: Broker, postgres: EmbeddedPostgres, own_pool: Pool
) -> None:
    topic = broker.topic(partitions=2)
    consumer = consumer_of(broker, topic, own_pool)
    check = reachable(own_pool)
    with running(consumer.run):
        broker.write([message(topic, number, key=str(number)) for number in range(100)])
        until(lambda: len(taken(own_pool)) == 100, "it works")
        postgres.stop()
        broker.write([message(topic, number, key=str(number)) for number in range(100, 200)])
        until(lambda: "waits for" in (consumer.check() or ""), "it waits")
        assert "PostgreSQL does not answer" in (check() or "")
        postgres.start()
        until(lambda: check() is None, "PostgreSQL answers", 20)
        until(lambda: len(taken(own_pool)) >= 200, "it goes on")
    assert sorted(taken(own_pool)) == list(range(200))


def test_the_relay_waits_for_postgresql(broker: Broker, postgres: EmbeddedPostgres, own_pool: Pool) -> None:
    topic = broker.topic()
    relay = Relay(pool=own_pool, kafka=broker.settings)
    with running(relay.run):
        until(lambda: relay.check() is None, "it works")
        postgres.restart()
        ids = _append(own_pool, topic)
        until(lambda: _progress(own_pool, ids) is Progress.SENT, "it goes on")
        assert len(broker.read(topic, 50)) >= 50


def test_consumer_and_relay_outlive_a_broker_that_was_away(own_kafka: EmbeddedKafka, own_pool: Pool) -> None:
    broker = Broker(own_kafka.bootstrap_servers)
    topic, outlet = broker.topic(partitions=2), broker.topic()
    consumer, relay = consumer_of(broker, topic, own_pool), Relay(pool=own_pool, kafka=broker.settings)
    with running(consumer.run), running(relay.run):
        broker.write([message(topic, number, key=str(number)) for number in range(100)])
        until(lambda: len(taken(own_pool)) == 100, "the consumer works")
        own_kafka.kill()
        ids = _append(own_pool, outlet)
        time.sleep(5)  # the outage itself
        assert _progress(own_pool, ids) is Progress.OWED
        own_kafka.start()
        broker.write([message(topic, number, key=str(number)) for number in range(100, 200)])
        until(lambda: len(set(taken(own_pool))) == 200, "the consumer goes on", 60)
        until(lambda: _progress(own_pool, ids) is Progress.SENT, "the relay goes on", 60)
    numbers = [
        int(record.value.split(b":")[1].split(b",")[0]) for record in broker.read(outlet, 50) if record.value
    ]
    assert sorted(set(numbers)) == list(range(50))


def test_both_stop_within_ten_seconds_without_a_broker(own_kafka: EmbeddedKafka, own_pool: Pool) -> None:
    broker = Broker(own_kafka.bootstrap_servers)
    topic, outlet = broker.topic(), broker.topic()
    consumer, relay = consumer_of(broker, topic, own_pool), Relay(pool=own_pool, kafka=broker.settings)
    stop = threading.Event()
    threads = [
        threading.Thread(target=worker, args=(stop,), daemon=True) for worker in (consumer.run, relay.run)
    ]
    for thread in threads:
        thread.start()
    until(lambda: consumer.check() is None and relay.check() is None, "both work")
    own_kafka.kill()
    _append(own_pool, outlet)
    time.sleep(1)  # so that the relay is in the middle of it
    stop.set()
    started = time.monotonic()
    for thread in threads:
        thread.join(20)
    seconds = time.monotonic() - started
    own_kafka.start()
    assert seconds < 10


def _append(pool: Pool, topic: str) -> list[int]:
    def attempt() -> list[int]:
        with pool.connection() as connection:
            return outbox.append(connection, [message(topic, number) for number in range(50)])

    ids: list[int] = []

    def appended() -> bool:
        try:
            ids.extend(attempt())
        except psycopg.OperationalError:
            return False
        return True

    until(appended, "rows are written")
    return ids


def _progress(pool: Pool, ids: list[int]) -> Progress:
    with pool.connection() as connection:
        return outbox.progress(connection, ids)
