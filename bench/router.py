"""Planning a second of one router process, beside the same records merely consumed; make bench NAME=router.

Planning is what production does with a classified answer: read from Kafka, decoded, its facts gathered, the
shipped rules evaluated, the messages rendered, subject, plan, scores, effects and outcomes committed, then
the offset. Nothing is delivered meanwhile. The reference decodes the same records and commits. Afterwards
the whole product runs on this machine, and answers come in by HTTP at a steady rate: `p99_seconds` is from
the call to the delivery in the double, over all deliveries.
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
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import yaml

from bench import report, steady
from bench.scratch import scratch_database
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
from services.router.occurrences import PlannedEvent
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
THEMES = (
    ("performance", "Product"),
    ("pricing", "Finance"),
    ("support", "Support"),
    ("onboarding", "Success"),
)
FLOOR_PER_SECOND = 5_000
STEADY_PER_SECOND = 200
STEADY_SECONDS = 60
_LOOK_SECONDS = 0.05

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


def _classified(count: int) -> Iterator[Message]:
    """Answers of every group, two thirds with a comment; most people answer a few times."""
    chance = random.Random("router")  # noqa: S311 - a repeatable sample
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
                    response_id=response_id("bench", str(number)),
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


def _fill(bootstrap: str, count: int) -> None:
    filling = producer(KafkaSettings(bootstrap, "bench"))
    messages = _classified(count)
    while batch := list(itertools.islice(messages, FILL_BATCH)):
        if any(deliver(filling, batch)):
            raise SystemExit("the broker did not take the answers")
    close(filling)


def _consume(bootstrap: str, url: str, *, plans: bool) -> int:
    """Be one router's planning, or a consumer that only decodes, until the end of standard input."""
    stop = threading.Event()
    kafka = KafkaSettings(bootstrap, "bench-planner" if plans else "bench-reader")
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
                group="bench-reader",
                topics=[ResponseClassified.TOPIC],
                decode=decode,
                handle=_count,
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


def _count(connection: psycopg.Connection[Any], delivered: Sequence[Delivered[PlannedEvent]]) -> None:
    connection.execute("UPDATE bench_read SET records = records + %s", (len(delivered),))


def _rate(command: Sequence[str], progress: Callable[[], int], count: int) -> float:
    """Records a second, from the first seen done to the last."""
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            first = _reached(process, progress, 1)
            began = time.monotonic()
            _reached(process, progress, count)
            seconds = time.monotonic() - began
        finally:
            process.communicate()
    return (count - first) / seconds


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
        connection.execute("CREATE TABLE bench_read (records bigint NOT NULL)")
        connection.execute("INSERT INTO bench_read VALUES (0)")


def measure(bootstrap: str, url: str, *, answers: int, steady_seconds: int) -> int:
    """Measure on these servers, in a database made for it."""
    ensure_topics(
        bootstrap, [TopicSpec(topic.name, topic.partitions, topic.settings()) for topic in EVERY_TOPIC]
    )
    with scratch_database(url) as scratch, closing(_pool(scratch)) as pool:
        migrate(scratch, "router")
        _seed(pool)
        _fill(bootstrap, answers)
        command = [sys.executable, "-m", "bench.router", "--bootstrap", bootstrap, "--database", scratch]
        read = _rate([*command, "--read"], lambda: _number(pool, "SELECT records FROM bench_read"), answers)
        planned = _rate([*command, "--plan"], lambda: _number(pool, "SELECT count(*) FROM plans"), answers)
        effects = _number(pool, "SELECT count(*) FROM effects")
    path = steady.run(per_second=STEADY_PER_SECOND, seconds=steady_seconds)
    return report.publish(
        "router",
        figures={
            "plan_per_second": planned,
            "read_per_second": read,
            "ratio": planned / read,
            "effects_an_answer": effects / answers,
            "p50_seconds": path.quantile(0.5),
            "p99_seconds": path.quantile(0.99),
            "sent_seconds": path.sent_seconds,
            "deliveries": len(path.latencies),
            "failed": path.failed,
            "dead_letters": path.dead_letters,
        },
        scale={
            "events": answers,
            "people": PEOPLE,
            "responses": path.responses,
            "responses_per_second": STEADY_PER_SECOND,
        },
        reference="the same records consumed, decoded and committed without planning",
        packages=("kafka-python", "psycopg", "common-expression-language", "pydantic"),
        at_least={"plan_per_second": FLOOR_PER_SECOND, "responses": STEADY_PER_SECOND * STEADY_SECONDS},
        at_most={"p99_seconds": 1, "failed": 0, "dead_letters": 0},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--steady-seconds", type=int, default=STEADY_SECONDS)
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"))
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"))
    parser.add_argument("--plan", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.plan or given.read:
        return _consume(given.bootstrap, given.database, plans=given.plan)
    with ExitStack() as stack:
        bootstrap = given.bootstrap or stack.enter_context(EmbeddedKafka()).bootstrap_servers
        database = given.database or stack.enter_context(EmbeddedPostgres()).url
        return measure(bootstrap, database, answers=given.answers, steady_seconds=given.steady_seconds)


if __name__ == "__main__":
    sys.exit(main())
