"""The events the router emits about what it planned and delivered. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from runtime.cloudevents import to_message
from runtime.messages import Message
from runtime.tracing import child_of
from schemas.event import Event, derived_id
from schemas.outcomes import FollowUpSnapshot, OutcomeKind, OutcomeRecorded, PlannedEffect
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.router.attempt import Outside, Status
from services.router.effect import EffectRow
from services.router.follow_up import FollowUp
from services.router.follow_up_commands import Entry
from services.router.ledger import Claimed, Completion

SOURCE = "/services/router"

_KINDS = {
    Status.DELIVERED: OutcomeKind.DELIVERED,
    Status.WITHHELD: OutcomeKind.WITHHELD,
    Status.FAILED: OutcomeKind.FAILED,
}
_STEPS = {
    Status.DELIVERED: SurveyStep.SENT,
    Status.WITHHELD: SurveyStep.SUPPRESSED,
    Status.FAILED: SurveyStep.SUPPRESSED,
}
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """An effect that something called off before it was sent; `at` is the database's time."""

    effect_id: UUID
    subject: str
    action: str
    rule: str
    destination: str
    person_key: str
    account_id: str | None
    program: str | None
    channel: str | None
    traceparent: str
    desired_version: int
    at: datetime


def subject_of_response(response_id: UUID) -> str:
    """The ledger's name of a response."""
    return f"response:{response_id}"


def subject_of_request(request_id: UUID) -> str:
    """The ledger's name of a survey request."""
    return f"request:{request_id}"


def response_of(subject: str) -> UUID | None:
    """The response that the ledger's subject is; None for another kind."""
    return _id(subject, "response")


def planned(effects: Iterable[EffectRow], now: datetime) -> list[Message]:
    """Which effects came to be: one event a subject, however many it has."""
    created: dict[str, list[EffectRow]] = {}
    for effect in effects:
        if effect.is_new:
            created.setdefault(effect.subject, []).append(effect)
    return [_planned(subject, of_subject, now) for subject, of_subject in created.items()]


def _planned(subject: str, created: Sequence[EffectRow], now: datetime) -> Message:
    first = created[0]
    event = OutcomeRecorded(
        outcome_id=derived_id(first.effect_id, "planned"),
        kind=OutcomeKind.PLANNED,
        occurred_at=now,
        person_key=first.person_key,
        account_id=first.account_id,
        subject=subject,
        response_id=response_of(subject),
        planned=tuple(
            PlannedEffect(
                effect_id=effect.effect_id,
                rule=effect.rule,
                action=effect.action,
                destination=effect.destination,
            )
            for effect in created
        ),
    )
    return to_message(event, source=SOURCE, traceparent=child_of(first.traceparent))


def of_completion(done: Completion, destination: str, now: datetime) -> Iterator[Message]:
    """What the rest of the product hears of a completed effect: nothing unless something was settled."""
    status = done.next.outcome
    if status is None or status not in _KINDS:
        return
    claimed = done.claimed
    reason = done.next.reason[:_LONGEST_REASON] if done.next.reason else None
    traceparent = child_of(claimed.traceparent)
    outcome: Event = OutcomeRecorded(
        outcome_id=derived_id(claimed.effect_id, status, claimed.effect.desired_version),
        kind=_KINDS[status],
        occurred_at=now,
        person_key=claimed.person_key,
        account_id=claimed.account_id,
        subject=claimed.subject,
        response_id=response_of(claimed.subject),
        rule=claimed.rule,
        action=claimed.action,
        destination=destination,
        effect_id=claimed.effect_id,
        reason=reason,
    )
    yield to_message(outcome, source=SOURCE, traceparent=traceparent)
    step = _survey_step(claimed, status, reason, now)
    if step is not None:
        yield to_message(step, source=SOURCE, traceparent=traceparent)


def of_end(ended: Ended, cause: str) -> Iterator[Message]:
    """That an effect will never be sent, and why."""
    traceparent = child_of(ended.traceparent)
    outcome = OutcomeRecorded(
        outcome_id=derived_id(ended.effect_id, Status.WITHHELD, ended.desired_version),
        kind=OutcomeKind.WITHHELD,
        occurred_at=ended.at,
        person_key=ended.person_key,
        account_id=ended.account_id,
        subject=ended.subject,
        response_id=response_of(ended.subject),
        rule=ended.rule,
        action=ended.action,
        destination=ended.destination,
        effect_id=ended.effect_id,
        reason=cause,
    )
    yield to_message(outcome, source=SOURCE, traceparent=traceparent)
    step = _step(ended, ended.program, SurveyStep.SUPPRESSED, cause, ended.at)
    if step is not None:
        yield to_message(step, source=SOURCE, traceparent=traceparent)


def of_follow_up(it: FollowUp, entry: Entry, kind: OutcomeKind, now: datetime) -> Message:
    """What the rest of the product hears of a change of a follow-up."""
    event = OutcomeRecorded(
        outcome_id=derived_id(it.id, kind, it.version),
        kind=kind,
        occurred_at=now,
        person_key=it.person_key,
        account_id=it.account_id,
        subject=it.subject,
        response_id=_id(it.subject, "response"),
        rule=it.rule,
        actor=entry.actor,
        reason=(it.resolution or entry.detail or "")[:_LONGEST_REASON] or None,
        root_cause=it.root_cause,
        follow_up=FollowUpSnapshot(
            version=it.version,
            owner=it.owner_id,
            team=it.team,
            opened_at=it.opened_at,
            first_contact_due_at=it.targets.first_contact_due_at,
            resolve_due_at=it.targets.resolve_due_at,
            claimed_at=it.claimed_at,
            contacted_at=it.contacted_at,
            resolved_at=it.resolved_at,
        ),
    )
    return to_message(event, source=SOURCE, traceparent=child_of(it.traceparent))


def _survey_step(
    claimed: Claimed, status: Status, reason: str | None, now: datetime
) -> SurveyStepOccurred | None:
    if status is not Status.DELIVERED and claimed.effect.outside is Outside.PRESENT:
        return None
    return _step(claimed, claimed.standing.program, _STEPS[status], reason, now)


def _step(
    effect: Claimed | Ended, program: str | None, step: SurveyStep, reason: str | None, now: datetime
) -> SurveyStepOccurred | None:
    request_id = _id(effect.subject, "request")
    if request_id is None or program is None or effect.channel is None:
        return None
    return SurveyStepOccurred(
        request_id=request_id,
        person_key=effect.person_key,
        program=program,
        channel=effect.channel,
        step=step,
        reason=reason,
        occurred_at=now,
    )


def _id(subject: str, kind: str) -> UUID | None:
    given, _, value = subject.partition(":")
    return UUID(value) if given == kind else None
