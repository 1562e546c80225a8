"""Whether a scheduler's work depends on who is due, and not on how many people there are.

One scheduler process, as in production, with the shipped programs (at any hour, without daily caps), on
Kafka and PostgreSQL. Once with many people and once with a tenth of them, as many are due: from the start of
the process until every request is on its topic. Then lifecycle events that were waiting are taken in, and the
next thirty days are forecast. Run with `make bench NAME=scheduler`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psutil
import psycopg
from psycopg.sql import SQL, Identifier

from bench import report
from bench.scratch import SERVER, scratch_database
from cli.rehearsed import Counts
from cli.schedule import rehearsed
from runtime.cloudevents import to_message
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.migrations import migrate
from runtime.postgres import conninfo
from runtime.topics import TopicSpec, ensure_topics
from runtime.tracing import new_traceparent
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from sandbox.processes import free_port, spawn
from schemas.lifecycle import LifecycleEventOccurred, Moment, lifecycle_id
from schemas.responses import Order
from schemas.topics import TOPICS, replay_topic
from services.scheduler.app import SERVICE
from services.scheduler.programs import Programs, load_programs
from services.scheduler.replanning import replan

if TYPE_CHECKING:
    import subprocess

ROOT = Path(__file__).parent.parent
PROGRAM = "relationship_nps"
PEOPLE_AN_ACCOUNT = 10
FORECAST_DAYS = 30
LOOK_EVERY_SECONDS = 0.2
GIVE_UP_SECONDS = 600
FILL_BATCH = 5_000
MOST_EMIT_SECONDS = 120
MOST_RSS_BYTES = 300_000_000
MOST_COST_RATIO = 1.3
LEAST_INTAKE_PER_SECOND = 3_000
MOST_FORECAST_SECONDS = 60

# Everybody bought once, long ago, and belongs to an account; nobody was asked in the last half year.
_PEOPLE_SQL = """
INSERT INTO people (person, profile_version, account_id, address_mark, in_app, time_zone, facts, purchases,
                    first_purchase_at)
SELECT md5(number::text), 1, 'account ' || number / %(an_account)s, substr(md5(number::text), 1, 16), true,
       'Europe/Berlin', '{"role": "key_contact", "products": [], "traits": {}}', 1,
       now() - interval '900 days'
FROM generate_series(1, %(people)s) AS number
"""
_ACCOUNTS_SQL = """
INSERT INTO accounts (account_id, version, facts)
SELECT 'account ' || number, 1, '{"segment": "smb", "arr": 12000, "traits": {}}'
FROM generate_series(0, %(people)s / %(an_account)s) AS number
"""
# The first ones are due now; the others' turns come evenly over the interval that begins in two days.
_WORK_SQL = """
INSERT INTO due_work (program, occasion, person, occurred_at, due_at, look_at, gives_up_at, state)
SELECT %(program)s, gen_random_uuid(), md5(number::text), at, at, at, at + interval '30 days', 'pending'
FROM (SELECT number, CASE WHEN number %% (%(people)s / %(due)s) = 0 THEN now() - interval '1 hour'
                          ELSE now() + interval '2 days' + interval '178 days' * number / %(people)s END AS at
      FROM generate_series(1, %(people)s) AS number) AS turn
"""
# Whose events come in the end bought long ago, as the scheduler heard and planned at the time.
_HISTORY_SQL = """
INSERT INTO lifecycle_events
SELECT gen_random_uuid(), 1, 1, 1, person, NULL, 'purchased', now() - interval '900 days', false, '{}', NULL
FROM unnest(%s::text[]) AS person
"""
_KEYS_SQL = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'p' AND conrelid = ANY(%s::regclass[])
"""
_INDEXES_SQL = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE NOT indisprimary AND indrelid = ANY(%s::regclass[])
"""
_ASKED_SQL = "SELECT count(*) FROM requests"
_UNSENT_SQL = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
_TAKEN_IN_SQL = "SELECT count(*) FROM lifecycle_events WHERE order_revision = 2"


@dataclass(frozen=True, slots=True)
class Emitted:
    """One run over all that is due."""

    seconds: float
    rss_bytes: int


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5_000_000)
    parser.add_argument("--due", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=60_000)
    given = parser.parse_args()
    with (
        EmbeddedPostgres(settings=SERVER) as postgres,
        EmbeddedKafka() as kafka,
        _configuration() as folder,
    ):
        brokers = kafka.bootstrap_servers
        specs = [TopicSpec(topic.name, topic.partitions) for topic in TOPICS]
        ensure_topics(brokers, [*specs, TopicSpec(replay_topic(SERVICE), 1)])
        server = _Server(postgres.url, brokers, folder)
        few = server.emit(people=_few(given.people, given.due), due=given.due)
        return server.measure(few, people=given.people, due=given.due, events=given.events)


@dataclass(frozen=True, slots=True)
class _Server:
    database: str
    brokers: str
    folder: Path

    def emit(self, *, people: int, due: int) -> Emitted:
        """A run in a database of its own."""
        with scratch_database(self.database) as url:
            return self._emit(url, people=people, due=due)

    def measure(self, few: Emitted, *, people: int, due: int, events: int) -> int:
        """The same with all people, then intake and forecast; prints everything."""
        with scratch_database(self.database) as url:
            many = self._emit(url, people=people, due=due)
            taken_in_seconds = self._take_in(url, people=people, events=events)
            forecast_seconds, forecast = _forecast(url, self.folder)
        return report.publish(
            "scheduler",
            figures={
                "emit_seconds": many.seconds,
                "rss_bytes": many.rss_bytes,
                "cost_ratio": many.seconds / few.seconds,
                "few_emit_seconds": few.seconds,
                "intake_per_second": events / taken_in_seconds,
                "forecast_seconds": forecast_seconds,
                "forecast_surveys": forecast.asked.total(),
                "forecast_one_in": forecast.each_stands_for,
            },
            scale={"people": people, "due": due, "events": events, "few_people": _few(people, due)},
            reference="the same work among a tenth of the people",
            packages=("psycopg", "kafka-python", "pydantic", "common-expression-language"),
            at_least={"intake_per_second": LEAST_INTAKE_PER_SECOND},
            at_most={
                "emit_seconds": MOST_EMIT_SECONDS,
                "rss_bytes": MOST_RSS_BYTES,
                "cost_ratio": MOST_COST_RATIO,
                "forecast_seconds": MOST_FORECAST_SECONDS,
            },
        )

    def _emit(self, url: str, *, people: int, due: int) -> Emitted:
        migrate(url, SERVICE)
        with _tables(url) as tables:
            _seed(tables, load_programs(self.folder / "programs.yaml").digest, people=people, due=due)
            with self._scheduler(url) as process:
                began = time.monotonic()
                _until(lambda: _count(tables, _ASKED_SQL) >= due, process)
                _until(lambda: _count(tables, _UNSENT_SQL) == 0, process)
                seconds = time.monotonic() - began
                rss = psutil.Process(process.pid).memory_info().rss
        print(f"{people:,} people, {due:,} due: {seconds:.1f} s", file=sys.stderr)
        return Emitted(seconds, rss)

    def _take_in(self, url: str, *, people: int, events: int) -> float:
        whose = [_person(number * 7919 % people + 1) for number in range(events)]
        with _tables(url) as tables:
            _plan(tables, load_programs(self.folder / "programs.yaml"), whose)
        _publish(self.brokers, whose)
        with _tables(url) as tables, self._scheduler(url) as process:
            _until(lambda: _count(tables, _TAKEN_IN_SQL) > 0, process)
            began, first = time.monotonic(), _count(tables, _TAKEN_IN_SQL)
            _until(lambda: _count(tables, _TAKEN_IN_SQL) >= events, process)
            return (time.monotonic() - began) * events / (events - first)

    @contextmanager
    def _scheduler(self, url: str) -> Iterator["subprocess.Popen[bytes]"]:
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.brokers,
            "DATABASE_URL": url,
            "CONFIG_DIR": str(self.folder),
            "OPS_PORT": str(free_port()),
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "services.scheduler"]
        process = spawn(command, log=self.folder / "scheduler.log", environment=os.environ | environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


@contextmanager
def _configuration() -> Iterator[Path]:
    """The shipped programs, at any hour and without caps on a day: those would be what is measured."""
    always = ", ".join(f"{day}: 00:00-24:00" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shipped = (ROOT / "deploy" / "config" / "programs.yaml").read_text(encoding="utf-8")
        lines = [line for line in shipped.splitlines() if not line.strip().startswith("daily_cap:")]
        (folder / "programs.yaml").write_text(
            "\n".join(
                f"  working_hours: {{ {always} }}" if line.strip().startswith("working_hours:") else line
                for line in lines
            )
        )
        yield folder


@contextmanager
def _tables(url: str) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(conninfo(url, schema=SERVICE, application="bench"), autocommit=True)
    with closing(connection):
        yield connection


def _seed(tables: psycopg.Connection, digest: str, *, people: int, due: int) -> None:
    values = {"people": people, "due": due, "an_account": PEOPLE_AN_ACCOUNT, "program": PROGRAM}
    with _indexed_afterwards(tables, ["people", "accounts", "due_work"]):
        for statement in (_PEOPLE_SQL, _ACCOUNTS_SQL, _WORK_SQL):
            tables.execute(statement, values)
    tables.execute("INSERT INTO planned_programs (digest) VALUES (%s)", (digest,))
    tables.execute("VACUUM ANALYZE people, accounts, due_work")
    tables.execute("CHECKPOINT")


@contextmanager
def _indexed_afterwards(tables: psycopg.Connection, names: Sequence[str]) -> Iterator[None]:
    """Takes the tables' indexes away and makes them anew: far faster for millions of rows."""
    indexes = tables.execute(_INDEXES_SQL, (names,)).fetchall()
    keys = tables.execute(_KEYS_SQL, (names,)).fetchall()
    tables.execute("SET maintenance_work_mem = '512MB'")
    for table, key, _ in keys:
        tables.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(Identifier(table), Identifier(key)))
    for name, _ in indexes:
        tables.execute(SQL("DROP INDEX {}").format(Identifier(name)))
    yield
    for table, _, definition in keys:
        tables.execute(SQL("ALTER TABLE {} ADD {}").format(Identifier(table), SQL(definition)))
    for _, definition in indexes:
        tables.execute(SQL(definition))


def _few(people: int, due: int) -> int:
    """A tenth, but no account with more people due than may be asked at once."""
    return max(people // 10, 5 * due)


def _plan(tables: psycopg.Connection, programs: Programs, people: Sequence[str]) -> None:
    for begin in range(0, len(people), FILL_BATCH):
        batch = people[begin : begin + FILL_BATCH]
        with tables.transaction():
            tables.execute(_HISTORY_SQL, (batch,))
            replan(tables, batch, programs, datetime.now(UTC))
    # Long ago: the server has cleared away since what that left behind.
    tables.execute("VACUUM ANALYZE people, due_work, lifecycle_events")
    tables.execute("CHECKPOINT")


def _publish(brokers: str, people: Sequence[str]) -> None:
    writer = producer(KafkaSettings(brokers, "bench"))
    trace = new_traceparent()
    now = datetime.now(UTC)
    events = [_event(number, person, now) for number, person in enumerate(people)]
    for begin in range(0, len(events), FILL_BATCH):
        batch = events[begin : begin + FILL_BATCH]
        if any(deliver(writer, [to_message(one, source="/bench", traceparent=trace) for one in batch])):
            raise SystemExit("the broker did not take the lifecycle events")
    close(writer)


def _event(number: int, person: str, now: datetime) -> LifecycleEventOccurred:
    at = now - timedelta(days=number % 20)
    return LifecycleEventOccurred(
        lifecycle_id=lifecycle_id("bench", str(number)),
        source="bench",
        source_id=str(number),
        order=Order(revision=2, tie=1),
        moment=Moment.SUPPORT_CASE_CLOSED if number % 2 else Moment.PURCHASED,
        occurred_at=at,
        received_at=now,
        person_key=person,
        context={"case": str(number)},
    )


def _person(number: int) -> str:
    return md5(str(number).encode(), usedforsecurity=False).hexdigest()


def _forecast(url: str, folder: Path) -> tuple[float, Counts]:
    programs = load_programs(folder / "programs.yaml")
    now = datetime.now(UTC)
    with psycopg.connect(conninfo(url, schema=SERVICE, application="bench")) as connection:
        began = time.monotonic()
        counts = Counts()
        for at, done in rehearsed(connection, programs, now, now + timedelta(days=FORECAST_DAYS), counts):
            counts.add(at, done)
        return time.monotonic() - began, counts


def _count(tables: psycopg.Connection, statement: LiteralString) -> int:
    row = tables.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the scheduler ended, or does not come to an end")
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
