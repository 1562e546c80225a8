"""The at-least-once loop on a real broker and a real database."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer
from kafka.structs import MemberState
from prometheus_client import REGISTRY

import runtime.consumer
import runtime.kafka
from runtime.cloudevents import decode
from runtime.consumer import Consumer, Delivered, DependencyDown
from runtime.dead_letters import DeadLetter, DeadLetters
from runtime.messages import Message, Record
from runtime.postgres import Pool
from tests.integration.runtime.world import DEADLINE_SECONDS, Broker, Counted, message, running, until

Batch = Sequence[Delivered[Counted]]
MAX_RECORDS = 500


def decoded(record: Record) -> Counted:
    return decode(record, {Counted.TYPE: Counted})


def take(connection: psycopg.Connection[Any], batch: Batch) -> None:
    connection.cursor().executemany(
        "INSERT INTO taken (number, topic) VALUES (%s, %s)",
        [(delivered.event.number, delivered.record.topic) for delivered in batch],
    )


def taken(pool: Pool) -> list[int]:
    with pool.connection() as connection:
        return [number for (number,) in connection.execute("SELECT number FROM taken ORDER BY id")]


def consumer_of(
    broker: Broker,
    topic: str,
    pool: Pool,
    handle: Callable[[psycopg.Connection[Any], Batch], None] = take,
    group: str = "tests",
) -> Consumer[Counted]:
    return gathering(broker, topic, pool, 0, handle=handle, group=group)


def gathering(
    broker: Broker,
    topic: str,
    pool: Pool,
    seconds: float,
    *,
    handle: Callable[[psycopg.Connection[Any], Batch], None] = take,
    group: str = "tests",
) -> Consumer[Counted]:
    return Consumer(
        kafka=broker.settings,
        group=f"{group}-{topic}",
        topics=[topic],
        decode=decoded,
        handle=handle,
        pool=pool,
        dead_letters=DeadLetters(broker.settings),
        max_records=MAX_RECORDS,
        gather_seconds=seconds,
    )


def test_takes_every_record_once_and_in_order_within_a_key(broker: Broker, pool: Pool) -> None:
    topic = broker.topic(partitions=3)
    broker.write([message(topic, number, key=f"key {number % 7}") for number in range(2000)])
    consumer = consumer_of(broker, topic, pool)
    with running(consumer.run):
        until(lambda: len(taken(pool)) >= 2000, "all records are taken")
        until(lambda: consumer.check() is None, "it is ready")
        until(lambda: consumer.progress.standing().lag_records == 0, "no lag is left")
    numbers = taken(pool)
    assert sorted(numbers) == list(range(2000))
    for key in range(7):
        of_key = [number for number in numbers if number % 7 == key]
        assert of_key == sorted(of_key)


def test_after_a_small_batch_the_next_one_gathers(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    batches: list[int] = []

    def count(connection: psycopg.Connection[Any], batch: Batch) -> None:
        batches.append(len(batch))
        take(connection, batch)

    broker.write([message(topic, 0)])
    with running(gathering(broker, topic, pool, 6, handle=count).run):
        until(lambda: taken(pool) == [0], "the first is taken as it comes")
        for number in (1, 2, 3):
            broker.write([message(topic, number)])
        until(lambda: len(taken(pool)) == 4, "the others are taken")
    assert batches == [1, 3]


def test_nothing_gathers_while_there_is_much_to_catch_up_with(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    broker.write([message(topic, number) for number in range(2 * MAX_RECORDS + 1)])
    with running(gathering(broker, topic, pool, 10 * DEADLINE_SECONDS).run):
        until(lambda: len(taken(pool)) == 2 * MAX_RECORDS + 1, "all are taken")


def test_a_client_that_never_gets_into_its_group_is_replaced(
    broker: Broker, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = broker.topic()
    broker.write([message(topic, number) for number in range(3)])
    made: list[KafkaConsumer] = []

    def nothing(**_timeout: object) -> dict[object, object]:
        time.sleep(0.1)
        return {}

    def first_one_is_stranded(*given: object, **named: object) -> KafkaConsumer:
        made.append(runtime.kafka.consumer(*given, **named))  # type: ignore[arg-type]  # passed on as they came
        if len(made) == 1:
            monkeypatch.setattr(made[0], "poll", nothing)
        return made[-1]

    monkeypatch.setattr(runtime.consumer, "consumer", first_one_is_stranded)
    monkeypatch.setattr(runtime.consumer, "STRANDED_SECONDS", 1.0)
    consumer = consumer_of(broker, topic, pool)
    with running(consumer.run):
        until(lambda: len(made) > 1, "another client is made")
        monkeypatch.setattr(runtime.consumer, "STRANDED_SECONDS", 60.0)
        until(lambda: taken(pool) == [0, 1, 2], "it takes what waited")


def test_many_members_at_once_get_into_their_groups_and_stay_there(broker: Broker) -> None:
    topics = [broker.topic(partitions=6) for _ in range(5)]

    def joins(group: str) -> None:
        client = runtime.kafka.consumer(broker.settings, group=group, topics=topics, max_records=1)

        def is_in() -> bool:
            client.poll(timeout_ms=20)  # ends in the middle of a join
            return bool(client.group_metadata().state == MemberState.STABLE)

        try:
            until(is_in, "it is a member")
            assert [is_in() for _ in range(50)][-1]
        finally:
            client.close(autocommit=False, timeout_ms=1000)

    with ThreadPoolExecutor(6) as side_by_side:
        list(side_by_side.map(joins, [f"crowd-{uuid.uuid4()}" for _ in range(18)]))


def test_goes_on_where_the_last_one_stopped(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()

    def has_taken(count: int) -> bool:
        return len(taken(pool)) >= count

    for number in range(3):
        broker.write([message(topic, number)])
        with running(consumer_of(broker, topic, pool).run):
            until(partial(has_taken, number + 1), "the record is taken")
    assert taken(pool) == [0, 1, 2]


def test_a_crash_after_the_transaction_and_before_the_offsets_repeats_the_batch(
    broker: Broker, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = broker.topic()
    broker.write([message(topic, number) for number in range(10)])

    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        raise Crash

    crashing = consumer_of(broker, topic, pool)
    monkeypatch.setattr(crashing, "_commit", crash)
    with pytest.raises(Crash), running(crashing.run):
        until(lambda: len(taken(pool)) >= 1, "the batch is in the database")
    first = taken(pool)

    with running(consumer_of(broker, topic, pool).run):
        until(lambda: len(taken(pool)) >= len(first) + 10, "the batch is delivered again")
    assert taken(pool) == first + list(range(10))


def test_what_no_one_can_read_goes_to_the_dead_letters_with_cause_and_origin(
    broker: Broker, pool: Pool
) -> None:
    topic = broker.topic()
    good = message(topic, 1)
    poison = {
        "not_json": Message(topic, b"a", b"{", good.headers),
        "wrong_fields": Message(topic, b"b", b'{"number": "many"}', good.headers),
        "unknown_type": Message(
            topic,
            b"c",
            b"{}",
            tuple((name, b"test.counted.v9" if name == "ce_type" else value) for name, value in good.headers),
        ),
        "missing_headers": Message(topic, b"d", b'{"number": 4}', ()),
        "tombstone": Message(topic, b"e", None, good.headers),
        "too_large": Message(topic, b"f", b" " * 1_000_001, good.headers),
    }
    broker.write([*poison.values(), message(topic, 7)])
    before = _dead_letters(topic)
    with running(consumer_of(broker, topic, pool).run):
        until(lambda: taken(pool) == [7], "the good record behind the poison is taken")
        letters = broker.read(f"{topic}.dlq", len(poison))

    assert {bytes(dict(letter.headers)["dlq_cause"]).decode() for letter in letters} == set(poison)
    for offset, (cause, letter) in enumerate(zip(poison, letters, strict=True)):
        headers = dict(letter.headers)
        assert headers["dlq_cause"] == cause.encode()
        assert headers["dlq_topic"] == topic.encode()
        assert (headers["dlq_partition"], headers["dlq_offset"]) == (b"0", str(offset).encode())
        assert letter.key == poison[cause].key
        assert letter.headers[: len(poison[cause].headers)] == poison[cause].headers
        original = poison[cause].value
        assert letter.value == (original[:1_000_000] if original else original)
    assert dict(letters[-1].headers)["dlq_original_bytes"] == b"1000001"
    assert _dead_letters(topic) - before == len(poison)


def test_a_dead_letter_topic_smaller_than_the_record_gets_what_fits(broker: Broker) -> None:
    topic = broker.topic(configs={"max.message.bytes": "200000"})
    record = Record(topic, 0, 5, b"k", b"x" * 900_000, (), datetime.now(UTC))
    letters = DeadLetters(broker.settings)
    letters.send([DeadLetter(record, "too_large")])
    letters.close()
    (letter,) = broker.read(f"{topic}.dlq", 1)
    assert letter.value is not None
    assert 50_000 < len(letter.value) < 200_000
    assert dict(letter.headers)["dlq_original_bytes"] == b"900000"


def test_a_record_that_its_handler_cannot_take_leaves_alone(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    broker.write([message(topic, number) for number in range(20)])

    def fussy(connection: psycopg.Connection[Any], batch: Batch) -> None:
        take(connection, batch)
        if any(delivered.event.number == 13 for delivered in batch):
            raise ValueError("thirteen")

    with running(consumer_of(broker, topic, pool, fussy).run):
        until(lambda: len(taken(pool)) >= 19, "the others are taken")
        (letter,) = broker.read(f"{topic}.dlq", 1)
    assert taken(pool) == [number for number in range(20) if number != 13]
    assert dict(letter.headers)["dlq_cause"] == b"handler_failed"
    assert dict(letter.headers)["dlq_detail"] == b"ValueError"
    assert dict(letter.headers)["dlq_offset"] == b"13"


def test_waits_for_a_dependency_in_the_group_and_skips_nothing(broker: Broker, pool: Pool) -> None:
    topic = broker.topic(partitions=2)
    broker.write([message(topic, number, key=str(number)) for number in range(50)])
    is_down = threading.Event()
    is_down.set()
    attempts = []

    def dependent(connection: psycopg.Connection[Any], batch: Batch) -> None:
        attempts.append(len(batch))
        take(connection, batch)
        if is_down.is_set():
            raise DependencyDown

    consumer = consumer_of(broker, topic, pool, dependent)
    with running(consumer.run):
        until(lambda: len(attempts) >= 4, "it tries again")
        assert taken(pool) == []
        until(lambda: "waits for DependencyDown" in (consumer.check() or ""), "health names the wait")
        until(lambda: consumer.progress.standing().lag_records == 50, "what waits is lag")
        assert consumer.progress.oldest_unprocessed_seconds(topic) > 0
        broker.write([message(topic, number, key=str(number)) for number in range(50, 60)])
        is_down.clear()
        until(lambda: len(taken(pool)) >= 60, "everything is taken once it is back")
        until(lambda: consumer.check() is None, "it is ready again")
    assert sorted(taken(pool)) == list(range(60))


def test_a_topic_that_is_made_later_is_waited_for(broker: Broker, pool: Pool) -> None:
    topic = f"tests.{uuid.uuid4().hex[:12]}.v1"
    consumer = consumer_of(broker, topic, pool)
    with running(consumer.run):
        until(lambda: f"there is no topic {topic}" in (consumer.check() or ""), "health names it")
        broker.make(topic)
        broker.write([message(topic, 1)])
        until(lambda: taken(pool) == [1], "its record is taken")
        assert consumer.check() is None


def test_our_own_fault_ends_the_consumer_instead_of_filling_the_dead_letters(
    broker: Broker, pool: Pool
) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])

    def broken(connection: psycopg.Connection[Any], _batch: Batch) -> None:
        connection.execute("SELECT no_such_column FROM taken")

    with pytest.raises(psycopg.errors.UndefinedColumn):
        consumer_of(broker, topic, pool, broken).run(threading.Event())
    with running(consumer_of(broker, topic, pool).run):
        until(lambda: taken(pool) == [1], "the record is still there for a repaired consumer")


def test_stops_within_seconds_while_a_dependency_is_down(broker: Broker, pool: Pool) -> None:
    topic = broker.topic()
    broker.write([message(topic, 1)])
    attempted = threading.Event()

    def down(*_: object) -> None:
        attempted.set()
        raise DependencyDown

    stop = threading.Event()
    thread = threading.Thread(target=consumer_of(broker, topic, pool, down).run, args=(stop,), daemon=True)
    thread.start()
    assert attempted.wait(30)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def _dead_letters(topic: str) -> float:
    return sum(
        sample.value
        for family in REGISTRY.collect()
        if family.name == "feedback_dead_letters"
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels["topic"] == topic
    )
