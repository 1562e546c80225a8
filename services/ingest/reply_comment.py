"""A mail's answer to a survey of our own as the comment of its response. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from schemas.responses import Order, ResponseRecorded, response_id
from services.ingest.acceptance import milliseconds
from services.ingest.api_keys import RESERVED_SOURCE
from services.ingest.surveys import Answer, SurveyState, said_again, survey_response


@dataclass(frozen=True, slots=True)
class Commented:
    """The response with its comment; `answer` is what the hosted survey shows then, None without one."""

    event: ResponseRecorded
    answer: Answer | None


def commented(state: SurveyState, text: str, now: datetime) -> Commented | None:
    """The response that the text comments; None where there is a comment already, or no request.

    Whoever answers the mail instead of the survey gives a comment without a score.
    """
    request = state.request
    if request is None:
        return None
    if state.answer is not None and not state.answer.retracted:
        if state.answer.comment:
            return None
        answer = replace(said_again(state.answer, now), comment=text, answered_at=now, provisional=False)
        return Commented(survey_response(request, answer), answer)
    event = ResponseRecorded(
        response_id=response_id(RESERVED_SOURCE, str(request.request_id)),
        person_key=request.person_key,
        account_id=request.account_id,
        source=RESERVED_SOURCE,
        source_id=str(request.request_id),
        order=Order(revision=milliseconds(now), tie=milliseconds(now)),
        metric=request.metric,
        comment=text,
        language=request.language,
        responded_at=now,
        received_at=now,
        request_id=request.request_id,
        program=request.program,
        channel=request.channel,
        context=request.context,
    )
    return Commented(event, None)
