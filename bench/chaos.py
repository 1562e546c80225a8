"""Two routers, killed again and again while they deliver to an outside that loses, refuses and delays calls.

Every answer asks for a Slack message and a Salesforce Case (later ones of a person for a comment on it). Some
calls are applied by the doubles and never answered, some applied long after their caller has given up, some
refused. In the end each answer has to be in Slack once and in Salesforce once, each person has to have one
Case, and nothing may be left that nobody knows the end of. Run with `make chaos`.
"""

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import httpx2
import psycopg

from bench import report
from bench.outside import difference, marks
from runtime import cloudevents, tracing
from runtime.kafka import KafkaSettings, close, deliver, producer
from runtime.messages import Message
from sandbox.stack import ROOT, Stack
from schemas.classified import ResponseClassified
from schemas.responses import Order, Respondent, ResponseRecorded, response_id
from schemas.scales import Metric, group_of

DELIVERIES = 20_000
KILLS = 20
ANSWERS_A_PERSON = 2
SEED = 20261122
SETTLED_WITHIN_SECONDS = 900
SLACK_DEADLINE_SECONDS = 3
SALESFORCE_DEADLINE_SECONDS = 4
FAULTS: Sequence[Mapping[str, object]] = [
    fault | {"double": double, "seed": SEED}
    for double, deadline_seconds in (
        ("slack", SLACK_DEADLINE_SECONDS),
        ("salesforce", SALESFORCE_DEADLINE_SECONDS),
    )
    for fault in (
        {"kind": "drop_answer", "probability": 0.05},
        {"kind": "rate_limited", "probability": 0.025, "seconds": 1},
        {"kind": "server_error", "probability": 0.025},
        # Longer than the caller waits, and unseen for a while after that.
        {"kind": "late", "probability": 0.002, "seconds": deadline_seconds + 1, "hidden_seconds": 4},
    )
]
SETTINGS = {
    "SLACK_DEADLINE_SECONDS": str(SLACK_DEADLINE_SECONDS),
    "SALESFORCE_DEADLINE_SECONDS": str(SALESFORCE_DEADLINE_SECONDS),
    # One for each score, as a company has several.
    "SANDBOX_SLACK_CHANNELS": ",".join(f"chaos-{score}" for score in range(7)),
    "LOG_LEVEL": "WARNING",
}
RULES = "rules:\n" + "".join(
    f"""
  - id: score_{score}
    why: One message and one Case is what is counted.
    when: has(response.score) && response.score == {score}
    do:
      - {{ id: card_{score}, destination: slack, channel: "#chaos-{score}" }}
      - {{ id: case_{score}, destination: salesforce }}
"""
    for score in range(7)
)

_MARK = re.compile(r"chaos-answer-\d{6}")
_LOOK_SECONDS = 0.2
_BATCH = 1_000
_DELIVERED_SQL: LiteralString = "SELECT count(*) FROM router.effects WHERE status = 'delivered'"
_PLANNED_SQL: LiteralString = "SELECT count(*) FROM router.effects"
_PENDING_SQL: LiteralString = "SELECT count(*) FROM router.pending"
_SETTLED_SQL: LiteralString = """
SELECT count(*) FROM router.effects LEFT JOIN router.pending USING (effect_id)
WHERE pending.effect_id IS NULL AND effects.outside = 'present' AND effects.status = 'delivered'
"""
_DOUBTS_SQL: LiteralString = "SELECT count(*) FROM router.attempts WHERE result IN ('ambiguous', 'lost')"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. `wrong`: marks that are not there exactly once, by double."""

    wrong_messages: Mapping[str, int]
    wrong_cases: Mapping[str, int]
    cases: int
    persons: int
    unsettled: int
    doubts: int
    """Calls nobody heard the end of."""
    kills: int
    faults: int
    """Calls of the doubles that went wrong on purpose."""
    delivered_seconds: float

    @property
    def lost(self) -> int:
        """Deliveries that are nowhere."""
        return sum(not times for wrong in (self.wrong_messages, self.wrong_cases) for times in wrong.values())


def run(folder: Path, *, deliveries: int, kills: int) -> Outcome:
    """Deliver so many effects while routers are killed so many times; wait until nothing is left to do."""
    answers = deliveries // 2
    persons = -(-answers // ANSWERS_A_PERSON)
    config = folder / "config"
    shutil.copytree(ROOT / "deploy" / "config", config)
    (config / "rules.yaml").write_text(RULES)
    settings = {**SETTINGS, "CONFIG_DIR": str(config)}
    with Stack(folder, replicas=2, services=("router",), settings=settings) as stack:
        for fault in FAULTS:
            httpx2.post(f"{stack.url('sandbox')}/faults", json=fault).raise_for_status()
        began = time.monotonic()
        _answer(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], answers, persons)
        killed = _wreck(stack, deliveries, kills)
        unsettled = _settle(stack, 2 * answers)
        delivered_seconds = time.monotonic() - began
        url, expected = stack.url("sandbox"), [_mark(number) for number in range(answers)]
        received = httpx2.get(f"{url}/received", timeout=60).json()
        cases = marks(url, _MARK, "salesforce", object="Case")
        cases += marks(url, _MARK, "salesforce", object="CaseComment")
        return Outcome(
            wrong_messages=difference(marks(url, _MARK, "slack"), expected),
            wrong_cases=difference(cases, expected),
            cases=received["salesforce"]["Case"],
            persons=persons,
            unsettled=unsettled,
            doubts=_number(stack, _DOUBTS_SQL),
            kills=killed,
            faults=_struck(received["calls"]),
            delivered_seconds=delivered_seconds,
        )


def _answer(bootstrap: str, answers: int, persons: int) -> None:
    filling = producer(KafkaSettings(bootstrap, "chaos"))
    for first in range(0, answers, _BATCH):
        batch = [_classified(number, persons) for number in range(first, min(first + _BATCH, answers))]
        if any(deliver(filling, batch)):
            raise SystemExit("the broker did not take the answers")
    close(filling)


def _mark(number: int) -> str:
    return f"chaos-answer-{number:06d}"


def _classified(number: int, persons: int) -> Message:
    now, person = datetime.now(UTC), number % persons
    score = person % 7
    return cloudevents.to_message(
        ResponseClassified(
            response=ResponseRecorded(
                response_id=response_id("chaos", str(number)),
                person_key=f"{person:064x}",
                source="chaos",
                source_id=_mark(number),
                order=Order(revision=1, tie=0),
                metric=Metric.NPS,
                score=score,
                comment=f"It broke again, see {_mark(number)}",
                responded_at=now,
                received_at=now,
                channel="api",
                respondent=Respondent(customer_id=f"customer-{person}"),
            ),
            classification_version=1,
            classified_at=now,
            group=group_of(Metric.NPS, score),
        ),
        source="/chaos",
        traceparent=tracing.new_traceparent(),
    )


def _wreck(stack: Stack, deliveries: int, kills: int) -> int:
    """SIGKILL a router each time another share of the deliveries has been made."""
    chance = random.Random(SEED)  # noqa: S311 - a schedule, not a secret
    if stack.supervisor is None:
        raise RuntimeError("the stack does not run")
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    for number in range(1, kills + 1):
        while _number(stack, _DELIVERED_SQL) < deliveries * number // (kills + 1):
            if time.monotonic() > deadline:
                return number - 1
            time.sleep(_LOOK_SECONDS)
        stack.supervisor.kill(chance.choice(stack.processes("router")))
    return kills


def _settle(stack: Stack, deliveries: int) -> int:
    """Wait until everything is planned and nothing is left to do; how much is not where it should be."""
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    while _number(stack, _PLANNED_SQL) < deliveries or _number(stack, _PENDING_SQL):
        if time.monotonic() > deadline:
            break
        time.sleep(_LOOK_SECONDS)
    return deliveries - _number(stack, _SETTLED_SQL)


def _number(stack: Stack, query: LiteralString) -> int:
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _struck(calls: Mapping[str, Mapping[str, Mapping[str, int]]]) -> int:
    results: Counter[str] = Counter()
    for operations in calls.values():
        for counts in operations.values():
            results.update(counts)
    return sum(count for result, count in results.items() if result.startswith("fault:"))


def measure(*, deliveries: int, kills: int) -> int:
    """Run once and tell what came of it; 1 when anything is lost, twice there or unsettled."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), deliveries=deliveries, kills=kills)
    return report.publish(
        "chaos",
        figures={
            "lost": outcome.lost,
            "duplicate_messages": sum(times > 1 for times in outcome.wrong_messages.values()),
            "duplicate_cases": sum(times > 1 for times in outcome.wrong_cases.values()),
            "cases_too_many": outcome.cases - outcome.persons,
            "unsettled": outcome.unsettled,
            "ambiguous_calls": outcome.doubts,
            "faults": outcome.faults,
            "delivered_seconds": outcome.delivered_seconds,
        },
        scale={"deliveries": deliveries, "kills": outcome.kills},
        reference="what the doubles hold in the end",
        packages=("kafka-python", "psycopg", "slack-sdk", "simple-salesforce"),
        at_least={"kills": kills},
        at_most=dict.fromkeys(
            ("lost", "duplicate_messages", "duplicate_cases", "cases_too_many", "unsettled"), 0
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    parser.add_argument("--kills", type=int, default=KILLS)
    given = parser.parse_args(arguments)
    return measure(deliveries=given.deliveries, kills=given.kills)


if __name__ == "__main__":
    sys.exit(main())
