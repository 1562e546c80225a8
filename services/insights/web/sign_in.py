"""Signing in: through the company's OpenID Connect service, or with the password of a development machine."""

from datetime import UTC, datetime
from secrets import compare_digest

import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError, StarletteOAuth2App
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from httpx2 import HTTPError
from joserfc.errors import JoseError

from services.insights.web.guard import form_token, read_form
from services.insights.web.settings import PageSettings
from services.insights.web.site import page
from services.insights.web.staff import Role, Staff, email_of, role_of, to_session

_TIMEOUT_SECONDS = 10.0
_NO_SERVICE = "There is no sign-in service here."

log = structlog.get_logger(__name__)


def sign_in_routes(settings: PageSettings) -> APIRouter:
    """The routes of signing in and out."""
    routes = APIRouter(include_in_schema=False)
    desk = _Desk(settings)
    routes.add_api_route("/sign-in", desk.show, methods=["GET"])
    routes.add_api_route("/sign-in/service", desk.leave, methods=["POST"])
    routes.add_api_route("/sign-in/return", desk.come_back, methods=["GET"])
    routes.add_api_route("/sign-in/password", desk.tell, methods=["POST"])
    routes.add_api_route("/sign-out", desk.go, methods=["POST"])
    return routes


class _Desk:
    """Where people sign in."""

    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings
        self._service = _service(settings)

    async def show(self, request: Request, next: str = "/") -> Response:  # noqa: A002 - the address' own word
        request.session["next"] = _here(next)
        return self._ask(request)

    async def leave(self, request: Request) -> Response:
        """To the sign-in service."""
        await read_form(request)
        if self._service is None:
            return self._ask(request, _NO_SERVICE, status=404)
        back = f"{self._settings.insights_url}/sign-in/return"
        try:
            response: Response = await self._service.authorize_redirect(request, back)
        except HTTPError as error:
            log.warning("the sign-in service does not answer", error=type(error).__name__)
            return self._ask(
                request, "The sign-in service does not answer. Try again in a minute.", status=503
            )
        response.status_code = 303
        return response

    async def come_back(self, request: Request) -> Response:
        """From the sign-in service, which says who it is."""
        if self._service is None:
            return self._ask(request, _NO_SERVICE, status=404)
        try:
            claims = (await self._service.authorize_access_token(request))["userinfo"]
        except (OAuthError, HTTPError, JoseError, KeyError) as error:
            log.warning("a sign-in failed", error=type(error).__name__)
            return self._ask(request, "Signing in did not work. Please try again.", status=403)
        settings = self._settings
        role = role_of(claims, claim=settings.oidc_role_claim, prefix=settings.oidc_role_prefix)
        if role is None:
            log.warning("a sign-in without a role", staff=claims["sub"])
            return self._ask(
                request, "You are known, but have no role here. Ask whoever runs your sign-in.", status=403
            )
        name = claims.get("name") or claims["sub"]
        return _enter(request, Staff(claims["sub"], name, role, email_of(claims)))

    async def tell(self, request: Request) -> Response:
        """The password of a development machine."""
        given = (await read_form(request)).get("password", "")
        password = self._settings.local_password
        if password is None or not compare_digest(given.encode(), password.get_secret_value().encode()):
            log.warning("a local sign-in was refused")
            return self._ask(request, "That is not the password.", status=403)
        return _enter(request, Staff("local", "Local development", Role.ADMIN, self._settings.local_email))

    async def go(self, request: Request) -> Response:
        """Signed out."""
        await read_form(request)
        request.session.clear()
        return RedirectResponse("/sign-in", status_code=303)

    def _ask(self, request: Request, mistake: str | None = None, *, status: int = 200) -> Response:
        form_token(request)
        return page(
            request,
            "sign_in.html",
            status=status,
            mistake=mistake,
            has_service=self._service is not None,
            has_password=self._settings.local_password is not None,
        )


def _service(settings: PageSettings) -> StarletteOAuth2App | None:
    if not (settings.oidc_issuer and settings.oidc_client_id and settings.oidc_client_secret):
        return None
    return OAuth().register(
        "staff",
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        client_kwargs={
            "scope": settings.oidc_scope,
            "code_challenge_method": "S256",
            "timeout": _TIMEOUT_SECONDS,
            "trust_env": False,
        },
    )


def _enter(request: Request, staff: Staff) -> Response:
    """A session of its own begins: nothing of the one before is kept, so none can be planted."""
    asked = _here(request.session.get("next", "/"))
    request.session.clear()
    request.session.update(to_session(staff, datetime.now(UTC)))
    form_token(request)
    log.info("signed in", staff=staff.id, role=staff.role.name.lower())
    return RedirectResponse(asked, status_code=303)


def _here(address: str) -> str:
    """An address of this site: browsers take two strokes, also the other way round, for another one."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_ours else "/"
