"""Two replicas of every service, killed at random moments; the broker and the database stopped under them.

Every answer that got a 202 must end in exactly one Case, or comment on its person's Case, and one Slack
message, and no dead letter; and whatever the services complained of meanwhile, none said who
answered or what. CRASH_ANSWERS says how many there are; continuous integration asks for 5,000.
"""

import asyncio
import os
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import pytest
from kafka import KafkaConsumer, TopicPartition

from bench.outside import difference, marks
from sandbox.stack import ROOT, SERVICES, Stack
from schemas.topics import EVERY_TOPIC
from tests.integration.ingest.world import records

ANSWERS = int(os.environ.get("CRASH_ANSWERS", "1500"))
PEOPLE = ANSWERS // 3
KILLS_A_SERVICE = 5
BROKER_DOWN_SECONDS = 20
SECONDS_BETWEEN_KILLS = (0.5, 4.0)
SENDERS = 12
SETTLED_WITHIN_SECONDS = 180
SEED = 20261122
RULES = """
rules:
  - id: detractor
    why: One message and one Case is what is counted.
    when: has(response.group) && response.group == "detractor"
    do:
      - { id: card, destination: slack, channel: "#customer-success" }
      - { id: case, destination: salesforce }
"""
_MARK = re.compile(r"crash-test-\d{5}")
NAME, COMMENT = "Canary Person", "Canary: it broke again"
_PERSONAL = re.compile(rb"canary", re.IGNORECASE)


class Senders:
    """Clients that repeat a call, with its id, until it is acknowledged: spread evenly over the chaos."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._next = iter(range(ANSWERS))
        self._began = time.monotonic()
        self.acknowledged: set[str] = set()
        self.repeats = 0
        self.per_second = 60.0

    async def run(self) -> None:
        async with httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {self._stack.api_key}"}, timeout=15
        ) as client:
            await asyncio.gather(*(self._sender(client, number) for number in range(SENDERS)))

    async def _sender(self, client: httpx2.AsyncClient, slot: int) -> None:
        for number in self._next:
            await asyncio.sleep(max(0.0, self._began + number / self.per_second - time.monotonic()))
            mark = f"crash-test-{number:05d}"
            body = {
                "source_id": mark,
                "metric": "nps",
                "score": number % 7,
                "comment": f"{COMMENT}, see {mark}",
                "respondent": {
                    "customer_id": f"customer-{number % PEOPLE}",
                    "name": NAME,
                    "email": f"canary-{number % PEOPLE}@customer.example",
                },
            }
            replica = (number + slot) % 2 + 1
            while not await self._accepted(client, replica, body):
                self.repeats += 1
                replica = 3 - replica
                await asyncio.sleep(0.3)
            self.acknowledged.add(mark)

    async def _accepted(self, client: httpx2.AsyncClient, replica: int, body: dict[str, Any]) -> bool:
        try:
            answer = await client.post(f"{self._stack.url('ingest', replica)}/v1/responses", json=body)
        except httpx2.TransportError:
            return False
        assert answer.status_code in {202, 503}, answer.text
        return answer.status_code == 202


async def wreck(stack: Stack, chance: random.Random) -> Counter[str]:
    """SIGKILL each service in turn, then stop the broker for a while, then restart PostgreSQL."""
    kills: Counter[str] = Counter()
    assert stack.supervisor
    for service in SERVICES:
        for _ in range(KILLS_A_SERVICE):
            await asyncio.sleep(chance.uniform(*SECONDS_BETWEEN_KILLS))
            stack.supervisor.kill(chance.choice(stack.processes(service)))
            kills[service] += 1
    # Not in other threads: a server ends with the thread that started it.
    if stack.kafka:
        stack.kafka.stop()
        await asyncio.sleep(BROKER_DOWN_SECONDS)
        stack.kafka.start()
        kills["kafka"] += 1
    if stack.postgres:
        stack.postgres.restart()
        kills["postgres"] += 1
    return kills


def dead_letters(brokers: str) -> dict[str, int]:
    """Records in each dead-letter topic."""
    consumer = KafkaConsumer(bootstrap_servers=brokers.split(","), enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(topic.dead_letters, number)
            for topic in EVERY_TOPIC
            for number in consumer.partitions_for_topic(topic.dead_letters) or ()
        ]
        assert partitions
        return {place.topic: end for place, end in consumer.end_offsets(partitions).items() if end}
    finally:
        consumer.close()


def personal(stack: Stack) -> list[str]:
    """Logs, metrics and records whose headers hold something of the people who answered."""
    logs = [one for one in stack.folder.glob("*.log") if one.stem != "sandbox"]
    assert len(logs) > 2 * len(SERVICES)
    said = {one.name: one.read_bytes() for one in logs}
    for service, slot in product(SERVICES, (1, 2)):
        said[f"metrics of {service}-{slot}"] = httpx2.get(f"{stack.url(service, slot)}/metrics").content
    for topic in EVERY_TOPIC:
        found = records(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], topic.name)
        said[f"headers of {topic.name}"] = b" ".join(value for one in found for _, value in one.headers)
    assert said["headers of feedback.responses.v1"]
    return [place for place, words in said.items() if _PERSONAL.search(words)]


def until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(1)


async def together(sending: Awaitable[None], wrecking: Awaitable[Counter[str]]) -> Counter[str]:
    _, kills = await asyncio.gather(sending, wrecking)
    return kills


@pytest.mark.alone
@pytest.mark.timeout(900)
def test_every_acknowledged_answer_is_delivered_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its own servers, whatever the environment names: they are stopped under the services.
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    chance = random.Random(SEED)  # noqa: S311 - a schedule, not a secret
    config = tmp_path / "config"
    shutil.copytree(ROOT / "deploy" / "config", config)
    (config / "rules.yaml").write_text(RULES)
    with Stack(tmp_path, replicas=2, settings={"CONFIG_DIR": str(config)}) as stack:
        senders = Senders(stack)
        kills = asyncio.run(together(senders.run(), wreck(stack, chance)))
        assert all(kills[service] == KILLS_A_SERVICE for service in SERVICES)
        assert len(senders.acknowledged) == ANSWERS
        stack.wait_until_ready()

        def counts() -> tuple[int, int]:
            received = httpx2.get(f"{stack.url('sandbox')}/received", timeout=30).json()
            told = received["salesforce"]
            return received["slack"]["customer-success"], told["Case"] + told["CaseComment"]

        until(lambda: min(counts()) >= ANSWERS, SETTLED_WITHIN_SECONDS)
        url = stack.url("sandbox")
        messages = marks(url, _MARK, "slack", channel="customer-success")
        # A person's first answer is a Case, later ones are comments on it.
        cases = marks(url, _MARK, "salesforce", object="Case")
        cases += marks(url, _MARK, "salesforce", object="CaseComment")
        print(f"{kills} {senders.repeats} calls repeated, {counts()} messages and Cases")  # noqa: T201 - shown with -rP
        assert difference(messages, senders.acknowledged) == {}
        assert difference(cases, senders.acknowledged) == {}
        assert counts() == (ANSWERS, ANSWERS)
        with httpx2.Client(base_url=stack.url("sandbox")) as client:
            assert client.get("/received").json()["salesforce"]["Case"] == PEOPLE
        assert dead_letters(stack.environment["KAFKA_BOOTSTRAP_SERVERS"]) == {}
        assert personal(stack) == []
