"""The survey's HTML pages: what they say, and the headers they go out with."""

from base64 import b64encode
from hashlib import sha256
from typing import NamedTuple

from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from schemas.requests import SurveyRequested
from schemas.scales import SCALES, Group, Metric, group_of
from services.ingest.surveys import COMMENT_LIMIT, Answer, Form

_TEMPLATES = Environment(
    loader=PackageLoader("services.ingest"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_STYLE = _TEMPLATES.loader.get_source(_TEMPLATES, "survey.css")[0] if _TEMPLATES.loader else ""
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    # The page's address is the key to the survey: it must reach nobody else.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


class Link(NamedTuple):
    """Where a message page can lead."""

    href: str
    text: str


_ENDS: dict[Metric, dict[str, str]] = {
    Metric.NPS: {"lowest": "not at all likely", "highest": "extremely likely"},
    Metric.CSAT: {"lowest": "very dissatisfied", "highest": "very satisfied"},
    Metric.CES: {"lowest": "very difficult", "highest": "very easy"},
}

_GLAD = "We are glad to hear it. Your answer goes to the people who make it so."
_HELPS = "Your answer tells us what to work on next."
_SORRY = "We are sorry that it was not better. Your answer goes to the people who can change it."
_THANKS: dict[Group, str] = {
    Group.PROMOTER: _GLAD,
    Group.POSITIVE: _GLAD,
    Group.PASSIVE: _HELPS,
    Group.NEUTRAL: _HELPS,
    Group.DETRACTOR: _SORRY,
    Group.NEGATIVE: _SORRY,
}


def survey_page(
    request: SurveyRequested, form: Form, *, token: str, already_answered: bool, status: int = 200
) -> Response:
    """The survey, empty or with what was filled in."""
    scale = SCALES[request.metric]
    return _page(
        "survey.html",
        status,
        request=request,
        form=form,
        action=f"/s/{token}",
        already_answered=already_answered,
        closes_on=_day(request),
        scores=range(scale.lowest, scale.highest + 1),
        ends=_ENDS[request.metric],
        comment_limit=COMMENT_LIMIT,
    )


def thanks_page(request: SurveyRequested, answer: Answer, *, token: str) -> Response:
    """What the person reads after answering."""
    return _message(
        "Thank you",
        f"You chose {answer.score}. {_THANKS[group_of(request.metric, answer.score)]}",
        f"You can change your answer until {_day(request)}.",
        link=Link(f"/s/{token}", "Change my answer"),
    )


def unsubscribe_page(*, token: str) -> Response:
    """Asks before anything changes."""
    return _page("unsubscribe.html", 200, action=f"/s/{token}/unsubscribe")


def unsubscribed_page() -> Response:
    """It is done."""
    return _message(
        "You will get no more surveys",
        "Thank you for telling us. If something is on your mind, reply to any message of ours.",
    )


def forged_page() -> Response:
    """The link was not made by us, or only part of it was copied."""
    return _message(
        "This link does not work",
        "Part of it may be missing. Please open it from the message you received, or copy all of it.",
        status=404,
    )


def closed_page() -> Response:
    """Too late."""
    return _message(
        "This survey is closed",
        "Thank you for coming. Its time is over and answers are not taken any more.",
        "If something is on your mind, please reply to the message that brought you here.",
        status=410,
    )


def cancelled_page() -> Response:
    """The request was withdrawn."""
    return _message(
        "This survey is not needed any more",
        "Thank you for coming. There is nothing left to answer.",
        status=410,
    )


def not_ready_page(*, token: str) -> Response:
    """The link is good, but the request has not arrived here."""
    return _message(
        "One moment, please",
        "You were quicker than we are: your survey is being prepared.",
        link=Link(f"/s/{token}", "Try again"),
        status=503,
        retry_after_seconds=5,
    )


def unavailable_page() -> Response:
    """The database is away."""
    return _message(
        "Please try again in a minute",
        "We cannot open or save your survey right now. If you have just sent an answer: it is not saved yet.",
        "Go back, and send it again in a minute. Your browser keeps what you wrote.",
        status=503,
        retry_after_seconds=30,
    )


def too_large_page() -> Response:
    """More was posted than the form can hold."""
    return _message(
        "That was too much",
        f"Your answer is not sent. Please go back and shorten your comment to {COMMENT_LIMIT:,} characters.",
        status=413,
    )


def _day(request: SurveyRequested) -> str:
    return f"{request.closes_at:%B} {request.closes_at.day}, {request.closes_at.year}"


def _message(
    heading: str,
    *sentences: str,
    link: Link | None = None,
    status: int = 200,
    retry_after_seconds: int | None = None,
) -> Response:
    response = _page("message.html", status, heading=heading, sentences=sentences, link=link)
    if retry_after_seconds is not None:
        response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def _page(template: str, status: int, **values: object) -> Response:
    html = _TEMPLATES.get_template(template).render(style=_STYLE, **values)
    return Response(html, status_code=status, headers=HEADERS, media_type="text/html; charset=utf-8")
