"""Sorts out a batch of events: which of them say the latest, and what they make due."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from schemas.lifecycle import LifecycleEventOccurred
from schemas.profiles import ProfileChanged
from schemas.responses import ResponseRecorded, ResponseStatus
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.scheduler.programs import Programs


@dataclass(frozen=True, slots=True)
class Erased:
    """A profile's tombstone."""

    person_key: str
    erased_at: datetime


Said = LifecycleEventOccurred | ProfileChanged | ResponseRecorded | SurveyStepOccurred | Erased


@dataclass(frozen=True, slots=True)
class Planned:
    """A program wants to ask about an occasion."""

    program: str
    occasion: UUID
    person: str
    occurred_at: datetime
    due_at: datetime
    gives_up_at: datetime


@dataclass(frozen=True, slots=True)
class Merge:
    """Two keys turned out to be one person."""

    old: str
    winner: str


@dataclass(slots=True)
class Batch:
    """The newest of each thing that a batch of events speaks of."""

    lifecycle: dict[UUID, tuple[LifecycleEventOccurred, str | None]] = field(default_factory=dict)
    """With the trace each belongs to."""
    profiles: dict[str, ProfileChanged] = field(default_factory=dict)
    erased: dict[str, Erased] = field(default_factory=dict)
    answers: dict[UUID, ResponseRecorded] = field(default_factory=dict)
    steps: list[SurveyStepOccurred] = field(default_factory=list)

    def people(self) -> list[str]:
        """Everybody the batch speaks of, sorted: locked in one order, batches never wait in a circle."""
        keys = {event.person_key for event, _ in self.lifecycle.values() if event.person_key is not None}
        keys.update(self.profiles, self.erased)
        for merge in self.merges():
            keys.update((merge.old, merge.winner))
        keys.update(answer.person_key for answer in self.answers.values())
        keys.update(step.person_key for step in self.steps)
        return sorted(keys)

    def merges(self) -> list[Merge]:
        """The merges that profiles speak of, from either side."""
        merges = []
        for profile in self.profiles.values():
            if profile.merged_into:
                merges.append(Merge(profile.person_key, profile.merged_into))
            else:
                merges.extend(Merge(old, profile.person_key) for old in profile.merged_from)
        return merges


def sort_out(said: Iterable[tuple[Said, str | None]]) -> Batch:
    """Keeps the newest of each lifecycle event, profile and answer, and every survey step."""
    batch = Batch()
    for event, traceparent in said:
        match event:
            case LifecycleEventOccurred():
                held = batch.lifecycle.get(event.lifecycle_id)
                if held is None or held[0].order.key() < event.order.key():
                    batch.lifecycle[event.lifecycle_id] = (event, traceparent)
            case ProfileChanged():
                known = batch.profiles.get(event.person_key)
                if known is None or known.version < event.version:
                    batch.profiles[event.person_key] = event
            case Erased():
                batch.profiles.pop(event.person_key, None)
                batch.erased[event.person_key] = event
            case ResponseRecorded():
                answer = batch.answers.get(event.response_id)
                if answer is None or answer.order.key() < event.order.key():
                    batch.answers[event.response_id] = event
            case SurveyStepOccurred():
                batch.steps.append(event)
    return batch


def plans(event: LifecycleEventOccurred, programs: Programs) -> list[Planned]:
    """What a lifecycle event makes due: nothing when it is retracted or not about one person."""
    if event.retracted or event.person_key is None:
        return []
    return [
        Planned(
            program=program.id,
            occasion=event.lifecycle_id,
            person=event.person_key,
            occurred_at=event.occurred_at,
            due_at=program.due_at(event.occurred_at),
            gives_up_at=program.gives_up_at(event.occurred_at),
        )
        for program in programs.programs
        if program.trigger.lifecycle is event.moment
    ]


def counts_as_contact(answer: ResponseRecorded) -> bool:
    """Whether an answer runs the fatigue clock by itself.

    Answers that came in unasked or through a vendor do. An answer to our own request does not: asking did.
    """
    return answer.status is ResponseStatus.ANSWERED and not answer.test and answer.request_id is None


def releases(step: SurveyStep) -> bool:
    """Whether a step means that the person never got to see the survey."""
    return step in {SurveyStep.BOUNCED, SurveyStep.SUPPRESSED}


def reaches(step: SurveyStep) -> bool:
    """Whether a step means that the survey went out."""
    return step in {SurveyStep.SENT, SurveyStep.DELIVERED, SurveyStep.SHOWN}


def refuses(step: SurveyStep) -> bool:
    """Whether a step means that the person wants no more surveys."""
    return step in {SurveyStep.UNSUBSCRIBED, SurveyStep.COMPLAINED}


def address_mark(email: str | None) -> str | None:
    """Tells one address from the next without keeping it; None where there is none."""
    return blake2b(email.strip().lower().encode(), digest_size=8).hexdigest() if email else None
