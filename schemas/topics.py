"""The table of topics: who writes what, for whom, in which order, for how long."""

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected
from schemas.delivery_requests import DeliveryRequested
from schemas.erasures import ErasureDone, ErasureRequested
from schemas.event import Event
from schemas.lifecycle import LifecycleEventOccurred
from schemas.outcomes import OutcomeRecorded
from schemas.profiles import ProfileChanged
from schemas.raw import WebhookReceived
from schemas.replies import ReplyReceived
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.responses import ResponseRecorded
from schemas.survey_events import SurveyStepOccurred

DAY_MS = 86_400_000
SEGMENT_DAYS = 1
COMPACTED_WITHIN_DAYS = 7
DEAD_LETTER_DAYS = 28
MEBIBYTE = 1 << 20


class Cleanup(StrEnum):
    """How Kafka limits a topic."""

    DELETE = "delete"
    COMPACT = "compact"


class Topic(BaseModel):
    """One topic of the product."""

    model_config = ConfigDict(frozen=True)

    name: str
    key: str
    """What the Kafka key is; one key's events keep their order."""
    events: tuple[type[Event], ...]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    partitions: int = Field(default=6, ge=1)
    cleanup: Cleanup = Cleanup.DELETE
    retention_days: int = Field(default=28, ge=1, le=28)
    """Days a record stays; compacted topics keep the last record of a key instead."""
    max_message_bytes: int = MEBIBYTE

    @property
    def dead_letters(self) -> str:
        """Topic of the records that a reader could not use."""
        return f"{self.name}.dlq"

    @property
    def ends_within(self) -> timedelta:
        """How long after an erasure the topic may still hold what was said of the person before it."""
        if self.cleanup is Cleanup.COMPACT:
            return _until_gone(COMPACTED_WITHIN_DAYS)
        return _until_gone(self.retention_days)

    @property
    def dead_letters_end_within(self) -> timedelta:
        """The same of its dead letters."""
        return _until_gone(DEAD_LETTER_DAYS)

    def settings(self) -> dict[str, str]:
        """Kafka's topic settings. Segments of a day make retention end when it says it does."""
        settings = {
            "cleanup.policy": self.cleanup.value,
            "segment.ms": str(SEGMENT_DAYS * DAY_MS),
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.cleanup is Cleanup.COMPACT:
            return settings | {
                "delete.retention.ms": str(35 * DAY_MS),
                "max.compaction.lag.ms": str(COMPACTED_WITHIN_DAYS * DAY_MS),
            }
        return settings | {"retention.ms": str(self.retention_days * DAY_MS)}

    def dead_letter_settings(self) -> dict[str, str]:
        """Settings of the dead-letter topic: as large as its source and the headers that explain."""
        return {
            "cleanup.policy": Cleanup.DELETE.value,
            "retention.ms": str(DEAD_LETTER_DAYS * DAY_MS),
            "segment.ms": str(SEGMENT_DAYS * DAY_MS),
            "max.message.bytes": str(self.max_message_bytes + MEBIBYTE // 16),
        }


def _until_gone(days: int) -> timedelta:
    # Kafka drops whole segments, when the youngest record in one is old enough, and looks every now and then.
    return timedelta(days=days + SEGMENT_DAYS + 1)


TOPICS: tuple[Topic, ...] = (
    Topic(
        name="ingest.raw.v1",
        key="source",
        events=(WebhookReceived,),
        writers=("ingest",),
        readers=("ingest",),
        max_message_bytes=8 * MEBIBYTE,
    ),
    Topic(
        name="feedback.responses.v1",
        key="person",
        events=(ResponseRecorded,),
        writers=("ingest",),
        readers=("classifier", "scheduler", "ingest"),
    ),
    Topic(
        name="feedback.classified.v1",
        key="person",
        events=(ResponseClassified,),
        writers=("classifier",),
        readers=("router", "insights", "ingest"),
    ),
    Topic(
        name="feedback.corrected.v1",
        key="person",
        events=(ClassificationCorrected,),
        writers=("router",),
        readers=("classifier", "insights", "ingest"),
    ),
    Topic(
        name="feedback.outcomes.v1",
        key="person",
        events=(OutcomeRecorded,),
        writers=("router",),
        readers=("scheduler", "insights", "ingest"),
    ),
    Topic(
        name="customer.profiles.v1",
        key="person",
        events=(ProfileChanged,),
        writers=("ingest",),
        readers=("router", "scheduler", "insights", "ingest"),
        cleanup=Cleanup.COMPACT,
    ),
    Topic(
        name="customer.accounts.v1",
        key="account",
        events=(AccountChanged,),
        writers=("ingest",),
        readers=("router", "scheduler", "insights", "ingest"),
        cleanup=Cleanup.COMPACT,
    ),
    Topic(
        name="customer.lifecycle.v1",
        key="person, account or company-wide moment",
        events=(LifecycleEventOccurred,),
        writers=("ingest",),
        readers=("scheduler", "insights", "ingest"),
    ),
    Topic(
        name="survey.requests.v1",
        key="person",
        events=(SurveyRequested, SurveyRequestCancelled),
        writers=("scheduler",),
        readers=("router", "ingest", "insights"),
    ),
    Topic(
        name="survey.events.v1",
        key="person",
        events=(SurveyStepOccurred,),
        writers=("ingest", "router"),
        readers=("scheduler", "insights", "ingest"),
    ),
    Topic(
        name="customer.replies.v1",
        key="what the mail was about",
        events=(ReplyReceived,),
        writers=("ingest",),
        readers=("router", "ingest"),
    ),
    Topic(
        name="delivery.requests.v1",
        key="team or person",
        events=(DeliveryRequested,),
        writers=("insights",),
        readers=("router", "ingest"),
    ),
    Topic(
        name="customer.erasures.v1",
        key="person",
        events=(ErasureRequested, ErasureDone),
        writers=("ingest", "classifier", "router", "scheduler", "insights"),
        readers=("ingest", "classifier", "router", "scheduler", "insights"),
    ),
)

REPLAY_DAYS = 7


def replay_topic(consumer: str) -> str:
    """Name of the topic that feeds one consumer group from the archive."""
    return f"{consumer}.replay.v1"


def _replay(consumer: str, events: tuple[type[Event], ...], *, service: str) -> Topic:
    return Topic(
        name=replay_topic(consumer),
        key="that of the topic the record was on first",
        events=events,
        writers=("operator",),
        readers=(service,),
        retention_days=REPLAY_DAYS,
    )


REPLAYS: tuple[Topic, ...] = (
    _replay("router", (ResponseClassified, SurveyRequestCancelled), service="router"),
    _replay("router-projections", (ProfileChanged, AccountChanged), service="router"),
    _replay(
        "scheduler",
        (LifecycleEventOccurred, ProfileChanged, ResponseRecorded, SurveyStepOccurred),
        service="scheduler",
    ),
    _replay("ingest.survey-requests", (SurveyRequested, SurveyRequestCancelled), service="ingest"),
    _replay("ingest.webhooks", (WebhookReceived,), service="ingest"),
)
"""Where one consumer reads again what the archive holds, called after its group; never archived itself.

The router is not asked to send surveys again: nothing in a request tells an old one from a new one. Nor is it
told again what happened to customers: it keeps nothing of that, and would call off what was planned since.
"""

REPLAYED: dict[str, Topic] = {topic.name.removesuffix(replay_topic("")): topic for topic in REPLAYS}
"""The replay topics by the consumer group that they feed."""

EVERY_TOPIC: tuple[Topic, ...] = (*TOPICS, *REPLAYS)
"""What the broker has to hold, beside the dead letters of each."""

ABOUT_PEOPLE: tuple[Topic, ...] = tuple(topic for topic in EVERY_TOPIC if topic.events != (AccountChanged,))
"""Those whose records, or dead letters, may be about one person."""

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in EVERY_TOPIC}
EVENTS: dict[str, type[Event]] = {event.TYPE: event for topic in TOPICS for event in topic.events}
"""Every event by its CloudEvents type."""
