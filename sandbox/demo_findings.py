"""What the demo finds at the ends of the product: in the topics and in the doubles."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import httpx2
from kafka import KafkaConsumer, TopicPartition

from sandbox.demo_tally import Line, Tally, classified
from schemas.classified import ResponseClassified
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from schemas.responses import ResponseRecorded
from schemas.topics import EVERY_TOPIC

_CHANNELS = {
    "customer-success": Line.SUCCESS_CARDS,
    "product-feedback": Line.PRODUCT_CARDS,
    "support": Line.SUPPORT_CARDS,
    "finance": Line.FINANCE_CARDS,
    "sales": Line.SALES_CARDS,
    "marketing": Line.MARKETING_CARDS,
    "kudos": Line.KUDOS,
}
_ANSWER = "\nResponse: "
"""Stands in a comment on a Case that is a person's next answer."""
_SURVEY_PATH = "/s/"


@dataclass(frozen=True)
class Findings:
    """What came of the sample."""

    tally: Tally
    latencies_seconds: list[float]
    """From the HTTP call to the delivery's receipt, one for each delivery of an answer sent by HTTP."""

    @property
    def median_seconds(self) -> float:
        """Half of the deliveries took less."""
        return median(self.latencies_seconds)

    @property
    def p99_seconds(self) -> float:
        """Ninety-nine of a hundred deliveries took less."""
        return quantiles(self.latencies_seconds, n=100)[98]


def findings(brokers: str, sandbox: str, sent_at: Mapping[str, float]) -> Findings:
    """Read every topic from its beginning and ask the doubles.

    `sent_at` is when each answer was first sent, seconds since 1970, by response id.
    """
    tally: Counter[Line] = Counter()
    responses: set[str] = set()
    groups = {}
    delivered: dict[tuple[str, str], float] = {}
    for topic, timestamp, value in _records(brokers):
        if topic.endswith(".dlq"):
            tally[Line.DEAD_LETTERS] += 1
        elif topic == ResponseRecorded.TOPIC:
            responses.add(str(ResponseRecorded.model_validate_json(value).response_id))
        elif topic == ResponseClassified.TOPIC:
            event = ResponseClassified.model_validate_json(value)
            groups[event.response.response_id] = event.group
        elif topic == OutcomeRecorded.TOPIC:
            outcome = OutcomeRecorded.model_validate_json(value)
            tally[Line.FAILED] += outcome.kind is OutcomeKind.FAILED
            # A step that was planned for a later day says nothing of how long a delivery takes.
            is_prompt = "." not in (outcome.action or "")
            if outcome.kind is OutcomeKind.DELIVERED and outcome.response_id and is_prompt:
                delivered.setdefault((str(outcome.response_id), str(outcome.effect_id)), timestamp)
    tally[Line.RECEIVED] = len(responses)
    tally += classified(group for group in groups.values() if group)
    tally += Counter(_received(sandbox))
    latencies = [
        timestamp - sent_at[response] for (response, _), timestamp in delivered.items() if response in sent_at
    ]
    return Findings(tally, latencies)


def has_arrived(sandbox: httpx2.Client, expected: Tally) -> bool:
    """Whether the doubles hold as much as they must; cheap, and says nothing of the rest."""
    received = sandbox.get("/received").raise_for_status().json()
    arrived = {
        **{line: received["slack"][channel] for channel, line in _CHANNELS.items()},
        Line.CASES: received["salesforce"]["Case"],
        Line.CASE_COMMENTS: received["salesforce"]["CaseComment"],
        Line.TASKS: received["salesforce"]["Task"],
        Line.RECORDS: received["salesforce"]["Feedback_Response__c"],
        Line.MARKETING: received["marketing"],
    }
    mails = expected.get(Line.THANKS, 0) + expected.get(Line.SURVEYS, 0)
    enough = all(count >= expected.get(line, 0) for line, count in arrived.items())
    return enough and received["mail"] >= mails


def _records(brokers: str) -> Iterator[tuple[str, float, bytes]]:
    names = {name for topic in EVERY_TOPIC for name in (topic.name, topic.dead_letters)}
    consumer = KafkaConsumer(
        bootstrap_servers=brokers.split(","), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        partitions = [
            TopicPartition(name, number)
            for name in names
            for number in consumer.partitions_for_topic(name) or ()
        ]
        ends = {partition: end for partition, end in consumer.end_offsets(partitions).items() if end}
        consumer.assign(list(ends))
        consumer.seek_to_beginning(*ends)
        while ends:
            for partition, records in consumer.poll(timeout_ms=500).items():
                for record in records:
                    yield record.topic, record.timestamp / 1000, record.value or b""
                if consumer.position(partition) >= ends.get(partition, 0):
                    ends.pop(partition, None)
    finally:
        consumer.close()


def _received(sandbox: str) -> dict[Line, int]:
    with httpx2.Client(base_url=sandbox, timeout=30) as client:

        def of(double: str, **filters: str | int | bool) -> dict[str, Any]:
            answer = client.get(f"/received/{double}", params={"limit": 50_000, **filters})
            received: dict[str, Any] = answer.raise_for_status().json()
            return received

        slack = of("slack")
        mails = of("mail")
        marketing = of("marketing")
        health = of("health")
        records = of("salesforce", limit=0)["counts"]
        comments = of("salesforce", object="CaseComment")["items"]
    surveys = sum(any(_SURVEY_PATH in link for link in mail["links"]) for mail in mails["items"])
    effects = Counter(
        str(message["metadata"]["event_payload"]["effect_id"])
        for message in slack["items"]
        if message["metadata"]
    )
    cards = Counter(message["channel"] for message in slack["items"] if _is_card(message))
    return {
        **{line: cards[channel] for channel, line in _CHANNELS.items()},
        Line.OWNER_CARDS: sum(count for channel, count in cards.items() if channel.startswith("@")),
        Line.CASES: records["Case"],
        # The others tell of reminders and missed targets.
        Line.CASE_COMMENTS: sum(_ANSWER in comment["CommentBody"] for comment in comments),
        Line.TASKS: records["Task"],
        Line.RECORDS: records["Feedback_Response__c"],
        Line.HEALTH: len({event["body"]["data"]["effect_id"] for event in health["items"]}),
        # A later comment is told to marketing as a new version of the same effect.
        Line.MARKETING: len({event["body"]["data"]["effect_id"] for event in marketing["items"]}),
        Line.SURVEYS: surveys,
        Line.THANKS: len(mails["items"]) - surveys,
        Line.REPEATED: sum(count - 1 for count in effects.values())
        + mails["counts"]["repeated_message_ids"]
        + marketing["counts"]["repeated_deliveries"]
        + health["counts"]["repeated_deliveries"],
    }


def _is_card(message: Mapping[str, Any]) -> bool:
    """Whether it is an answer's card, and not a line about its follow-up."""
    return any(block.get("type") == "header" for block in message["blocks"] or ())
