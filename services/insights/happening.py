"""What an event says that no figure counts, but a customer's page tells. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue

from schemas.event import Event
from schemas.lifecycle import LifecycleEventOccurred
from schemas.outcomes import OutcomeRecorded
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.survey_events import SurveyStepOccurred


class Kind(StrEnum):
    """What a happening is."""

    ASKED = "asked"
    """A survey was decided on."""
    CANCELLED = "cancelled"
    """It was withdrawn."""
    STEP = "step"
    """A survey went further, or will not."""
    MOMENT = "moment"
    """Of a customer's life."""
    PLANNED = "planned"
    """Something is to be brought to a destination."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of somebody's history."""

    happening_id: UUID
    kind: Kind
    person: str | None
    """None: it is an account's, or everybody's."""
    account_id: str | None
    occurred_at: datetime
    known_at: datetime
    """When it was received; whoever is forgotten after it leaves nothing of it."""
    facts: Mapping[str, JsonValue]
    about: str | None = None
    """`response:<id>` or `request:<id>`."""
    order_key: tuple[int, ...] = ()
    """Of two records of one happening the larger counts."""
    is_retracted: bool = False


def happenings(event: Event) -> Iterator[Happening]:
    """The lines that an event adds; those of people's answers stand with the answers."""
    match event:
        case SurveyRequested():
            yield _of_request(
                event,
                Kind.ASKED,
                event.requested_at,
                metric=event.metric,
                channel=event.channel,
                reminder=event.reminder,
                why=event.why_we_ask,
            )
        case SurveyRequestCancelled():
            yield _of_request(event, Kind.CANCELLED, event.cancelled_at, reason=event.reason)
        case SurveyStepOccurred():
            yield Happening(
                UUID(event.event_id()),
                Kind.STEP,
                event.person_key,
                None,
                event.occurred_at,
                event.occurred_at,
                {
                    "program": event.program,
                    "channel": event.channel,
                    "step": event.step,
                    "reminder": event.reminder,
                    "reason": event.reason,
                },
                about=f"request:{event.request_id}",
            )
        case LifecycleEventOccurred():
            yield Happening(
                event.lifecycle_id,
                Kind.MOMENT,
                event.person_key,
                event.account_id,
                event.occurred_at,
                event.received_at,
                {"moment": event.moment, "context": dict(event.context)},
                order_key=event.order.key(),
                is_retracted=event.retracted,
            )
        case OutcomeRecorded():
            for effect in event.planned:
                yield Happening(
                    effect.effect_id,
                    Kind.PLANNED,
                    event.person_key,
                    event.account_id,
                    event.occurred_at,
                    event.occurred_at,
                    {"rule": effect.rule, "action": effect.action, "destination": effect.destination},
                    about=event.subject,
                )


def _of_request(
    event: SurveyRequested | SurveyRequestCancelled, kind: Kind, at: datetime, **facts: JsonValue
) -> Happening:
    return Happening(
        UUID(event.event_id()),
        kind,
        event.person_key,
        None,
        at,
        at,
        {"program": event.program, **facts},
        about=f"request:{event.request_id}",
    )
