"""Nobody sees a page without signing in or writes without a form of ours, and who saw what is noted."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from secrets import compare_digest, token_urlsafe
from typing import Annotated
from urllib.parse import parse_qsl, quote

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from services.insights.web.site import HEADERS, nothing_here, page
from services.insights.web.staff import Role, Staff, from_session

MOST_FORM_BYTES = 64 * 1024
_MOST_FIELDS = 100

log = structlog.get_logger(__name__)


class NotSignedIn(Exception):
    """Somebody has to sign in first."""


class NotAllowed(Exception):
    """The role does not allow it; says which would."""

    def __init__(self, least: Role) -> None:
        super().__init__(least)
        self.least = least


class ForgedForm(Exception):
    """A form that was not ours, or of a session that has ended."""


def allowed(least: Role) -> Callable[[Request], Awaitable[Staff]]:
    """The dependency of a page that needs at least a role: who looks at it. The log then knows, too."""

    async def check(request: Request) -> Staff:
        staff = from_session(request.session, datetime.now(UTC))
        if staff is None:
            raise NotSignedIn
        request.state.staff = staff
        # The pattern of the address, not what it was filled with: that may name a customer.
        seen = {"page": request.scope["route"].path, "method": request.method, "staff": staff.id}
        if not staff.may(least):
            log.warning("page refused", **seen)
            raise NotAllowed(least)
        log.info("page seen", **seen)
        return staff

    return check


Viewer = Annotated[Staff, Depends(allowed(Role.VIEWER))]
"""Whoever may read pages."""
Agent = Annotated[Staff, Depends(allowed(Role.AGENT))]
"""Whoever may answer customers."""


def form_token(request: Request) -> str:
    """What the session's forms carry, made with the first of them."""
    token: str = request.session.get("token") or token_urlsafe(32)
    if "token" not in request.session:
        request.session["token"] = token
    return token


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form of ours. Raises ForgedForm."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_FORM_BYTES:
            raise ForgedForm
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise ForgedForm from None
    expected = request.session.get("token", "")
    if not expected or not compare_digest(fields.get("token", "").encode(), expected.encode()):
        raise ForgedForm
    return fields


def add_guard(app: FastAPI) -> None:
    """Headers on everything, and pages in place of refusals."""

    @app.middleware("http")
    async def headers(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await proceed(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(NotSignedIn)
    async def sign_in(request: Request, _error: Exception) -> Response:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", status_code=303)

    @app.exception_handler(NotAllowed)
    async def refuse(request: Request, error: NotAllowed) -> Response:
        told = f"It needs the role {error.least.name.lower()}. Whoever runs your sign-in can give it to you."
        return page(request, "message.html", status=403, heading="Not for your role", sentence=told)

    @app.exception_handler(ForgedForm)
    async def forged(request: Request, _error: Exception) -> Response:
        told = "This form is too old or not from here; nothing was changed. Go back, reload, send it again."
        return page(request, "message.html", status=403, heading="Not done", sentence=told)

    @app.exception_handler(404)
    async def missing(request: Request, _error: Exception) -> Response:
        return nothing_here(request, "There is no page at this address.")
