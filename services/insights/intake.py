"""Sorts out a batch of events: the newest that is said of each thing. Pure."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar, get_args
from uuid import UUID

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected, CorrectedField
from schemas.lifecycle import LifecycleEventOccurred
from schemas.outcomes import OutcomeRecorded
from schemas.profiles import ProfileChanged, ProfileErased
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.insights.definitions import LOST_STAGES
from services.insights.happening import Happening, happenings

Published = (
    ProfileChanged
    | AccountChanged
    | ResponseClassified
    | ClassificationCorrected
    | OutcomeRecorded
    | SurveyRequested
    | SurveyRequestCancelled
    | SurveyStepOccurred
    | LifecycleEventOccurred
)
READ: tuple[type[Published], ...] = get_args(Published)
"""The events that insights reads; people and accounts among the first, so that answers find them."""
Said = Published | ProfileErased
REACHED = frozenset({SurveyStep.SENT, SurveyStep.DELIVERED, SurveyStep.SHOWN, SurveyStep.CLICKED})
"""Steps by which a survey has left for the person."""
K = TypeVar("K", bound=Hashable)
E = TypeVar("E")


@dataclass(slots=True)
class Batch:
    """What a batch of events comes down to: each thing once, so that no row is written twice."""

    answers: dict[UUID, ResponseClassified] = field(default_factory=dict)
    comments_since: dict[UUID, int] = field(default_factory=dict)
    """The first revision in the batch from which on an answer has the comment that it has now."""
    earlier: list[ResponseClassified] = field(default_factory=list)
    """Records of the same answers that are not the newest of the batch."""
    comments_replaced: set[UUID] = field(default_factory=set)
    """Answers that had another comment before that in the batch."""
    corrections: dict[tuple[UUID, CorrectedField], ClassificationCorrected] = field(default_factory=dict)
    profiles: dict[str, ProfileChanged] = field(default_factory=dict)
    accounts: dict[str, AccountChanged] = field(default_factory=dict)
    erased: dict[str, ProfileErased] = field(default_factory=dict)
    merges: dict[str, str] = field(default_factory=dict)
    """Keys that were folded into another, with that one."""
    outcomes: dict[UUID, OutcomeRecorded] = field(default_factory=dict)
    requests: dict[UUID, SurveyRequested] = field(default_factory=dict)
    cancelled: dict[UUID, SurveyRequestCancelled] = field(default_factory=dict)
    reached: dict[UUID, SurveyStepOccurred] = field(default_factory=dict)
    """The first step of each request by which it had reached the person."""
    happenings: dict[UUID, Happening] = field(default_factory=dict)
    people_lost: set[tuple[str, datetime]] = field(default_factory=set)
    """When a record told of a person's loss, also one that is not the newest."""
    accounts_lost: set[tuple[str, datetime]] = field(default_factory=set)
    renewals: set[tuple[str, date]] = field(default_factory=set)
    """Accounts with the renewal dates that any record names."""

    def people(self) -> set[str]:
        """Every key the batch names."""
        keys = {answer.response.person_key for answer in self.answers.values()}
        keys.update(correction.person_key for correction in self.corrections.values())
        keys.update(outcome.person_key for outcome in self.outcomes.values())
        keys.update(one.person for one in self.happenings.values() if one.person is not None)
        return keys.union(self.profiles, self.erased, self.merges, self.merges.values())

    def answers_named(self) -> set[UUID]:
        """Every answer that the batch says something of."""
        named = set(self.answers)
        named.update(response_id for response_id, _ in self.corrections)
        named.update(outcome.response_id for outcome in self.outcomes.values() if outcome.response_id)
        return named


def sort_out(said: Iterable[Said]) -> Batch:
    """The newest of each thing. A profile counts unless its person is forgotten after it."""
    batch = Batch()
    for event in said:
        match event:
            case ResponseClassified():
                _take_answer(batch, event)
            case ClassificationCorrected():
                _keep(batch.corrections, (event.response_id, event.field), event, _when_corrected)
            case ProfileChanged():
                _take_profile(batch, event)
            case AccountChanged():
                _take_account(batch, event)
            case ProfileErased():
                batch.profiles.pop(event.person_key, None)
                _keep(batch.erased, event.person_key, event, lambda one: one.erased_at)
            case _:
                _take_step(batch, event)
    return batch


def _take_profile(batch: Batch, event: ProfileChanged) -> None:
    _keep(batch.profiles, event.person_key, event, lambda one: one.version)
    if event.stage in LOST_STAGES:
        batch.people_lost.add((event.person_key, event.changed_at))
    batch.merges.update(dict.fromkeys(event.merged_from, event.person_key))
    if event.merged_into is not None:
        batch.merges[event.person_key] = event.merged_into


def _take_account(batch: Batch, event: AccountChanged) -> None:
    _keep(batch.accounts, event.account_id, event, lambda one: one.version)
    if event.stage in LOST_STAGES:
        batch.accounts_lost.add((event.account_id, event.changed_at))
    if event.renewal_date is not None:
        batch.renewals.add((event.account_id, event.renewal_date))


def _take_answer(batch: Batch, event: ResponseClassified) -> None:
    response_id = event.response.response_id
    known = batch.answers.get(response_id)
    if known is not None and known.order_key() >= event.order_key():
        batch.earlier.append(event)
        return
    if known is None or known.response.comment != event.response.comment:
        batch.comments_since[response_id] = event.response.order.revision
    if known is not None and known.response.comment != event.response.comment:
        batch.comments_replaced.add(response_id)
    if known is not None:
        batch.earlier.append(known)
    batch.answers[response_id] = event


def _take_step(
    batch: Batch,
    event: OutcomeRecorded
    | SurveyRequested
    | SurveyRequestCancelled
    | SurveyStepOccurred
    | LifecycleEventOccurred,
) -> None:
    for one in happenings(event):
        _keep(batch.happenings, one.happening_id, one, lambda happening: happening.order_key)
    match event:
        case OutcomeRecorded():
            batch.outcomes[event.outcome_id] = event
        case SurveyRequested():
            _keep(batch.requests, event.request_id, event, lambda one: one.version)
        case SurveyRequestCancelled():
            batch.cancelled[event.request_id] = event
        case SurveyStepOccurred() if event.step in REACHED:
            _keep(batch.reached, event.request_id, event, lambda one: -one.occurred_at.timestamp())


def _keep(kept: dict[K, E], key: K, event: E, newness: Callable[[E], Any]) -> None:
    if key not in kept or newness(kept[key]) < newness(event):
        kept[key] = event


def _when_corrected(event: ClassificationCorrected) -> tuple[datetime, UUID]:
    return event.corrected_at, event.correction_id
