"""You said, we did: drafting a mail to those who asked for something, looking at it, and letting it go."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated
from urllib.parse import parse_qsl, urlencode
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.insights import announcement_store, figures, filters
from services.insights.announcement_store import TooMany
from services.insights.announcements import Mail, mistakes
from services.insights.announcing import NotSent, reached_by, send, wanted_by
from services.insights.filters import BadFilter, Dimension
from services.insights.source import Source
from services.insights.web.guard import Agent, Viewer, allowed, read_form
from services.insights.web.routes import figure_page
from services.insights.web.site import nothing_here, page
from services.insights.web.staff import Role, Staff
from services.insights.web.view import View

PATH = "/you-said-we-did"
Admin = Annotated[Staff, Depends(allowed(Role.ADMIN))]
"""Whoever may let go what reaches many people."""
_NOTHING: Mapping[str, str] = MappingProxyType({})
_GONE = "No announcement of this id is known: it may have been thrown away."

log = structlog.get_logger(__name__)


def announcement_routes(source: Source) -> APIRouter:
    """The routes of the list with its form, of one announcement, and of what is done with it."""
    routes = APIRouter(include_in_schema=False)
    office = _Office(source)
    routes.add_api_route(PATH, office.overview, methods=["GET"])
    routes.add_api_route(PATH, office.draft, methods=["POST"])
    routes.add_api_route(f"{PATH}/{{announcement_id:uuid}}", office.show, methods=["GET"])
    routes.add_api_route(f"{PATH}/{{announcement_id:uuid}}/approve", office.approve, methods=["POST"])
    routes.add_api_route(f"{PATH}/{{announcement_id:uuid}}/discard", office.discard, methods=["POST"])
    return routes


class _Office:
    """Where announcements are written and approved. Each step is logged with who took it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def overview(self, request: Request, staff: Viewer) -> Response:
        """What was sent and drafted, and the form for another."""
        return self._overview(request, request.query_params.multi_items(), staff)

    async def draft(self, request: Request, staff: Agent) -> Response:
        """Keeps a draft, and shows it; a mistake is told on the page it came from."""
        form = await read_form(request)
        return await run_in_threadpool(self._draft, request, form, staff)

    def show(self, request: Request, announcement_id: UUID, staff: Viewer) -> Response:
        """The mail, and whom it would reach or has reached."""
        return self._show(request, announcement_id, staff)

    async def approve(self, request: Request, announcement_id: UUID, staff: Admin) -> Response:
        """Lets it go, to as many people as the page had said."""
        form = await read_form(request)
        return await run_in_threadpool(self._approve, request, announcement_id, form, staff)

    async def discard(self, request: Request, announcement_id: UUID, staff: Agent) -> Response:
        """Throws a draft away."""
        await read_form(request)
        return await run_in_threadpool(self._discard, request, announcement_id, staff)

    def _draft(self, request: Request, form: Mapping[str, str], staff: Staff) -> Response:
        given = parse_qsl(form.get("answers", ""), keep_blank_values=True)
        wanted = filters.read(given, self._source.today())
        if not wanted.of(Dimension.THEME):
            return self._overview(request, given, staff, "Choose a theme first.", form)
        try:
            announcement_id = UUID(form.get("announcement_id", ""))
            mail = Mail(subject=form.get("subject", ""), words=form.get("words", ""))
        except ValidationError as error:
            return self._overview(request, given, staff, mistakes(error), form)
        except ValueError:
            raise BadFilter("announcement_id", "the one of the form") from None
        with self._source.pool.connection() as connection:
            answers = urlencode(wanted.parameters())
            announcement_store.draft(
                connection, announcement_id, answers, mail, by=staff.id, at=self._source.now()
            )
        log.info("announcement drafted", staff=staff.id, announcement=str(announcement_id))
        return RedirectResponse(f"{PATH}/{announcement_id}", status_code=303)

    def _approve(
        self, request: Request, announcement_id: UUID, form: Mapping[str, str], staff: Staff
    ) -> Response:
        told = {"staff": staff.id, "announcement": str(announcement_id)}
        seen = form.get("seen", "")
        try:
            people = send(
                self._source, announcement_id, seen=int(seen) if seen.isdecimal() else 0, by=staff.id
            )
        except (NotSent, TooMany) as error:
            log.warning("announcement not sent", **told)
            return self._show(request, announcement_id, staff, str(error))
        log.info("announcement approved", people=people, **told)
        return RedirectResponse(f"{PATH}/{announcement_id}", status_code=303)

    def _discard(self, request: Request, announcement_id: UUID, staff: Staff) -> Response:
        with self._source.pool.connection() as connection:
            is_done = announcement_store.discard(connection, announcement_id)
        if not is_done:
            return self._show(request, announcement_id, staff, "It was sent already.")
        log.info("announcement thrown away", staff=staff.id, announcement=str(announcement_id))
        return RedirectResponse(PATH, status_code=303)

    def _overview(
        self,
        request: Request,
        given: list[tuple[str, str]],
        staff: Staff,
        mistake: str | None = None,
        typed: Mapping[str, str] = _NOTHING,
    ) -> Response:
        view = View.read(given, self._source.today())
        counting = self._source.counting()
        free = view.wanted.choosing(Dimension.THEME)
        with self._source.pool.connection() as connection:
            known = announcement_store.latest(connection)
        return figure_page(
            request,
            "announcements.html",
            view,
            status=409 if mistake else 200,
            known=known,
            themes=[
                (one.theme, one.volume.part, view.to(PATH, free.choosing(Dimension.THEME, one.theme)))
                for one in figures.themes(counting, free)
                if one.theme
            ],
            chosen=view.wanted.of(Dimension.THEME),
            answers=urlencode(view.wanted.parameters()),
            announcement_id=typed.get("announcement_id") or uuid4(),
            writes=staff.may(Role.AGENT),
            mistake=mistake,
            typed=typed,
            zone=self._source.zone,
        )

    def _show(
        self, request: Request, announcement_id: UUID, staff: Staff, mistake: str | None = None
    ) -> Response:
        with self._source.pool.connection() as connection:
            found = announcement_store.one(connection, announcement_id)
            if found is None:
                return nothing_here(request, _GONE)
            wanted = wanted_by(found)
            is_sent, reached, told = found.approved_at is not None, None, []
            if is_sent:
                told = announcement_store.told(connection, announcement_id)
            else:
                try:
                    reached = reached_by(connection, self._source, wanted)
                except TooMany as error:
                    mistake = str(error)
        return page(
            request,
            "announcement.html",
            status=409 if mistake else 200,
            announcement=found,
            wanted=wanted,
            reached=reached,
            told=told,
            writes=staff.may(Role.AGENT),
            approves=staff.may(Role.ADMIN),
            mistake=mistake,
            zone=self._source.zone,
        )
