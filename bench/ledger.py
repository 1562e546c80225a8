"""Deliveries a second through the whole ledger with a million effects pending, beside a bare queue.

A delivery is what production does for one: claimed in a batch with its lease and its attempt, the call (to a
destination that does nothing), then attempt, effect, queue and outcome written in one transaction. The outbox
is written and not relayed. Two router processes deliver, as many as run for availability. The bare queue
beside them claims and completes rows of one narrow table with SKIP LOCKED, in batches of the same size, from
two threads. fsync and synchronous_commit are on. Run with `make bench NAME=ledger`.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import IO

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from bench import report
from bench.scratch import scratch_database
from runtime.clock import WallClock
from runtime.migrations import migrate
from runtime.postgres import Pool, open_pool
from sandbox.embedded_postgres import EmbeddedPostgres
from services.router.clearance import DeliveryMode, Policy
from services.router.delivery import CLAIM_SIZE, Connected, Deliveries
from services.router.destination import (
    AfterAmbiguity,
    Call,
    Delivered,
    Limits,
    Plugin,
    Result,
    Sighting,
    Traits,
)
from services.router.ledger import PLANS_BY_KEY
from services.router.upkeep import ensure_partitions

ROUTERS = 2
BARE_THREADS = 2
EFFECTS_A_PERSON = 5
FEW_PENDING = 10_000
DESTINATION = "nowhere"
FLOOR_PER_SECOND = 3_000
FLOOR_DELIVERED = 100_000
FLOOR_PENDING = 1_000_000

_SEED_EFFECTS_SQL = """
INSERT INTO effects (subject, action, effect_id, rule, destination, order_key, rate_key, person_key,
    account_id, received_at, planned_at, traceparent, content, wanted)
SELECT 'response:' || gen_random_uuid(), 'card', gen_random_uuid(), 'detractor', %(destination)s,
    md5((number %% %(people)s)::text), '', md5((number %% %(people)s)::text), 'account ' || number %% 1000,
    now(), now(), '00-' || md5(number::text) || '-00f067aa0ba902b7-01',
    jsonb_build_object('channel', '#customer-success', 'text', repeat('The export takes minutes. ', 16)),
    'present'
FROM generate_series(1, %(pending)s) AS number
"""
_SEED_PENDING_SQL = """
INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key)
SELECT effect_id, subject, action, destination, order_key, rate_key FROM effects
"""
_SEED_PROFILES_SQL = """
INSERT INTO profiles (person_key, version, state)
SELECT md5(number::text), 1, jsonb_build_object('email', number || '@shop.test')
FROM generate_series(0, %(people)s - 1) AS number
ON CONFLICT DO NOTHING
"""
_SEED_QUEUE_SQL = """
CREATE TABLE bare_queue (
    id bigint PRIMARY KEY, due_at timestamptz NOT NULL, done boolean NOT NULL DEFAULT false
);
INSERT INTO bare_queue (id, due_at) SELECT number, now() FROM generate_series(1, {}) AS number;
CREATE INDEX bare_queue_due ON bare_queue (due_at) WHERE NOT done;
"""
_BARE_CLAIM_SQL = """
UPDATE bare_queue SET due_at = clock_timestamp() + interval '30 s' WHERE id IN (
    SELECT id FROM bare_queue WHERE NOT done AND due_at <= clock_timestamp()
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id
"""
_BARE_COMPLETE_SQL = "UPDATE bare_queue SET done = true WHERE id = ANY(%s)"


class _Nothing(BaseModel):
    pass


class _Content(BaseModel):
    channel: str
    text: str


class _Settings(BaseSettings):
    pass


class _Nowhere:
    """A destination that does nothing, at once."""

    limits = Limits(parallel_calls=1, deadline_seconds=10)

    def deliver(self, call: Call) -> Result:
        return Delivered(str(call.effect_id))

    def reconcile(self, call: Call) -> Sighting:
        raise NotImplementedError(f"nothing is ambiguous here, and {call.effect_id} came to be")

    def close(self) -> None:
        pass


def _plugin() -> Plugin[_Nothing, _Content, _Settings]:
    return Plugin(
        name=DESTINATION,
        traits=Traits(AfterAmbiguity.RECONCILE, updates=True),
        settings=_Settings,
        action=_Nothing,
        content=_Content,
        render=lambda _action, _facts, _templates: None,
        connect=lambda _settings: _Nowhere(),
        order_key=lambda _content, facts: facts.profile.key,
        rate_key=lambda _content: "",
        audience=lambda content: (content.channel,),
    )


def _seed(pool: Pool, pending: int) -> None:
    people = max(1, pending // EFFECTS_A_PERSON)
    with pool.connection() as connection:
        connection.execute("TRUNCATE effects, pending, attempts, outbox")
        values = {"destination": DESTINATION, "people": people, "pending": pending}
        connection.execute(_SEED_EFFECTS_SQL, values)
        connection.execute(_SEED_PENDING_SQL, values)
        connection.execute(_SEED_PROFILES_SQL, values)
    _settle_down(pool, "effects, pending, profiles")


def _settle_down(pool: Pool, tables: str) -> None:
    with pool.connection() as connection:
        connection.autocommit = True
        connection.execute(f"VACUUM ANALYZE {tables}".encode())
        connection.execute("CHECKPOINT")
        connection.autocommit = False


def _serve(url: str) -> int:
    """Be one router's delivery worker: start at a line on standard input, stop at its end."""
    stop = threading.Event()
    with closing(_pool(url)) as pool:
        worker = Deliveries(
            connected=Connected(_plugin(), _Nowhere(), None),
            pool=pool,
            clock=WallClock(),
            policy=Policy(DeliveryMode.LIVE),
            profiles_age_seconds=lambda: 0.0,
        )
        pool.wait()
        print("ready", flush=True)
        sys.stdin.readline()
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        sys.stdin.read()
        stop.set()
        thread.join()
    return 0


def _deliver(url: str, pool: Pool, *, enough: int) -> tuple[int, float]:
    """Deliver until `enough` are recorded; returns how many were, and the seconds it took."""
    command = [sys.executable, "-m", "bench.ledger", "--serve", url]
    with ExitStack() as stack:
        routers = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(ROUTERS)
        ]
        for router in routers:
            _pipe(router.stdout).readline()
        first, began = _about_delivered(pool), time.monotonic()
        for router in routers:
            _pipe(router.stdin).write("go\n")
            _pipe(router.stdin).flush()
        while _about_delivered(pool) - first < enough:
            time.sleep(0.05)
        for router in routers:
            _pipe(router.stdin).close()
        for router in routers:
            router.wait()
        seconds = time.monotonic() - began
    return _delivered(pool), seconds


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise RuntimeError("the process was started without pipes")
    return stream


def _pool(url: str) -> Pool:
    return open_pool(url, schema="router", application="bench", options=PLANS_BY_KEY)


def _delivered(pool: Pool) -> int:
    with pool.connection() as connection:
        row = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(row[0]) if row else 0


def _about_delivered(pool: Pool) -> int:
    # Ids of the outbox are given one by one; counting the rows would take its time from what is measured.
    with pool.connection() as connection:
        row = connection.execute("SELECT last_value FROM outbox_id_seq WHERE is_called").fetchone()
    return int(row[0]) if row else 0


def _bare(pool: Pool, *, rows: int, enough: int) -> float:
    """Rows a second through a queue that does nothing else."""
    with pool.connection() as connection:
        connection.execute(_SEED_QUEUE_SQL.format(rows).encode())
    _settle_down(pool, "bare_queue")
    batches = enough // CLAIM_SIZE // BARE_THREADS

    def work() -> None:
        with pool.connection() as connection:
            for _ in range(batches):
                ids = [row[0] for row in connection.execute(_BARE_CLAIM_SQL, (CLAIM_SIZE,))]
                connection.commit()
                connection.execute(_BARE_COMPLETE_SQL, (ids,))
                connection.commit()

    began = time.monotonic()
    with ThreadPoolExecutor(BARE_THREADS) as executor:
        for done in [executor.submit(work) for _ in range(BARE_THREADS)]:
            done.result()
    return batches * BARE_THREADS * CLAIM_SIZE / (time.monotonic() - began)


def _durability(pool: Pool) -> dict[str, str]:
    with pool.connection() as connection:
        found = connection.execute(
            "SELECT name, setting FROM pg_settings"
            " WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')"
        ).fetchall()
    return dict(found)


def _unexpected(pool: Pool, delivered: int) -> int:
    """Deliveries that did not leave exactly one finished attempt and one delivered effect."""
    with pool.connection() as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM effects WHERE status = 'delivered'),"
            " (SELECT count(*) FROM attempts WHERE result = 'delivered')"
        ).fetchone()
    return sum(abs(delivered - int(count)) for count in row or (0, 0))


def measure(url: str, *, pending: int, deliveries: int) -> int:
    """Measure on the server at `url`, in a database made for it and dropped after it."""
    with scratch_database(url) as scratch:
        return _measure(scratch, pending=pending, deliveries=deliveries)


def _measure(url: str, *, pending: int, deliveries: int) -> int:
    migrate(url, "router")
    with closing(_pool(url)) as pool:
        with pool.connection() as connection:
            ensure_partitions(connection)
        durability = _durability(pool)
        _seed(pool, FEW_PENDING)
        few, few_seconds = _deliver(url, pool, enough=FEW_PENDING)
        print(f"seeding {pending:,} pending effects", file=sys.stderr)
        _seed(pool, pending)
        delivered, seconds = _deliver(url, pool, enough=deliveries)
        unexpected = _unexpected(pool, delivered)
        bare_per_second = _bare(pool, rows=pending, enough=deliveries)
    return report.publish(
        "ledger",
        figures={
            "per_second": delivered / seconds,
            "bare_per_second": bare_per_second,
            "ratio": delivered / seconds / bare_per_second,
            "few_pending_per_second": few / few_seconds,
            "unexpected": unexpected,
            **durability,
            "relay": "not running",
        },
        scale={
            "pending": pending,
            "delivered": delivered,
            "few_pending": FEW_PENDING,
            "routers": ROUTERS,
            "batch": CLAIM_SIZE,
            "effects_a_person": EFFECTS_A_PERSON,
        },
        reference="a bare SKIP LOCKED queue of as many rows, claimed and completed in the same batches",
        packages=("psycopg", "pydantic", "limits"),
        at_least={
            "per_second": FLOOR_PER_SECOND,
            "pending": FLOOR_PENDING,
            "delivered": FLOOR_DELIVERED,
        },
        at_most={"unexpected": 0},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=FLOOR_PENDING)
    parser.add_argument("--deliveries", type=int, default=FLOOR_DELIVERED)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"))
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        return _serve(given.serve)
    if given.database:
        return measure(given.database, pending=given.pending, deliveries=given.deliveries)
    with EmbeddedPostgres() as postgres:
        return measure(postgres.url, pending=given.pending, deliveries=given.deliveries)


if __name__ == "__main__":
    sys.exit(main())
