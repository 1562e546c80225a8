"""The classifier on a real broker: what goes in comes out, whatever happens to it on the way."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from kafka.consumer.fetcher import ConsumerRecord

from runtime import tracing
from runtime.messages import Message
from schemas.classified import ResponseClassified
from schemas.responses import ResponseRecorded
from tests.integration.classifier.world import PEOPLE, Topics, classifier, message, response, until

IN, OUT = ResponseRecorded.TOPIC, ResponseClassified.TOPIC
DEAD = f"{IN}.dlq"

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def broker(topics: str) -> Topics:
    return Topics(topics)


def test_every_response_comes_out_classified_in_its_persons_order(broker: Topics, tmp_path: Path) -> None:
    sent = [message(number) for number in range(600)]
    since = broker.ends(OUT)
    with classifier(broker.bootstrap, tmp_path) as worker:
        worker.wait_ready()
        broker.write(sent)
        records = broker.read(OUT, 600, since=since)
        assert worker.end() == 0

    events = [ResponseClassified.model_validate_json(record.value) for record in records]
    assert sorted(int(event.response.source_id) for event in events) == list(range(600))
    orders = defaultdict(list)
    for event in events:
        orders[event.response.person_key].append(event.response.order.revision)
    assert len(orders) == PEOPLE
    assert all(revisions == sorted(revisions) for revisions in orders.values())
    assert {tag.theme for tag in events[0].themes} == {"performance", "reliability"}

    traces = {dict(one.headers)["traceparent"].decode()[3:35] for one in sent}
    for record, event in zip(records, events, strict=True):
        headers = dict(record.headers)
        assert headers["ce_type"] == ResponseClassified.TYPE.encode()
        assert headers["ce_id"] == event.event_id().encode()
        assert record.key == event.response.person_key.encode()
        assert tracing.trace_id_of(headers["traceparent"].decode()) in traces


def test_a_graceful_stop_leaves_nothing_to_repeat(broker: Topics, tmp_path: Path) -> None:
    since = broker.ends(OUT)
    sent = set(range(1_000, 4_000))
    with classifier(broker.bootstrap, tmp_path) as worker:
        worker.wait_ready()
        broker.write([message(number) for number in sent])
        broker.read(OUT, 500, since=since)
        started = time.monotonic()
        assert worker.end() == 0
        assert time.monotonic() - started < 10
    with classifier(broker.bootstrap, tmp_path) as worker:
        records = broker.read_classified(sent, since=since)
        assert worker.end() == 0

    assert len(records) == len(sent)


def test_kill_9_in_mid_stream_loses_nothing(broker: Topics, tmp_path: Path) -> None:
    since = broker.ends(OUT)
    sent = set(range(10_000, 20_000))
    broker.write([message(number) for number in sent])
    for kill_after in (1_000, 4_000, 7_000):
        with classifier(broker.bootstrap, tmp_path) as worker:
            broker.read(OUT, kill_after, since=since)
            worker.kill()
    with classifier(broker.bootstrap, tmp_path) as worker:
        broker.read_classified(sent, since=since)
        assert worker.end() == 0

    assert broker.count(DEAD) == 0


def test_a_second_worker_that_comes_and_goes_loses_nothing(broker: Topics, tmp_path: Path) -> None:
    since = broker.ends(OUT)
    first, second, third = (set(range(start, start + 3_000)) for start in (50_000, 53_000, 56_000))
    with classifier(broker.bootstrap, tmp_path, instance="a") as lasting:
        broker.write([message(number) for number in first])
        lasting.wait_ready()
        with classifier(broker.bootstrap, tmp_path, instance="b") as passing:
            passing.wait_ready()
            broker.write([message(number) for number in second])
            until(
                lambda: passing.metric("feedback_consumed_records_total"), "the second worker has its share"
            )
            broker.write([message(number) for number in third])
            passing.kill()
        broker.read_classified(first | second | third, since=since)
        assert lasting.end() == 0

    assert broker.count(DEAD) == 0


def _poison(number: int) -> tuple[str, Message]:
    """A record that nobody can read, and the cause that should be told."""
    good = message(number)
    assert good.value is not None
    untyped = tuple(header for header in good.headers if header[0] != "ce_type")
    newer = tuple((name, value.replace(b".v1", b".v2")) for name, value in good.headers)
    wrong = response(number).model_dump_json().replace('"metric":"nps"', '"metric":"happiness"').encode()
    kinds = [
        ("not_json", Message(IN, good.key, good.value[:-1], good.headers)),
        ("not_json", Message(IN, good.key, b"\xff\xfe", good.headers)),
        ("wrong_fields", Message(IN, good.key, wrong, good.headers)),
        ("wrong_fields", Message(IN, good.key, b"[]", good.headers)),
        ("unknown_type", Message(IN, good.key, good.value, newer)),
        ("missing_headers", Message(IN, good.key, good.value, untyped)),
        ("missing_headers", Message(IN, good.key, good.value, ())),
        ("tombstone", Message(IN, good.key, None, good.headers)),
        ("too_large", Message(IN, good.key, good.value + b" " * 1_000_001, good.headers)),
    ]
    return kinds[number % len(kinds)]


def test_poison_goes_to_the_dead_letters_and_the_stream_goes_on(broker: Topics, tmp_path: Path) -> None:
    since, dead_since, origin = broker.ends(OUT), broker.ends(DEAD), broker.ends(IN)
    good = set(range(30_000, 32_700))
    poison = [_poison(number) for number in range(27)]
    sent = [message(number) for number in sorted(good)] + [poisonous for _, poisonous in poison]
    random.Random(3).shuffle(sent)  # noqa: S311 - the same mixture every time
    with classifier(broker.bootstrap, tmp_path) as worker:
        broker.write(sent)
        records = broker.read_classified(good, since=since)
        letters = broker.read(DEAD, len(poison), since=dead_since)
        worker.wait_ready()
        assert worker.end() == 0

    assert len(records) == len(good)
    assert len(letters) == len(poison)
    told = Counter(dict(letter.headers)["dlq_cause"].decode() for letter in letters)
    assert told == Counter(cause for cause, _ in poison)
    _each_names_its_origin(letters, broker.read(IN, len(sent), since=origin))


def _each_names_its_origin(letters: Sequence[ConsumerRecord], read: Sequence[ConsumerRecord]) -> None:
    places = {(record.partition, record.offset): record for record in read}
    for letter in letters:
        headers = dict(letter.headers)
        assert headers["dlq_topic"] == IN.encode()
        assert headers["dlq_consumer"] == b"classifier"
        source = places.pop((int(headers["dlq_partition"]), int(headers["dlq_offset"])))
        assert (letter.key, letter.value) == (source.key, source.value)
        assert [header for header in letter.headers if not header[0].startswith("dlq_")] == source.headers
