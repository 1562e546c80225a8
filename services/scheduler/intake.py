"""Sorts out a batch of events: which of them say the latest, and whom they concern. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple, TypeVar
from uuid import UUID

from schemas.accounts import AccountChanged
from schemas.event import NAMESPACE, derived_id
from schemas.lifecycle import LifecycleEventOccurred
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from schemas.profiles import ProfileChanged, ProfileErased
from schemas.responses import ResponseRecorded, ResponseStatus
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.scheduler.triggers import resolved

Published = (
    LifecycleEventOccurred
    | ProfileChanged
    | AccountChanged
    | ResponseRecorded
    | SurveyStepOccurred
    | OutcomeRecorded
)
Said = Published | ProfileErased
K = TypeVar("K")
E = TypeVar("E")
_OF_FOLLOW_UPS = frozenset({OutcomeKind.RESOLVED, OutcomeKind.REOPENED})


class Happened(NamedTuple):
    """Something that happened to a person, an account or everybody, as the newest record has it."""

    id: UUID
    order: tuple[int, int, int]
    person: str | None
    account_id: str | None
    moment: str
    occurred_at: datetime
    retracted: bool
    context: Mapping[str, str]
    traceparent: str | None

    @property
    def is_everybodys(self) -> bool:
        """Whether it happened to the whole company."""
        return self.person is None and self.account_id is None


@dataclass(frozen=True, slots=True)
class Merge:
    """Two keys turned out to be one person."""

    old: str
    winner: str


@dataclass(slots=True)
class Batch:
    """The newest of each thing that a batch of events speaks of."""

    happened: dict[UUID, Happened] = field(default_factory=dict)
    profiles: dict[str, ProfileChanged] = field(default_factory=dict)
    accounts: dict[str, AccountChanged] = field(default_factory=dict)
    erased: dict[str, ProfileErased] = field(default_factory=dict)
    answers: dict[UUID, ResponseRecorded] = field(default_factory=dict)
    steps: list[SurveyStepOccurred] = field(default_factory=list)

    def people(self) -> set[str]:
        """Everybody the batch names."""
        keys = {event.person for event in self.happened.values() if event.person is not None}
        keys.update(self.profiles, self.erased)
        for merge in self.merges():
            keys.update((merge.old, merge.winner))
        keys.update(answer.person_key for answer in self.answers.values())
        keys.update(step.person_key for step in self.steps)
        return keys

    def changed_accounts(self) -> set[str]:
        """Accounts of which everybody is concerned."""
        of_events = (event.account_id for event in self.happened.values() if event.person is None)
        return {account for account in of_events if account is not None} | self.accounts.keys()

    def joined_accounts(self) -> set[str]:
        """Accounts that people of the batch belong to now."""
        return {profile.account_id for profile in self.profiles.values() if profile.account_id is not None}

    def is_about_everybody(self) -> bool:
        """Whether something happened to the whole company."""
        return any(event.is_everybodys for event in self.happened.values())

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
    """Keeps every survey step, and the newest of everything else; each event comes with its trace."""
    batch = Batch()
    for event, traceparent in said:
        match event:
            case LifecycleEventOccurred():
                _keep(batch.happened, event.lifecycle_id, _lifecycle(event, traceparent), _by_order)
            case OutcomeRecorded():
                if event.kind in _OF_FOLLOW_UPS:
                    follow_up = _follow_up(event, traceparent)
                    _keep(batch.happened, follow_up.id, follow_up, _by_order)
            case ProfileChanged():
                _keep(batch.profiles, event.person_key, event, _by_version)
            case AccountChanged():
                _keep(batch.accounts, event.account_id, event, _by_version)
            case ResponseRecorded():
                _keep(batch.answers, event.response_id, event, lambda answer: answer.order.key())
            case SurveyStepOccurred():
                batch.steps.append(event)
            case ProfileErased():
                batch.profiles.pop(event.person_key, None)
                batch.erased[event.person_key] = event
    return batch


def _keep(kept: dict[K, E], key: K, event: E, rank: Callable[[E], tuple[int, ...]]) -> None:
    held = kept.get(key)
    if held is None or rank(held) < rank(event):
        kept[key] = event


def _by_order(event: Happened) -> tuple[int, ...]:
    return event.order


def _by_version(event: ProfileChanged | AccountChanged) -> tuple[int, ...]:
    return (event.version,)


def _lifecycle(event: LifecycleEventOccurred, traceparent: str | None) -> Happened:
    return Happened(
        id=event.lifecycle_id,
        order=event.order.key(),
        person=event.person_key,
        account_id=event.account_id,
        moment=event.moment,
        occurred_at=event.occurred_at,
        retracted=event.retracted,
        context=event.context,
        traceparent=traceparent,
    )


def _follow_up(event: OutcomeRecorded, traceparent: str | None) -> Happened:
    """The end of an answer's follow-up; opening it again takes that back."""
    return Happened(
        id=derived_id(NAMESPACE, "follow_up", event.subject),
        order=(int(event.occurred_at.timestamp() * 1000), 0, 0),
        person=event.person_key,
        account_id=event.account_id,
        moment=resolved.MOMENT,
        occurred_at=event.occurred_at,
        retracted=event.kind is OutcomeKind.REOPENED,
        context={"reason": event.reason} if event.reason else {},
        traceparent=traceparent,
    )


UNDELIVERED = frozenset({SurveyStep.BOUNCED, SurveyStep.SUPPRESSED})
"""The survey did not reach the person on this channel."""
REACHED = frozenset({SurveyStep.SENT, SurveyStep.DELIVERED, SurveyStep.SHOWN})
"""It went out: the gap counts from then."""
SEEN = frozenset({SurveyStep.SHOWN, SurveyStep.CLICKED})
REFUSED = frozenset({SurveyStep.UNSUBSCRIBED, SurveyStep.COMPLAINED})
"""The person wants no more surveys."""
CLOSED = REFUSED | {SurveyStep.DECLINED}
"""The person is not to hear of this survey again."""


def is_given(answer: ResponseRecorded) -> bool:
    """Whether a person gave it for good: a score whose page is not finished may yet be a scanner's."""
    return answer.status is ResponseStatus.ANSWERED and not answer.test and not answer.provisional


def counts_as_contact(answer: ResponseRecorded) -> bool:
    """Whether an answer runs the fatigue clock by itself.

    Answers that came in unasked or through a vendor do. An answer to our own request does not: asking did.
    """
    return answer.status is ResponseStatus.ANSWERED and not answer.test and answer.request_id is None


def earliest(times: Iterable[tuple[K, datetime]]) -> dict[K, datetime]:
    """The first time of each."""
    return dict(sorted(times, key=itemgetter(1), reverse=True))


def latest(times: Iterable[tuple[K, datetime]]) -> dict[K, datetime]:
    """The last time of each."""
    return dict(sorted(times, key=itemgetter(1)))


def address_mark(email: str | None) -> str | None:
    """Tells one address from the next without keeping it; None where there is none."""
    return blake2b(email.strip().lower().encode(), digest_size=8).hexdigest() if email else None
