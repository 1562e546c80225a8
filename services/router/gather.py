"""Facts from what was published: the event itself, the person's profile, the account. Pure."""

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.responses import Respondent
from services.router.facts import AccountFacts, Facts, ProfileFacts, ResponseFacts, SurveyFacts


def from_response(
    event: ResponseClassified, profile: ProfileChanged | None, account: AccountChanged | None
) -> Facts:
    """The facts of a classified answer."""
    response = event.response
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
        ),
        profile=_person(response.person_key, profile, response.respondent),
        account=_account(account),
    )


def from_request(
    request: SurveyRequested,
    profile: ProfileChanged | None,
    account: AccountChanged | None,
    *,
    url: str,
    unsubscribe_url: str,
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
            context=request.context,
        ),
        profile=_person(request.person_key, profile, Respondent()),
        account=_account(account),
    )


def _person(key: str, profile: ProfileChanged | None, respondent: Respondent) -> ProfileFacts:
    if profile is None:
        return ProfileFacts(
            key=key, customer_id=respondent.customer_id, email=respondent.email, name=respondent.name
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
        traits=profile.traits,
    )


def _account(account: AccountChanged | None) -> AccountFacts | None:
    if account is None:
        return None
    return AccountFacts(
        id=account.account_id,
        name=account.name,
        owner_email=account.owner_email,
        csm_email=account.csm_email,
        segment=account.segment,
        stage=account.stage,
        arr=account.arr,
        currency=account.currency,
        renewal_date=account.renewal_date,
        health=account.health,
        salesforce_id=account.salesforce_id,
        traits=account.traits,
    )
