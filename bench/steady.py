"""From the HTTP call to the outside world: the whole product on this machine, answers at a steady rate."""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import uvloop
import yaml

from sandbox.demo_findings import findings
from sandbox.demo_tally import Line
from sandbox.stack import Stack

COMMENTS = Path(__file__).parents[1] / "sandbox" / "sample" / "comments.yaml"
CONNECTIONS = 32
PEOPLE = 5_000
SETTLED_WITHIN_SECONDS = 300
LADDER = (5, 10, 20, 30, 40, 60, 80, 100, 120, 150)
"""Answers a second, tried one after the other where the wanted rate was too much."""
STEP_SECONDS = 15
_HEAD = (
    "POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    "Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
)
# Of the sandbox's raised limits this one alone makes answers wait for each other: for up to a second at two
# batches of records a second.
_SETTINGS = {"LOG_LEVEL": "WARNING", "SALESFORCE_RESPONSE_CALLS_PER_SECOND": "20"}
_LOOK_SECONDS = 0.5
QUIET_LOOKS = 4


@dataclass(frozen=True)
class Steady:
    """What came of it; latencies in seconds, from the call to the delivery, sorted."""

    latencies: list[float]
    responses: int
    sent_seconds: float
    """How long the sending took: longer than asked for where the product did not keep up."""
    undelivered: int
    """Deliveries still due long after the last answer: the product is behind for good."""
    failed: int
    dead_letters: int

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the deliveries was made."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]

    def is_within(self, seconds: float) -> bool:
        """Whether all but one in a hundred deliveries took no longer."""
        return not self.undelivered and self.quantile(0.99) <= seconds


def run(*, per_second: float, seconds: float, within_seconds: float) -> tuple[Steady, float]:
    """Send answers of every group for so long, and wait until all that is due has been delivered.

    Also returns the highest rate tried at which 99 of 100 deliveries were made `within_seconds`: `per_second`
    if it was held, else the last of `LADDER` up to which each was; 0 if none was.
    """
    with (
        TemporaryDirectory() as folder,
        Stack(Path(folder), settings=_SETTINGS) as stack,
    ):
        # Not timed: the first calls open connections and compile templates.
        _answered(stack, "warm-up", per_second=50, seconds=4)
        steady = _answered(stack, "steady", per_second=per_second, seconds=seconds)
        if steady.is_within(within_seconds):
            return steady, per_second
        held = 0.0
        for rate in (rate for rate in LADDER if rate < per_second and not steady.undelivered):
            step = _answered(stack, f"step-{rate}", per_second=rate, seconds=STEP_SECONDS)
            if not step.is_within(within_seconds):
                break
            held = rate
    return steady, held


def _answered(stack: Stack, name: str, *, per_second: float, seconds: float) -> Steady:
    """Send for so long, and wait until nothing is left to deliver."""
    if stack.kafka is None or stack.postgres is None:
        raise SystemExit("the steady run starts its own Kafka and PostgreSQL: name none")
    port = int(stack.url("ingest").rsplit(":", 1)[1])
    bodies = _bodies(int(per_second * seconds), name)
    began = time.monotonic()
    sent_at = uvloop.run(_send(port, stack.api_key, bodies, per_second=per_second))
    sent_seconds = time.monotonic() - began
    undelivered = _settle(stack.postgres.url)
    time.sleep(_LOOK_SECONDS)  # the relay's turn
    found = findings(stack.kafka.bootstrap_servers, stack.url("sandbox"), sent_at)
    return Steady(
        latencies=sorted(found.latencies_seconds),
        responses=len(sent_at),
        sent_seconds=sent_seconds,
        undelivered=undelivered,
        failed=found.tally.get(Line.FAILED, 0),
        dead_letters=found.tally.get(Line.DEAD_LETTERS, 0),
    )


def _bodies(count: int, name: str) -> list[bytes]:
    chance = random.Random(name)  # noqa: S311 - a repeatable sample
    comments = [
        comment["text"]
        for group in yaml.safe_load(COMMENTS.read_text(encoding="utf-8")).values()
        for comment in group
    ]
    bodies = []
    for number in range(count):
        person = f"{name}-{number % PEOPLE}"
        body = {
            "source_id": f"{name}-{number}",
            "metric": "nps",
            "score": chance.choice((2, 4, 6, 7, 8, 8, 9, 9, 10, 10)),
            "comment": chance.choice(comments) if chance.random() < 2 / 3 else None,
            "respondent": {"customer_id": person, "email": f"{person}@customer.test"},
            "account_id": f"account-{number % 500}",
        }
        bodies.append(json.dumps(body).encode())
    return bodies


async def _send(port: int, key: str, bodies: list[bytes], *, per_second: float) -> dict[str, float]:
    """Each body at its time, over at most CONNECTIONS; when each was sent, by response id."""
    sent_at: dict[str, float] = {}
    began = time.monotonic()
    waiting = iter(enumerate(bodies))

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, body in waiting:
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            at = time.time()
            writer.write(_HEAD.format(key=key, size=len(body)).encode() + body)
            answer = await reader.readuntil(b"}")
            if not answer.startswith(b"HTTP/1.1 202 "):
                raise SystemExit(f"not accepted: {answer[:200].decode()}")
            sent_at[json.loads(answer[answer.index(b"{") :])["response_id"]] = at
        writer.close()

    # A connection that nothing is sent over for some seconds is closed by the server.
    await asyncio.gather(*(sender() for _ in range(min(CONNECTIONS, max(1, int(per_second))))))
    return sent_at


def _settle(database_url: str) -> int:
    """Wait until nothing is left to deliver; how much is, when it takes too long."""
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    with psycopg.connect(database_url, autocommit=True) as connection:
        quiet = 0
        while True:
            row = connection.execute("SELECT count(*) FROM router.pending").fetchone()
            left = int(row[0]) if row else 0
            quiet = 0 if left else quiet + 1
            if quiet == QUIET_LOOKS or time.monotonic() > deadline:
                return left
            time.sleep(_LOOK_SECONDS)
