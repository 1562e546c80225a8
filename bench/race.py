"""Four schedulers on one database, killed every few seconds, their clocks up to an hour wrong each way.

Business time is turned forward as soon as what was due is decided, while people buy, answer elsewhere and opt
out, all of it told twice and in disorder. What is on the topic in the end is held against what must hold:
nobody asked too early or against their will, nobody forgotten, one id a survey. Run with `make race`.
"""

import argparse
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
from kafka import KafkaConsumer

from bench import race_judge, report
from bench.race_judge import Rules, Told
from runtime.clock import turn_forward
from runtime.cloudevents import Event, decode, to_message
from runtime.kafka import KafkaSettings, close, deliver, producer, to_record
from runtime.migrations import migrate
from runtime.postgres import conninfo
from runtime.topics import TopicSpec, ensure_topics
from runtime.tracing import new_traceparent
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from sandbox.processes import free_port
from sandbox.supervisor import Supervisor
from schemas.lifecycle import LifecycleEventOccurred, Moment, lifecycle_id
from schemas.profiles import OptOut, ProfileChanged
from schemas.requests import SurveyRequested
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import Metric
from schemas.topics import TOPICS, replay_topic
from services.scheduler.app import SERVICE

ROOT = Path(__file__).parent.parent
SECONDS = 120
KILL_EVERY_SECONDS = 5.0
PEOPLE = 2_000
SEED = 20261122
SKEWS_SECONDS = (-3600, -1200, 1800, 3600)
STEP = timedelta(days=5)
BUY, ANSWER = 0.6, 0.35
"""How likely each is among what happens to people; else they opt out."""
WITHIN_SECONDS = 120.0
LOOK_SECONDS = 0.1
RULES = Rules(gap=timedelta(days=30), turn_days=40, step=STEP)
PROGRAMS = f"""
fatigue: {{ gap_days: {RULES.gap.days} }}
programs:
  - &common
    id: turn
    owner: Customer Success
    goal: Learn.
    metric: nps
    trigger: {{ every_days: {RULES.turn_days} }}
    channels: [email]
    minimum_tenure_days: 0
    ask_within_days: {RULES.turn_days}
    survey: {{ question: "How likely?", follow_up_question: "Why?", why_we_ask: You are here. }}
  - <<: *common
    id: bought
    trigger: {{ lifecycle: purchased, delay_days: 2 }}
    priority: 5
"""

_DUE_SQL = "SELECT count(*) FROM due_work WHERE state = 'pending' AND look_at <= %s"
_PURCHASES_SQL = "SELECT count(*) FROM lifecycle_events"
_ANSWERS_SQL = "SELECT count(*) FROM answers"
_REFUSING_SQL = "SELECT count(*) FROM people WHERE refuses_all"
_PEOPLE_SQL = "SELECT count(*) FROM people WHERE profile_version > 0"
_UNSENT_SQL = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
_REQUESTS_SQL = "SELECT request_id FROM requests"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a race; see `race_judge`."""

    violations: int
    lost: int
    """People forgotten, and requests of the table that are not on the topic."""
    doubled: int
    surveys: int
    repeated: int
    """Records on the topic beyond one a survey: a relay was killed before it wrote that it had sent them."""
    kills: int
    played_days: int


def run(
    brokers: str, database: str, folder: Path, *, people: int, seconds: float, kill_every_seconds: float
) -> Outcome:
    """Races for so many seconds on Kafka with its topics and a migrated database."""
    (folder / "programs.yaml").write_text(PROGRAMS)
    supervisor = Supervisor()
    try:
        for number, skew in enumerate(SKEWS_SECONDS):
            supervisor.run(
                str(number),
                [sys.executable, "-m", "bench.skewed_scheduler", str(skew)],
                environment=_environment(brokers, database, folder, number),
                log=folder / f"scheduler-{number}.log",
            )
        race = _Race(brokers, database, supervisor, people, kill_every_seconds)
        with closing(race):
            return race.run(seconds)
    finally:
        supervisor.stop()


def _environment(brokers: str, database: str, folder: Path, number: int) -> dict[str, str]:
    return os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": brokers,
        "DATABASE_URL": database,
        "BUSINESS_CLOCK": "shiftable",
        "CONFIG_DIR": str(folder),
        "INSTANCE": str(number),
        "OPS_PORT": str(free_port()),
        "LOG_LEVEL": "WARNING",
        "SCHEDULE_BATCH_SIZE": "20",
        "SCHEDULE_POLL_SECONDS": "0.05",
        "PYTHONPATH": str(ROOT),
    }


class _Race:
    def __init__(
        self, brokers: str, database: str, supervisor: Supervisor, people: int, kill_every_seconds: float
    ) -> None:
        self._brokers = brokers
        self._database = database
        self._supervisor = supervisor
        self._people = [f"{number:032x}" for number in range(people)]
        self._chance = random.Random(SEED)  # noqa: S311 - a course of events, not a secret
        self._offset = timedelta(0)
        self._told = Told(self._now(), self._now())
        self._purchases = 0
        self._kills = 0
        self._kill_every_seconds = kill_every_seconds
        self._kill_at = math.inf
        self._writer = producer(KafkaSettings(brokers, "race"))
        self._tables = psycopg.connect(
            conninfo(database, schema=SERVICE, application="race"), autocommit=True
        )

    def close(self) -> None:
        close(self._writer)
        self._tables.close()

    def run(self, seconds: float) -> Outcome:
        self._say(_profile(person, self._now()) for person in self._people)
        self._until(lambda: self._count(_PEOPLE_SQL) == len(self._people), "profiles are known")
        self._told.begins = self._now()
        deadline = time.monotonic() + seconds
        self._kill_at = time.monotonic() + self._kill_every_seconds
        while time.monotonic() < deadline:
            self._live()
            self._offset = turn_forward(self._database, STEP)
            self._until(self._is_caught_up, "what is due is decided")
        self._kill_at = math.inf
        self._told.ends = self._now()
        self._until(lambda: not self._count(_UNSENT_SQL), "all is sent")
        return self._judged()

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def _live(self) -> None:
        """A day of these people."""
        now = self._now()
        events: list[Event] = []
        for person in self._chance.sample(self._people, max(1, len(self._people) // 40)):
            what = self._chance.random()
            if what < BUY:
                self._purchases += 1
                events.append(_purchase(person, self._purchases, now - timedelta(days=self._chance.random())))
            elif what < BUY + ANSWER:
                self._told.answers[person].append(now)
                events.append(_answer(person, now))
            elif person not in self._told.opted_out_at:
                self._told.opted_out_at[person] = now
                events.append(_profile(person, now, opted_out=True))
        events += events
        self._chance.shuffle(events)
        self._say(events)
        self._until(self._is_heard, "what happened is known")

    def _say(self, events: Iterable[Event]) -> None:
        trace = new_traceparent()
        messages = [to_message(event, source="/race", traceparent=trace) for event in events]
        if any(deliver(self._writer, messages)):
            raise SystemExit("the broker did not take the events")

    def _is_heard(self) -> bool:
        return (
            self._count(_PURCHASES_SQL) == self._purchases
            and self._count(_ANSWERS_SQL) == sum(map(len, self._told.answers.values()))
            and self._count(_REFUSING_SQL) == len(self._told.opted_out_at)
        )

    def _is_caught_up(self) -> bool:
        """Whether nothing is left that is due by the slowest clock."""
        return not self._count(_DUE_SQL, self._now() + timedelta(seconds=min(SKEWS_SECONDS)))

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits, and kills whenever it is time to."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"it takes too long until {what}")
            if time.monotonic() > self._kill_at:
                self._supervisor.kill(str(self._chance.randrange(len(SKEWS_SECONDS))))
                self._kills += 1
                self._kill_at = time.monotonic() + self._kill_every_seconds
            time.sleep(LOOK_SECONDS)

    def _count(self, statement: LiteralString, *values: object) -> int:
        row = self._tables.execute(statement, values).fetchone()
        return int(row[0]) if row else 0

    def _judged(self) -> Outcome:
        requests = _on_topic(self._brokers)
        kept = {one for (one,) in self._tables.execute(_REQUESTS_SQL)}
        emitted = {request.request_id for request in requests}
        asked = race_judge.surveys(requests)
        return Outcome(
            violations=race_judge.violations(asked, self._told, RULES),
            lost=race_judge.forgotten(self._people, asked, self._told, RULES) + len(kept ^ emitted),
            doubled=race_judge.doubled(requests),
            surveys=len(emitted),
            repeated=len(requests) - len(emitted),
            kills=self._kills,
            played_days=(self._told.ends - self._told.begins).days,
        )


def _on_topic(brokers: str) -> list[SurveyRequested]:
    models = {SurveyRequested.TYPE: SurveyRequested}
    with closing(
        KafkaConsumer(
            SurveyRequested.TOPIC,
            bootstrap_servers=brokers,
            auto_offset_reset="earliest",
            consumer_timeout_ms=5_000,
        )
    ) as consumer:
        return [decode(to_record(polled), models) for polled in consumer]


def _profile(person: str, now: datetime, *, opted_out: bool = False) -> ProfileChanged:
    return ProfileChanged(
        person_key=person,
        version=2 if opted_out else 1,
        changed_at=now,
        email=f"{person}@race.test",
        opt_outs=(OptOut(since=now),) if opted_out else (),
    )


def _purchase(person: str, number: int, at: datetime) -> LifecycleEventOccurred:
    return LifecycleEventOccurred(
        lifecycle_id=lifecycle_id("race", str(number)),
        source="race",
        source_id=str(number),
        order=Order(revision=1, tie=1),
        moment=Moment.PURCHASED,
        occurred_at=at,
        received_at=at,
        person_key=person,
    )


def _answer(person: str, at: datetime) -> ResponseRecorded:
    source_id = f"{person} {at.isoformat()}"
    return ResponseRecorded(
        response_id=response_id("race", source_id),
        person_key=person,
        source="race",
        source_id=source_id,
        order=Order(revision=1, tie=1),
        metric=Metric.NPS,
        score=9,
        responded_at=at,
        received_at=at,
    )


def measure(*, people: int, seconds: float) -> int:
    """Races once on servers of its own and tells what came of it; 1 when anything is wrong."""
    with EmbeddedPostgres() as postgres, EmbeddedKafka() as kafka, tempfile.TemporaryDirectory() as folder:
        specs = [TopicSpec(topic.name, topic.partitions) for topic in TOPICS]
        ensure_topics(kafka.bootstrap_servers, [*specs, TopicSpec(replay_topic(SERVICE), 1)])
        migrate(postgres.url, SERVICE)
        outcome = run(
            kafka.bootstrap_servers,
            postgres.url,
            Path(folder),
            people=people,
            seconds=seconds,
            kill_every_seconds=KILL_EVERY_SECONDS,
        )
    return report.publish(
        "race",
        figures={
            "violations": outcome.violations,
            "lost": outcome.lost,
            "doubled": outcome.doubled,
            "surveys": outcome.surveys,
            "repeated_records": outcome.repeated,
            "played_days": outcome.played_days,
        },
        scale={
            "schedulers": len(SKEWS_SECONDS),
            "people": people,
            "seconds": int(seconds),
            "kills": outcome.kills,
        },
        reference="what must hold of it",
        packages=("kafka-python", "psycopg"),
        at_least={"surveys": 1, "kills": seconds // (2 * KILL_EVERY_SECONDS)},
        at_most=dict.fromkeys(("violations", "lost", "doubled"), 0),
    )


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    return measure(people=given.people, seconds=given.seconds)


if __name__ == "__main__":
    sys.exit(main())
