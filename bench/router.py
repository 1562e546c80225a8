"""Planning a second of one router process, beside a floor of the same records; make bench NAME=router.

Planning is what production does with a classified answer: read from Kafka, decoded, its facts gathered, the
shipped rules evaluated, the messages rendered, subject, plan, scores, effects and outcomes committed, then
the offset. Nothing is delivered meanwhile. The floor is the same consumer with the same records, decoded,
that writes one row of three columns for each and decides nothing. In turn, as many answers again are
planned in another database, which holds millions of finished deliveries besides and is otherwise the same:
what planning the first ones left open would weigh on it, too, and finished deliveries alone are in question.
Everybody has answered before, in both, so that the same is planned. Afterwards the whole product runs on this
machine, and answers come in by HTTP at a steady rate: `p99_seconds` is from the call to the delivery in the
double, over all deliveries, `held_per_second` the highest rate tried at which it stays within a second.
"""

import argparse
import gc
import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from statistics import median
from typing import Any, LiteralString

import psycopg
import yaml

from bench import report, steady
from bench.scratch import SERVER, scratch_database
from runtime import cloudevents, tracing
from runtime.clock import WallClock
from runtime.consumer import Consumer, Delivered
from runtime.dead_letters import DeadLetters
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from runtime.migrations import migrate
from runtime.postgres import Pool, open_pool
from runtime.topics import TopicSpec, ensure_topics
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.embedded_postgres import EmbeddedPostgres
from schemas.classified import ResponseClassified, TagSource, ThemeTag
from schemas.responses import Order, Respondent, ResponseRecorded, response_id
from schemas.scales import Metric, group_of
from schemas.topics import EVERY_TOPIC
from services.router.__main__ import planning_consumer, read_playbook
from services.router.destination_settings import read_destinations
from services.router.follow_up_desk import Desk
from services.router.follow_up_effects import Shown
from services.router.ledger import PLANS_BY_KEY
from services.router.movement import SHOWN_BEFORE
from services.router.occurrences import PlannedEvent, occurrence_of
from services.router.people import load_people
from services.router.planner import decode
from services.router.plugins import discover
from services.router.survey_links import SurveyLinks
from services.router.upkeep import ensure_partitions

COMMENTS = Path(__file__).parents[1] / "sandbox" / "sample" / "comments.yaml"
CONFIG = Path(__file__).parents[1] / "deploy" / "config"
PEOPLE = 20_000
ACCOUNTS = 500
FILL_BATCH = 2_000
ROUNDS = 3
THEMES = (
    ("performance", "Product"),
    ("pricing", "Finance"),
    ("support", "Support"),
    ("onboarding", "Success"),
)
FLOOR_PER_SECOND = 5_000
FINISHED = 10_000_000
FINISHED_AN_ANSWER = 5
FINISHED_AT_ONCE = 500_000
FULL_LEDGER_RATIO = 0.8
# Each answer has a score. Those that were made up are older, and an index by time leaves them out.
_PLANNED_SQL: LiteralString = "SELECT count(*) FROM scores WHERE responded_at > now() - interval '1 day'"
_NOTED_SQL: LiteralString = "SELECT coalesce(pg_sequence_last_value('bench_floor_number_seq'), 0)"
STEADY_PER_SECOND = 200
STEADY_SECONDS = 60
STEADY_P99_SECONDS = 1
_LOOK_SECONDS = 0.2  # counting takes from what is measured

_SEED_PROFILES_SQL = """
INSERT INTO profiles (person_key, version, account_id, state)
SELECT md5('person ' || number), 1, 'account-' || number %% %(accounts)s, jsonb_build_object(
    'person_key', md5('person ' || number), 'version', 1, 'changed_at', now(),
    'customer_id', 'customer-' || number, 'email', 'person-' || number || '@customer.test',
    'name', 'Person ' || number, 'language', 'en', 'time_zone', 'Europe/Berlin',
    'account_id', 'account-' || number %% %(accounts)s, 'role', 'key_contact', 'segment', 'enterprise')
FROM generate_series(0, %(people)s - 1) AS number
"""
_SEED_ACCOUNTS_SQL = """
INSERT INTO accounts (account_id, version, state)
SELECT 'account-' || number, 1, jsonb_build_object(
    'account_id', 'account-' || number, 'version', 1, 'changed_at', now(), 'name', 'Account ' || number,
    'owner_email', 'owner-' || number %% 20 || '@company.test', 'segment', 'enterprise', 'arr', 1200 * number,
    'currency', 'EUR', 'health', 'good')
FROM generate_series(0, %(accounts)s - 1) AS number
"""
_SEED_SCORES_SQL = """
INSERT INTO scores (subject, person_key, metric, score, responded_at)
SELECT 'response:' || md5('earlier ' || number || ' ' || time)::uuid, md5('person ' || number), 'nps',
    (number + time) %% 11, now() - interval '90 days' * time
FROM generate_series(0, %(people)s - 1) AS number, generate_series(1, %(times)s) AS time
"""
_SEED_FINISHED_SQL = """
WITH answers AS (
    SELECT number, 'response:' || md5('finished ' || number)::uuid AS subject,
        md5('person ' || number %% %(people)s) AS person_key,
        now() - interval '300 days' + number * interval '1 s' AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
), seen AS (
    INSERT INTO subjects (subject, person_key, highest, delivered_revision)
    SELECT subject, person_key, '{1,1,1,1}', 1 FROM answers
), scored AS (
    INSERT INTO scores (subject, person_key, metric, score, responded_at)
    SELECT subject, person_key, 'nps', number %% 11, at FROM answers
), planned AS (
    INSERT INTO plans (subject, revision, classification_version, tie, mapping_version, effects, standing,
        planned_at, rules_version, matched, erred, facts)
    SELECT subject, 1, 1, 1, 1, 'deliver', 'final', at, 'bench', '{record}', '{}',
        jsonb_build_object('profile', jsonb_build_object('key', person_key)) FROM answers
)
INSERT INTO effects (subject, action, effect_id, rule, destination, order_key, rate_key, person_key,
    account_id, received_at, planned_at, traceparent, content, wanted, sent_version, outside, external_id,
    status)
SELECT subject, 'action_' || action, md5(subject || action)::uuid, 'record', 'slack', person_key, 'support',
    person_key, 'account-' || number %% %(accounts)s, at, at,
    '00-' || md5(subject) || '-00f067aa0ba902b7-01', '{"channel": "#support", "text": "It takes minutes."}',
    'present', 1, 'present', 'C024BE91L/1700000000.000100', 'delivered'
FROM answers, generate_series(1, %(an_answer)s::int) AS action
"""


def _classified(count: int, name: str) -> Iterator[Message]:
    """Answers of every group, two thirds with a comment; most people answer a few times."""
    chance = random.Random(name)  # noqa: S311 - a repeatable sample
    comments = [
        comment
        for group in yaml.safe_load(COMMENTS.read_text(encoding="utf-8")).values()
        for comment in group
    ]
    now = datetime.now(UTC)
    for number in range(count):
        person = chance.randrange(PEOPLE)
        score = chance.choice((2, 4, 6, 7, 8, 8, 9, 9, 10, 10))
        at = now - timedelta(seconds=count - number)
        milliseconds = int(at.timestamp() * 1000)
        comment = chance.choice(comments)["text"] if chance.random() < 2 / 3 else None
        theme, function = chance.choice(THEMES)
        yield cloudevents.to_message(
            ResponseClassified(
                response=ResponseRecorded(
                    response_id=response_id(name, str(number)),
                    person_key=md5(f"person {person}".encode(), usedforsecurity=False).hexdigest(),
                    account_id=f"account-{person % ACCOUNTS}",
                    source="bench",
                    source_id=f"answer-{number}",
                    order=Order(revision=milliseconds, tie=milliseconds),
                    metric=Metric.NPS,
                    score=score,
                    comment=comment,
                    responded_at=at,
                    received_at=at,
                    channel="email",
                    respondent=Respondent(customer_id=f"customer-{person}"),
                ),
                classification_version=1,
                classified_at=at,
                group=group_of(Metric.NPS, score),
                themes=(ThemeTag(theme=theme, source=TagSource.LOOKUP),) if comment else (),
                sentiment="neutral" if comment else None,
                functions=(function,) if comment else (),
                language="en",
            ),
            source="/bench",
            traceparent=tracing.new_traceparent(),
        )


def _fill(bootstrap: str, count: int, name: str) -> None:
    filling = producer(KafkaSettings(bootstrap, "bench"))
    messages = _classified(count, name)
    while batch := list(itertools.islice(messages, FILL_BATCH)):
        if any(deliver(filling, batch)):
            raise SystemExit("the broker did not take the answers")
    close(filling)


def _consume(bootstrap: str, url: str, *, plans: bool) -> int:
    """Be one router's planning, or the floor's consumer, until the end of standard input."""
    stop = threading.Event()
    kafka = KafkaSettings(bootstrap, "bench-planner" if plans else "bench-floor")
    with closing(_pool(url)) as pool:
        if plans:
            destinations = read_destinations(CONFIG / "destinations.yaml", discover())
            playbook = read_playbook(CONFIG, destinations, load_people(CONFIG / "people.yaml"))
            shown = Shown(playbook.plugins)
            desk = Desk(pool=pool, clock=WallClock(), people=playbook.people, shown=shown)
            consumer = planning_consumer(
                kafka=kafka,
                pool=pool,
                playbook=playbook,
                clock=WallClock(),
                links=SurveyLinks("https://feedback.test", b"a secret of the measurement alone"),
                follow=desk.after_planning,
                storm_people=0,
            )
        else:
            consumer = Consumer(
                kafka=kafka,
                group="bench-floor",
                topics=[ResponseClassified.TOPIC],
                decode=decode,
                handle=_note,
                pool=pool,
                dead_letters=DeadLetters(kafka),
            )
        gc.collect()
        gc.freeze()  # as a service does when it has started
        thread = threading.Thread(target=consumer.run, args=(stop,))
        thread.start()
        sys.stdin.read()
        stop.set()
        thread.join()
    return 0


def _note(connection: psycopg.Connection[Any], delivered: Sequence[Delivered[PlannedEvent]]) -> None:
    found = [occurrence_of(one.event) for one in delivered]
    connection.execute(
        "INSERT INTO bench_floor (subject, revision, person_key)"
        " SELECT * FROM unnest(%b::text[], %s::bigint[], %b::text[])",
        ([one.subject for one in found], [one.revision for one in found], [one.person_key for one in found]),
    )


def _rate(command: Sequence[str], progress: Callable[[], int], count: int) -> float:
    """Records a second, from the first seen done to the last."""
    before = progress()
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            first = _reached(process, progress, before + 1)
            began = time.monotonic()
            _reached(process, progress, before + count)
            seconds = time.monotonic() - began
        finally:
            process.communicate()
    return (before + count - first) / seconds


def _reached(process: "subprocess.Popen[bytes]", progress: Callable[[], int], wanted: int) -> int:
    while (done := progress()) < wanted:
        if process.poll() is not None:
            raise SystemExit(f"the process ended at {done} of {wanted}, exit code {process.poll()}")
        time.sleep(_LOOK_SECONDS)
    return done


def _pool(url: str) -> Pool:
    return open_pool(url, schema="router", application="bench", options=PLANS_BY_KEY)


def _number(pool: Pool, query: LiteralString) -> int:
    with pool.connection() as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _seed(pool: Pool) -> None:
    with pool.connection() as connection:
        ensure_partitions(connection)
        connection.execute(_SEED_PROFILES_SQL, {"people": PEOPLE, "accounts": ACCOUNTS})
        connection.execute(_SEED_ACCOUNTS_SQL, {"accounts": ACCOUNTS})
        connection.execute(_SEED_SCORES_SQL, {"people": PEOPLE, "times": SHOWN_BEFORE})
        connection.execute(
            "CREATE TABLE bench_floor (number bigint GENERATED ALWAYS AS IDENTITY,"
            " subject text PRIMARY KEY, revision bigint NOT NULL, person_key text NOT NULL)"
        )


def _fill_ledger(pool: Pool, finished: int) -> None:
    answers = finished // FINISHED_AN_ANSWER
    for first in range(1, answers + 1, FINISHED_AT_ONCE // FINISHED_AN_ANSWER):
        last = min(first + FINISHED_AT_ONCE // FINISHED_AN_ANSWER - 1, answers)
        values = {"people": PEOPLE, "accounts": ACCOUNTS, "an_answer": FINISHED_AN_ANSWER}
        with pool.connection() as connection:
            connection.execute(_SEED_FINISHED_SQL, values | {"first": first, "last": last})


def _settle_down(pool: Pool) -> None:
    """Begin where a service does that has run for a while: statistics known, nothing left to be written."""
    with pool.connection() as connection:
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        connection.autocommit = False


@dataclass(frozen=True)
class Round:
    """Answers of one portion, a second."""

    floor: float
    planned: float


@dataclass(frozen=True)
class Ledger:
    """A database, full of deliveries or not."""

    url: str
    pool: Pool
    finished: int

    def plan(self, bootstrap: str, answers: int, name: str) -> Round:
        """How fast so many new answers are planned here, and how fast the floor takes them."""
        _fill(bootstrap, answers, f"{name} {self.finished}")
        command = [sys.executable, "-m", "bench.router", "--bootstrap", bootstrap, "--database", self.url]
        return Round(
            floor=_rate([*command, "--floor"], lambda: _number(self.pool, _NOTED_SQL), answers),
            planned=_rate([*command, "--plan"], lambda: _number(self.pool, _PLANNED_SQL), answers),
        )

    def effects(self) -> int:
        """How many effects were planned."""
        return _number(self.pool, "SELECT count(*) FROM effects") - self.finished


@contextmanager
def _ledger(url: str, *, finished: int) -> Iterator[Ledger]:
    with scratch_database(url) as scratch, closing(_pool(scratch)) as pool:
        migrate(scratch, "router")
        _seed(pool)
        _fill_ledger(pool, finished)
        _settle_down(pool)
        yield Ledger(scratch, pool, finished)


def measure(bootstrap: str, url: str, *, answers: int, finished: int, steady_seconds: int) -> int:
    """Measure on these servers, in databases made for it."""
    ensure_topics(
        bootstrap, [TopicSpec(topic.name, topic.partitions, topic.settings()) for topic in EVERY_TOPIC]
    )
    with _ledger(url, finished=0) as empty, _ledger(url, finished=finished) as full:
        # In turn, so that a machine that becomes slower does so for both.
        rounds = [
            (
                empty.plan(bootstrap, answers // ROUNDS, f"round {number}"),
                full.plan(bootstrap, answers // ROUNDS, f"round {number}"),
            )
            for number in range(ROUNDS)
        ]
        planned = ROUNDS * (answers // ROUNDS)
        planning = {
            "plan_per_second": median(one.planned for one, _ in rounds),
            "floor_per_second": median(one.floor for one, _ in rounds),
            "ratio": median(one.planned / one.floor for one, _ in rounds),
            "full_ledger_per_second": median(other.planned for _, other in rounds),
            "full_ledger_ratio": median(other.planned / one.planned for one, other in rounds),
            "effects_an_answer": empty.effects() / planned,
            "full_ledger_effects_an_answer": full.effects() / planned,
        }
    print(planning, file=sys.stderr)  # the other half takes minutes
    path, held = steady.run(
        per_second=STEADY_PER_SECOND, seconds=steady_seconds, within_seconds=STEADY_P99_SECONDS
    )
    return report.publish(
        "router",
        figures={
            **planning,
            "p50_seconds": path.quantile(0.5),
            "p99_seconds": path.quantile(0.99),
            "held_per_second": held,
            "sent_seconds": path.sent_seconds,
            "deliveries": len(path.latencies),
            "undelivered": path.undelivered,
            "failed": path.failed,
            "dead_letters": path.dead_letters,
        },
        scale={
            "events": answers,
            "finished": finished,
            "people": PEOPLE,
            "responses": path.responses,
            "responses_per_second": STEADY_PER_SECOND,
        },
        reference="the same records consumed, decoded, and one small row committed for each",
        packages=("kafka-python", "psycopg", "common-expression-language", "pydantic"),
        at_least={
            "plan_per_second": FLOOR_PER_SECOND,
            "full_ledger_ratio": FULL_LEDGER_RATIO,
            "finished": FINISHED,
            "responses": STEADY_PER_SECOND * STEADY_SECONDS,
        },
        at_most={"p99_seconds": STEADY_P99_SECONDS, "undelivered": 0, "failed": 0, "dead_letters": 0},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=50_000)
    parser.add_argument("--finished", type=int, default=FINISHED)
    parser.add_argument("--steady-seconds", type=int, default=STEADY_SECONDS)
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"))
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"))
    parser.add_argument("--plan", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--floor", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.plan or given.floor:
        return _consume(given.bootstrap, given.database, plans=given.plan)
    with ExitStack() as stack:
        bootstrap = given.bootstrap or stack.enter_context(EmbeddedKafka()).bootstrap_servers
        database = given.database or stack.enter_context(EmbeddedPostgres(settings=SERVER)).url
        return measure(
            bootstrap,
            database,
            answers=given.answers,
            finished=given.finished,
            steady_seconds=given.steady_seconds,
        )


if __name__ == "__main__":
    sys.exit(main())
