"""Events a second of a classifier worker, beside a textbook Faust agent and a plain kafka-python loop.

All three do the same: read a response, look for keywords, write the classified event under the same headers.
Each is a process of its own that reads the same pre-filled topic from its beginning; they take turns. Rates
are medians of the rounds, from the first record seen written to the last.

Then the worker once more with everything it can do (language, keywords, sentiment, urgency, names, masking),
with a model that is compared by the static table (`default`), by the multilingual encoder, and by both
(`cascade`); with what memory that takes, and how long from the start until it is ready.

Run with `make bench NAME=classifier`.
"""

import argparse
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
import psutil
import yaml
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import CoordinatorNotAvailableError
from kafka.structs import TopicPartition

from bench import report
from bench.throwaway_models import activate_models, ensure_table
from runtime import cloudevents, tracing
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from runtime.topics import TopicSpec, ensure_topics
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.processes import free_port, spawn
from schemas.classified import ResponseClassified
from schemas.responses import Order, Respondent, ResponseRecorded, response_id
from schemas.scales import Metric
from schemas.topics import BY_NAME
from services.classifier.app import SERVICE
from services.classifier.encoders.choice import TABLE, ModelName

if TYPE_CHECKING:
    import subprocess

MODULES = {
    "worker": "services.classifier",
    "textbook": "bench.classifier_textbook",
    "kafka_python": "bench.classifier_kafka_python",
}
ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "deploy" / "config"
COMMENTS = ROOT / "sandbox" / "sample" / "comments.yaml"
SHARE_WITH_LANGUAGE = 0.5
FILL_BATCH = 5_000
LOOK_EVERY_SECONDS = 0.1
STANDSTILL_SECONDS = 60
SESSION_ENDS_SECONDS = 30
WEIGHED_RECORDS = 1_000
LOG_LINES = 20


FULL = {"default": ModelName.STATIC, "cascade": ModelName.CASCADE, "multilingual": ModelName.MULTILINGUAL}
FULL_SHARES = {"default": 2, "cascade": 4, "multilingual": 8}
"""Of the events each reads one in so many: the slower, the fewer."""
FLOORS = {"default_per_second": 5_000, "cascade_per_second": 2_500, "multilingual_per_second": 1_000}
RSS_MEGABYTES = 500
READY_SECONDS = 10


class Measured(NamedTuple):
    """One process at work on the topic."""

    per_second: float
    bytes_per_event: float
    rss_megabytes: float
    ready_seconds: float
    """From the start until it says that it is ready; that a process says nothing of it counts as 0."""


def main() -> int:
    """Measure and print; the exit status."""
    arguments = _arguments()
    with EmbeddedKafka(heap_megabytes=1024) as kafka:
        bootstrap = kafka.bootstrap_servers
        ensure_topics(
            bootstrap,
            [
                TopicSpec(event.TOPIC, BY_NAME[event.TOPIC].partitions)
                for event in (ResponseRecorded, ResponseClassified)
            ],
        )
        _fill(bootstrap, arguments.events)
        rounds = [
            {
                name: _measure(bootstrap, name, arguments.events, CLASSIFIER_READS="keywords")
                for name in MODULES
            }
            for _ in range(arguments.rounds)
        ]
        full = {
            name: _full(bootstrap, name, arguments.models, arguments.events // FULL_SHARES[name])
            for name in FULL
        }
    rates = {name: statistics.median(each[name].per_second for each in rounds) for name in MODULES}
    return report.publish(
        "classifier",
        figures={
            "ratio": rates["worker"] / rates["textbook"],
            "kafka_python_ratio": rates["worker"] / rates["kafka_python"],
            **{f"{name}_per_second": rate for name, rate in rates.items()},
            **{f"{name}_bytes_per_event": rounds[0][name].bytes_per_event for name in MODULES},
            **{f"{name}_per_second": measured.per_second for name, measured in full.items()},
            **{f"{name}_rss_megabytes": measured.rss_megabytes for name, measured in full.items()},
            **{f"{name}_ready_seconds": measured.ready_seconds for name, measured in full.items()},
        },
        scale={"events": arguments.events, "rounds": arguments.rounds},
        reference="the textbook Faust agent and a plain kafka-python loop",
        packages=["faust-streaming", "aiokafka", "kafka-python", "pydantic", "ahocorasick-rs", "uvloop"],
        at_least={"ratio": 3, **FLOORS},
        at_most={
            **{f"{name}_rss_megabytes": RSS_MEGABYTES for name in FULL},
            **{f"{name}_ready_seconds": READY_SECONDS for name in FULL},
        },
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    return parser.parse_args()


def _fill(bootstrap: str, events: int) -> None:
    filling = producer(KafkaSettings(bootstrap, "bench"))
    messages = _responses(events)
    while batch := list(itertools.islice(messages, FILL_BATCH)):
        if any(deliver(filling, batch)):
            raise SystemExit("the broker did not take the responses")
    close(filling)


def _responses(events: int) -> Iterator[Message]:
    """Answers with comments in four languages; half of them say which."""
    chance = random.Random("responses")  # noqa: S311 - a repeatable sample
    comments = _comments()[::2]
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for number in range(events):
        comment = chance.choice(comments)
        at = start + timedelta(seconds=number)
        milliseconds = int(at.timestamp() * 1000)
        response = ResponseRecorded(
            response_id=response_id("bench", str(number)),
            person_key=f"{chance.getrandbits(128):032x}",
            account_id=f"account-{number % 500}",
            source="bench",
            source_id=f"answer-{number}",
            order=Order(revision=milliseconds, tie=milliseconds),
            metric=Metric.NPS,
            score=chance.randrange(11),
            comment=comment["text"],
            language=comment["language"] if chance.random() < SHARE_WITH_LANGUAGE else None,
            responded_at=at,
            received_at=at,
            channel="email",
            respondent=Respondent(
                customer_id=f"customer-{number % 20_000}", email=f"c{number}@customer.test"
            ),
            context={"release": "2026.10"},
        )
        yield cloudevents.to_message(response, source="/bench", traceparent=tracing.new_traceparent())


def _comments() -> list[dict[str, Any]]:
    groups = yaml.safe_load(COMMENTS.read_text(encoding="utf-8"))
    return [comment for group in groups.values() for comment in group]


def _full(bootstrap: str, name: str, table: Path, events: int) -> Measured:
    """The worker with a model of its own."""
    ensure_table(table)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        (models / TABLE).symlink_to((table / TABLE).resolve())
        # Those that no answer has: a model is surer of what it was fitted on, and asks the encoder less.
        sentences = [comment["text"] for comment in _comments()[1::2]]
        activate_models(models, FULL[name], CONFIG / "themes.yaml", sentences)
        return _measure(bootstrap, "worker", events, called=name, MODELS_DIR=folder)


def _measure(
    bootstrap: str, name: str, events: int, *, called: str | None = None, **settings: str
) -> Measured:
    _forget_the_group(bootstrap)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)) as reader,
    ):
        partitions = [
            TopicPartition(ResponseClassified.TOPIC, number)
            for number in range(BY_NAME[ResponseClassified.TOPIC].partitions)
        ]
        begins = reader.end_offsets(partitions)
        port = free_port()
        environment = settings | {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "CONFIG_DIR": str(CONFIG),
            "OPS_PORT": str(port),
            "LOG_LEVEL": "WARNING",
            "DATADIR": folder,
            "PYTHONPATH": str(ROOT),
        }
        log = Path(folder) / f"{name}.log"
        began = time.monotonic()
        process = spawn([sys.executable, "-m", MODULES[name]], log=log, environment=os.environ | environment)
        try:
            ready_seconds = _ready(port, began) if name == "worker" else 0.0
            rate = _rate(reader, begins, events, process, log)
            resident = psutil.Process(process.pid).memory_info().rss / 1e6
        finally:
            process.kill()
            process.wait()
        measured = Measured(rate, _weight(reader, begins), resident, ready_seconds)
    print(
        f"{called or name}: {rate:,.0f} events/s, {resident:.0f} MB, ready in {ready_seconds:.1f} s",
        file=sys.stderr,
    )
    return measured


def _ready(port: int, began: float) -> float:
    """Seconds until it is ready."""
    while True:
        with suppress(httpx2.HTTPError):
            if httpx2.get(f"http://127.0.0.1:{port}/health/ready").is_success:
                return time.monotonic() - began
        if time.monotonic() > began + STANDSTILL_SECONDS:
            raise SystemExit("the worker did not become ready")
        time.sleep(LOOK_EVERY_SECONDS)


def _forget_the_group(bootstrap: str) -> None:
    """The worker's group starts over; the last round's member is in it until its session ends."""
    deadline = time.monotonic() + SESSION_ENDS_SECONDS
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        while time.monotonic() < deadline:
            # A broker that has just started does not know yet who coordinates groups.
            with suppress(CoordinatorNotAvailableError):
                if admin.delete_groups([SERVICE])[SERVICE] != "NonEmptyGroupError":
                    return
            time.sleep(LOOK_EVERY_SECONDS)
    raise SystemExit(f"the group {SERVICE} still has a member")


def _rate(
    reader: KafkaConsumer,
    begins: dict[TopicPartition, int],
    events: int,
    process: "subprocess.Popen[bytes]",
    log: Path,
) -> float:
    first_at, first = 0.0, 0
    last_at, last = time.monotonic(), 0
    while last < events:
        time.sleep(LOOK_EVERY_SECONDS)
        ends = reader.end_offsets(list(begins))
        at, written = time.monotonic(), sum(ends.values()) - sum(begins.values())
        if written > last:
            last_at, last = at, written
            if not first:
                first_at, first = at, written
        if process.poll() is not None or at > last_at + STANDSTILL_SECONDS:
            end = "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-LOG_LINES:])
            raise SystemExit(f"the process came to {last} of {events} events and no further:\n{end}")
    return (last - first) / (last_at - first_at)


def _weight(reader: KafkaConsumer, begins: dict[TopicPartition, int]) -> float:
    """Bytes of key, value and headers an event, of the first that were written to one partition."""
    partition, begin = next(iter(begins.items()))
    reader.assign([partition])
    reader.seek(partition, begin)
    wanted = min(WEIGHED_RECORDS, reader.end_offsets([partition])[partition] - begin)
    weights: list[int] = []
    while len(weights) < wanted:
        for record in reader.poll(timeout_ms=1000).get(partition, []):
            headers = sum(len(name) + len(value) for name, value in record.headers)
            weights.append(len(record.key) + len(record.value) + headers)
    return statistics.mean(weights[:wanted])


if __name__ == "__main__":
    sys.exit(main())
