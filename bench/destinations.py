"""Whether one dead destination of twenty delays the other nineteen.

Twenty webhooks, each with its own worker, in one router process as in production; effects become due evenly,
on an open loop, and go over HTTP to the sandbox. Runs in which all answer take turns with runs in which one
of them holds every connection until the deadline; the figures are of the other nineteen only, from the moment
an effect is due to the moment its delivery is recorded, all runs of a kind together. Afterwards the dead one
answers again and everything has to be caught up. Run with `make bench NAME=destinations`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx2

from bench import report
from bench.scratch import scratch_database
from runtime.clock import WallClock
from runtime.migrations import migrate
from runtime.postgres import Pool, open_pool
from sandbox.client import Credentials, RunningSandbox
from sandbox.embedded_postgres import EmbeddedPostgres
from services.router.clearance import DeliveryMode, Policy
from services.router.delivery import Connected, Deliveries
from services.router.destination_settings import read_destinations
from services.router.ledger import PLANS_BY_KEY
from services.router.plugins import discover
from services.router.upkeep import ensure_partitions

DESTINATIONS = 20
DEAD = "d00"
NAMES = tuple(f"d{number:02}" for number in range(DESTINATIONS))
PER_SECOND = 100
SECONDS = 20
ROUNDS = 3
DEADLINE_SECONDS = 2
CATCH_UP_SECONDS = 180.0
MOST_ATTEMPTS = 20
MOST_RATIO = 1.2

_DUE_SQL = """
WITH made AS (
    INSERT INTO effects (subject, action, effect_id, rule, destination, order_key, rate_key, person_key,
        received_at, planned_at, traceparent, content, wanted)
    SELECT 'response:' || gen_random_uuid(), 'hook', gen_random_uuid(), 'every', 'webhook.' || name,
        name || %(number)s, '', name || %(number)s, clock_timestamp(), clock_timestamp(),
        '00-' || md5(name) || '-00f067aa0ba902b7-01', %(content)s::jsonb, 'present'
    FROM unnest(%(names)s::text[]) AS name
    RETURNING effect_id, subject, action, destination, order_key, rate_key
)
INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key)
SELECT effect_id, subject, action, destination, order_key, rate_key FROM made
"""
_SECONDS_SQL = """
SELECT extract(epoch FROM a.finished_at - e.planned_at)::float8
FROM effects AS e JOIN attempts AS a ON a.effect_id = e.effect_id AND a.result = 'delivered'
WHERE e.destination <> 'webhook.' || %(dead)s AND e.planned_at >= %(since)s
"""
_CALLS_TO_DEAD_SQL = """
SELECT count(*) FROM attempts JOIN effects USING (effect_id)
WHERE destination = 'webhook.' || %(dead)s AND started_at >= %(since)s
  AND result IS DISTINCT FROM 'not_started'
"""
_LEFT_SQL = "SELECT count(*) FROM pending WHERE (destination = 'webhook.' || %(dead)s) = %(of_dead)s"
_CONTENT = """{"response_id": "r", "metric": "nps", "score": 9, "group": "promoter", "comment": null,
"themes": [], "sentiment": null, "language": "en", "program": null, "channel": null,
"responded_at": "2026-11-22T10:00:00Z",
"person": {"key": "k"}, "account": null}"""


def _serve(url: str, folder: str) -> int:
    """Be the router: deliver until standard input ends."""
    stop = threading.Event()
    configured = read_destinations(Path(folder) / "destinations.yaml", discover())
    with closing(_pool(url, DESTINATIONS + 6)) as pool:
        workers = []
        for one in configured.values():
            destination = one.plugin.connect(one.settings())
            if isinstance(destination, str):
                continue
            workers.append(
                Deliveries(
                    connected=Connected(one.plugin, destination, None),
                    pool=pool,
                    clock=WallClock(),
                    policy=Policy(DeliveryMode.LIVE),
                    profiles_age_seconds=lambda: 0.0,
                )
            )
        threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
        for thread in threads:
            thread.start()
        print("ready", flush=True)
        sys.stdin.read()
        stop.set()
        for thread in threads:
            thread.join()
    return 0


@contextmanager
def _router(url: str, sandbox: RunningSandbox, folder: Path) -> Iterator[None]:
    lines = [f"  {name}: {{calls_per_second: 1000, deadline_seconds: {DEADLINE_SECONDS}}}" for name in NAMES]
    (folder / "destinations.yaml").write_text("webhook:\n" + "\n".join(lines) + "\n")
    environment = dict(os.environ)
    for name in NAMES:
        environment |= sandbox.credentials.for_webhook(sandbox.url, name)
    command = [sys.executable, "-m", "bench.destinations", "--serve", url, "--folder", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as router:
        if router.stdout is None or router.stdin is None:
            raise RuntimeError("the process was started without pipes")
        router.stdout.readline()
        try:
            yield
        finally:
            router.stdin.close()
            router.wait()


def _pool(url: str, size: int) -> Pool:
    return open_pool(url, schema="router", application="bench", max_size=size, options=PLANS_BY_KEY)


def _press(pool: Pool, *, per_second: int, seconds: int) -> None:
    """Make effects due, one for every destination at a time, whatever becomes of them."""
    began = time.monotonic()
    for number in range(seconds * per_second // DESTINATIONS):
        time.sleep(max(0.0, began + number * DESTINATIONS / per_second - time.monotonic()))
        with pool.connection() as connection:
            connection.execute(_DUE_SQL, {"names": list(NAMES), "number": uuid4().hex, "content": _CONTENT})


def _now(pool: Pool) -> object:
    with pool.connection() as connection:
        return (connection.execute("SELECT clock_timestamp()").fetchone() or (None,))[0]


def _left(pool: Pool, *, of_dead: bool) -> int:
    with pool.connection() as connection:
        row = connection.execute(_LEFT_SQL, {"dead": DEAD, "of_dead": of_dead}).fetchone()
    return int(row[0]) if row else 0


def _until_none_left(pool: Pool, *, of_dead: bool) -> float:
    began = time.monotonic()
    while _left(pool, of_dead=of_dead):
        if time.monotonic() - began > CATCH_UP_SECONDS:
            raise TimeoutError(
                f"deliveries wait after {CATCH_UP_SECONDS:.0f} s although all destinations answer"
            )
        time.sleep(0.1)
    return time.monotonic() - began


class _Measured:
    """The seconds of the nineteen, with all alive and with one dead, and what the dead one cost."""

    def __init__(self) -> None:
        self.alive: list[float] = []
        self.with_dead: list[float] = []
        self.calls_to_dead = 0
        self.catch_up_seconds = 0.0


def _run(
    pool: Pool, world: httpx2.Client, given: argparse.Namespace, measured: _Measured, *, dead: bool
) -> None:
    if dead:
        fault = {"double": "webhook", "kind": "hang", "seconds": 60, "operations": [f"events.{DEAD}"]}
        world.post("/faults", json=fault).raise_for_status()
    since = _now(pool)
    _press(pool, per_second=given.per_second, seconds=given.seconds)
    _until_none_left(pool, of_dead=False)
    with pool.connection() as connection:
        values = {"dead": DEAD, "since": since}
        taken = [float(row[0]) for row in connection.execute(_SECONDS_SQL, values)]
        calls = int((connection.execute(_CALLS_TO_DEAD_SQL, values).fetchone() or (0,))[0])
    (measured.with_dead if dead else measured.alive).extend(taken)
    if dead:
        measured.calls_to_dead = max(measured.calls_to_dead, calls)
        world.delete("/faults").raise_for_status()
    measured.catch_up_seconds = max(measured.catch_up_seconds, _until_none_left(pool, of_dead=True))


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(url: str, given: argparse.Namespace) -> int:
    """Measure on the server at `url`, in a database made for it and dropped after it."""
    measured = _Measured()
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(url) as database,
        RunningSandbox.start(Credentials.generate(), log=Path(folder) / "sandbox.log") as sandbox,
        httpx2.Client(base_url=sandbox.url, timeout=10) as world,
    ):
        migrate(database, "router")
        with closing(_pool(database, 4)) as pool, _router(database, sandbox, Path(folder)):
            with pool.connection() as connection:
                ensure_partitions(connection)
            _press(pool, per_second=given.per_second, seconds=2)
            _until_none_left(pool, of_dead=False)
            for turn in range(given.rounds):
                for dead in (turn % 2 == 0, turn % 2 == 1):
                    _run(pool, world, given, measured, dead=dead)
            received = world.get("/received").json()["webhook"]
    effects = (2 + 2 * given.rounds * given.seconds) * given.per_second // DESTINATIONS * DESTINATIONS
    return report.publish(
        "destinations",
        figures={
            "p99_seconds": _percentile(measured.with_dead, 0.99),
            "p99_all_alive_seconds": _percentile(measured.alive, 0.99),
            "p99_ratio": _percentile(measured.with_dead, 0.99) / _percentile(measured.alive, 0.99),
            "p50_seconds": _percentile(measured.with_dead, 0.5),
            "p50_all_alive_seconds": _percentile(measured.alive, 0.5),
            "most_calls_to_dead": measured.calls_to_dead,
            "catch_up_seconds": measured.catch_up_seconds,
            "lost": effects - received,
        },
        scale={
            "destinations": DESTINATIONS,
            "per_second": given.per_second,
            "seconds": given.seconds,
            "rounds": given.rounds,
            "deliveries": len(measured.alive) + len(measured.with_dead),
        },
        reference="the same nineteen while the twentieth answers",
        packages=("httpcore2", "psycopg", "standardwebhooks"),
        at_most={"p99_ratio": MOST_RATIO, "most_calls_to_dead": MOST_ATTEMPTS, "lost": 0},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--per-second", type=int, default=PER_SECOND, help="due for all destinations together"
    )
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each run")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"))
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        return _serve(given.serve, given.folder)
    if given.database:
        return measure(given.database, given)
    with EmbeddedPostgres() as postgres:
        return measure(postgres.url, given)


if __name__ == "__main__":
    sys.exit(main())
