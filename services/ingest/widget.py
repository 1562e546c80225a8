"""The in-app widget: who may see which survey, and what it is told to show. Pure."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
from pydantic import BaseModel, ConfigDict, Field

from schemas.event import Effects
from schemas.profiles import ProfileChanged
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import SCALES, Group, Metric, group_of
from services.ingest.acceptance import milliseconds
from services.ingest.api_keys import RESERVED_SOURCE
from services.ingest.languages import Language
from services.ingest.phrases import ENDS, THANKS
from services.ingest.survey_file import AnonymousSurvey, SurveyFile
from services.ingest.surveys import COMMENT_LIMIT, Form, Standing, SurveyState, standing

CHANNEL = "in_app"
AUDIENCE = "feedback-widget"
_CLOCKS_DIFFER_SECONDS = 30
MOST_SHOWN = 3
"""A survey that was shown this often and never answered is not shown again."""

Tab = Annotated[str, Field(min_length=8, max_length=64)]
"""The browser tab, by a random name it gave itself."""
Words = Annotated[str, Field(max_length=COMMENT_LIMIT)]


class NotSignedError(ValueError):
    """The identity was not signed by the company, or not for the widget, or it has expired."""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TabAndRequest(_Said):
    """A tab is about to show a survey, or its person declined it."""

    request_id: UUID
    tab: Tab


class WidgetAnswer(_Said):
    """What was filled in so far. `finished`: the person pressed the button."""

    score: int
    comment: Words = ""
    further: Words = ""
    finished: bool


class PersonsAnswer(WidgetAnswer):
    """An answer to a request."""

    request_id: UUID


class VisitorsAnswer(WidgetAnswer):
    """An answer of somebody unknown, by a random id that the browser gave it."""

    answer_id: UUID


def customer_id_of(secret: bytes, identity: str) -> str:
    """The customer id that the company signed: a JWT (RFC 7519, HS256) with `sub`, `exp` and our audience.

    Raises NotSignedError.
    """
    try:
        claims = jwt.decode(
            identity,
            secret,
            algorithms=["HS256"],
            audience=AUDIENCE,
            leeway=_CLOCKS_DIFFER_SECONDS,
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.InvalidTokenError as error:
        raise NotSignedError(str(error)) from None
    return str(claims["sub"])


def may_see(state: SurveyState, profile: ProfileChanged | None, now: datetime) -> bool:
    """Whether a pending request may be shown at `now` (business clock)."""
    request = state.request
    if request is None or standing(state, now) is not Standing.OPEN or now >= request.expires_at:
        return False
    return not (profile and profile.opted_out_of(request.program))


def shown_to_person(
    state: SurveyState, profile: ProfileChanged | None, file: SurveyFile, language: Language
) -> dict[str, Any]:
    """What the widget shows somebody who was asked."""
    request, answer = state.open_request, state.answer
    return {
        "score": answer.score if answer and answer.provisional else None,
        "request_id": str(request.request_id),
        "question": request.question,
        "why": request.why_we_ask,
        "follow_ups": file.follow_up_questions(request, profile),
        "further": file.further_question(request, profile),
        "texts_language": request.language,
        **_frame(request.metric, file, language),
    }


def shown_to_visitor(survey: AnonymousSurvey, file: SurveyFile, language: Language) -> dict[str, Any] | None:
    """What the widget may show somebody unknown, and to how many of them; None without words for them."""
    if language.code not in survey.question or language.code not in survey.follow_up:
        return None
    return {
        "score": None,
        "question": survey.question[language.code],
        "why": None,
        "follow_ups": dict.fromkeys(Group, survey.follow_up[language.code]),
        "further": None,
        "texts_language": language.code,
        "share": survey.share,
        "again_after_days": survey.again_after_days,
        **_frame(survey.metric, file, language),
    }


def form_of(answer: WidgetAnswer) -> Form:
    """The answer as the hosted page's form would have it."""
    return Form(answer.score, answer.comment.strip(), answer.further.strip(), finished=answer.finished)


def visitors_response(
    survey: AnonymousSurvey, answer: VisitorsAnswer, language: str, now: datetime
) -> ResponseRecorded:
    """The response of somebody unknown. It is recorded and causes nothing: anybody can send one."""
    source_id = str(answer.answer_id)
    identifier = response_id(RESERVED_SOURCE, source_id)
    return ResponseRecorded(
        response_id=identifier,
        person_key=str(identifier),
        source=RESERVED_SOURCE,
        source_id=source_id,
        order=Order(revision=milliseconds(now), tie=milliseconds(now)),
        effects=Effects.RECORD,
        metric=survey.metric,
        score=answer.score,
        comment=answer.comment.strip() or None,
        language=language,
        responded_at=now,
        received_at=now,
        program=survey.program,
        channel=CHANNEL,
    )


def is_on_scale(metric: Metric, score: int) -> bool:
    """Whether the score is one of the metric's."""
    return SCALES[metric].lowest <= score <= SCALES[metric].highest


def _frame(metric: Metric, file: SurveyFile, language: Language) -> dict[str, Any]:
    scale = SCALES[metric]
    return {
        "language": language.code,
        "direction": language.direction,
        "colour": file.brand.colour,
        "privacy_url": file.brand.privacy_url,
        "never_on": file.widget.never_on,
        "limit": COMMENT_LIMIT,
        "groups": {score: group_of(metric, score) for score in range(scale.lowest, scale.highest + 1)},
        "ends": [language.say(end) for end in ENDS[metric]],
        "thanks": {group: language.say(sentence) for group, sentence in THANKS.items()},
        "words": {
            "optional": language.say("(optional)"),
            "send": language.say("Send my answer"),
            "thank_you": language.say("Thank you"),
            "close": language.say("Close"),
            "not_sent": language.say("Not sent. Please try again."),
            "privacy": language.say("What we do with your answer"),
        },
    }
