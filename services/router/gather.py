"""Facts from what was published and what the router remembers of the person and the account. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, repeat

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.responses import Respondent
from services.router.facts import (
    AccountFacts,
    Facts,
    FurtherAnswerFacts,
    OpenFollowUps,
    OwnerFacts,
    PreviousFacts,
    ProfileFacts,
    ResponseFacts,
    SurveyFacts,
    Trait,
)
from services.router.movement import Score, before, crossed, movement

CUSTOMER_SINCE = "customer_since"
"""The trait, of a person or of an account, that says since which day they are a customer."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around an answer or a survey request when it is planned.

    `scores` are other answers of the person; those that do not come before this one are left out. `asked`
    says when actions that may not come too often were last planned for the person.
    """

    profile: ProfileChanged | None = None
    account: AccountChanged | None = None
    owner: OwnerFacts | None = None
    scores: Sequence[Score] = ()
    open_follow_ups: OpenFollowUps = field(default_factory=OpenFollowUps)
    asked: Mapping[str, datetime] = field(default_factory=dict)


def from_response(event: ResponseClassified, subject: str, around: Surroundings, now: datetime) -> Facts:
    """The facts of a classified answer; `now` is business time and counts days."""
    response = event.response
    earlier = before(
        around.scores, subject=subject, metric=response.metric, responded_at=response.responded_at
    )
    latest = next(iter(earlier), None)
    shown = tuple(_previous(score) for score in earlier)
    return Facts(
        response=ResponseFacts(
            id=response.response_id,
            revision=response.order.revision,
            source=response.source,
            metric=response.metric,
            score=response.score,
            group=event.group,
            comment=response.comment,
            masked_comment=event.masked_comment,
            further_answers=_further_answers(event),
            themes=tuple(dict.fromkeys(tag.theme for tag in event.themes)),
            sentiment=event.sentiment,
            functions=event.functions,
            urgency=event.urgency.level if event.urgency else "normal",
            mentions=event.mentions,
            language=event.language or response.language,
            program=response.program,
            channel=response.channel,
            request_id=response.request_id,
            responded_at=response.responded_at,
            received_at=response.received_at,
            context=response.context,
            movement=None if response.score is None else movement(response.score, latest),
            crossed=None if response.score is None else crossed(response.score, latest),
        ),
        profile=_person(response.person_key, response.respondent, around, now),
        account=_account(around.account, now),
        owner=around.owner,
        previous=next(iter(shown), None),
        earlier=shown,
        open_follow_ups=around.open_follow_ups,
        asked=dict(around.asked),
    )


def from_request(
    request: SurveyRequested, around: Surroundings, now: datetime, *, url: str, unsubscribe_url: str
) -> Facts:
    """The facts of a survey request; `url` is the person's own link."""
    return Facts(
        survey=SurveyFacts(
            request_id=request.request_id,
            program=request.program,
            metric=request.metric,
            channel=request.channel,
            question=request.question,
            follow_up_question=request.follow_up_question,
            why_we_ask=request.why_we_ask,
            language=request.language,
            requested_at=request.requested_at,
            expires_at=request.expires_at,
            closes_at=request.closes_at,
            url=url,
            unsubscribe_url=unsubscribe_url,
            reminder=request.reminder,
            context=request.context,
        ),
        profile=_person(request.person_key, Respondent(), around, now),
        account=_account(around.account, now),
        owner=around.owner,
        open_follow_ups=around.open_follow_ups,
        asked=dict(around.asked),
    )


def _further_answers(event: ResponseClassified) -> tuple[FurtherAnswerFacts, ...]:
    # What was classified before the masked ones existed has none.
    masked = chain(event.masked_further_answers, repeat(None))
    return tuple(
        FurtherAnswerFacts(question=further.question, answer=further.answer, masked_answer=safe)
        for further, safe in zip(event.response.further_answers, masked, strict=False)
    )


def _previous(score: Score) -> PreviousFacts:
    return PreviousFacts(score=score.score, group=score.group, responded_at=score.responded_at)


def _person(key: str, respondent: Respondent, around: Surroundings, now: datetime) -> ProfileFacts:
    profile = around.profile
    account_traits = around.account.traits if around.account else {}
    if profile is None:
        return ProfileFacts(
            key=key,
            customer_id=respondent.customer_id,
            email=respondent.email,
            name=respondent.name,
            tenure_days=_days_since(account_traits, now),
        )
    return ProfileFacts(
        key=profile.person_key,
        customer_id=profile.customer_id or respondent.customer_id,
        name=profile.name or respondent.name,
        email=profile.email or respondent.email,
        phone=profile.phone,
        language=profile.language,
        time_zone=profile.time_zone,
        role=profile.role,
        segment=profile.segment,
        cohort=profile.cohort,
        stage=profile.stage,
        products=profile.products,
        internal=profile.internal,
        consents=tuple(dict.fromkeys(consent.topic for consent in profile.consents)),
        tenure_days=_days_since({**account_traits, **profile.traits}, now),
        traits=profile.traits,
    )


def _days_since(traits: Mapping[str, Trait], now: datetime) -> int | None:
    try:
        since = date.fromisoformat(str(traits[CUSTOMER_SINCE]))
    except (KeyError, ValueError):  # not known, or not a day
        return None
    return (now.date() - since).days


def _account(account: AccountChanged | None, now: datetime) -> AccountFacts | None:
    if account is None:
        return None
    renewal = account.renewal_date
    return AccountFacts(
        id=account.account_id,
        name=account.name,
        owner_email=account.owner_email,
        csm_email=account.csm_email,
        segment=account.segment,
        stage=account.stage,
        arr=account.arr,
        currency=account.currency,
        renewal_date=renewal,
        days_to_renewal=(renewal - now.date()).days if renewal else None,
        health=account.health,
        salesforce_id=account.salesforce_id,
        traits=account.traits,
    )
