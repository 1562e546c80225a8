"""The inbox: which answers wait for somebody, and what people do about one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from services.insights import answers, customers
from services.insights.filters import Dimension
from services.insights.router_api import NotDone, RouterApi
from services.insights.source import Source
from services.insights.web.desk import Act, meant
from services.insights.web.guard import Agent, Viewer, read_form
from services.insights.web.place import after_of, place_of
from services.insights.web.routes import figure_page, reading
from services.insights.web.site import nothing_here, page
from services.insights.web.so_far import so_far
from services.insights.web.staff import Role, Staff
from services.insights.web.timeline import STATES, timeline
from services.insights.web.wording import HEARD_BACK

ANSWERS_A_PAGE = 50
WAITING = "none"
"""Of the dimension `heard_back`: what the inbox shows first."""
UNCOUNTED = "uncounted"
"""The tab of answers that no figure counts, and so no dimension tells apart."""
_NO_ROUTER = "Nothing can be done from here: ROUTER_OPERATOR_KEY is not set for insights."
_NO_ADDRESS = "Nothing can be done by you from here: your sign-in service does not tell your e-mail address."

log = structlog.get_logger(__name__)


def inbox_routes(source: Source, router: RouterApi | None) -> APIRouter:
    """The routes of both pages, and of the forms."""
    routes = APIRouter(include_in_schema=False)
    desk = _Desk(source, router)
    routes.add_api_route("/inbox", desk.inbox, methods=["GET"])
    routes.add_api_route("/answers/{response_id:uuid}", desk.answer, methods=["GET"])
    routes.add_api_route("/answers/{response_id:uuid}/{name}", desk.act, methods=["POST"])
    return routes


class _Desk:
    """Where people read answers and do something about them."""

    def __init__(self, source: Source, router: RouterApi | None) -> None:
        self._source = source
        self._router = router

    def inbox(self, request: Request, staff: Viewer) -> Response:
        """Those who heard nothing first; the address may ask for the others."""
        after = after_of(request.query_params.get("after"))
        view, counting = reading(self._source, request)
        free = view.wanted.choosing(Dimension.HEARD_BACK)
        is_uncounted = request.query_params.get("show") == UNCOUNTED
        chosen = view.wanted.of(Dimension.HEARD_BACK) or (WAITING,)
        counts = counting.by_value(free, Dimension.HEARD_BACK)
        wanted = free.choosing(Dimension.HEARD_BACK, *chosen)
        with self._source.pool.connection() as connection:
            shown = (
                answers.uncounted(connection, wanted, self._source.zone, limit=ANSWERS_A_PAGE, after=after)
                if is_uncounted
                else answers.behind(connection, counting, wanted, limit=ANSWERS_A_PAGE, after=after)
            )
            deeds = customers.deeds_about(connection, [one.response_id for one in shown.answers])
        tabs = [
            (words, view.to("/inbox", free.choosing(Dimension.HEARD_BACK, how)), counts[how].answers, how)
            for how, words in reversed(HEARD_BACK.items())
            if how in counts
        ]
        return figure_page(
            request,
            "inbox.html",
            view,
            tabs=tabs,
            chosen=() if is_uncounted else chosen,
            is_uncounted=is_uncounted,
            uncounted=f"{view.to('/inbox', free)}&show={UNCOUNTED}",
            states=STATES,
            answers=shown.answers,
            so_far={one.response_id: so_far(deeds.get(one.response_id, ())) for one in shown.answers},
            here=view.to("/inbox", wanted) + (f"&show={UNCOUNTED}" if is_uncounted else ""),
            next_place=place_of(shown.after) if shown.after else None,
            is_first=after is None,
            reads_all=staff.may(Role.AGENT),
            zone=self._source.zone,
        )

    def answer(self, request: Request, response_id: UUID, staff: Viewer) -> Response:
        """One answer, and what can be done about it by whoever looks."""
        return self._page(request, response_id, staff)

    async def act(self, request: Request, response_id: UUID, name: str, staff: Agent) -> Response:
        """What a form asks for; a mistake is told on the page it came from."""
        form = await read_form(request)
        mistake = await run_in_threadpool(self._do, response_id, name, form, staff)
        if mistake is not None:
            return await run_in_threadpool(self._page, request, response_id, staff, mistake, form)
        return RedirectResponse(f"/answers/{response_id}?done={name}", status_code=303)

    def _do(self, response_id: UUID, name: str, form: Mapping[str, str], staff: Staff) -> str | None:
        """Has it done; what stands in the way, if anything does."""
        if self._router is None or staff.email is None:
            return _NO_ROUTER if self._router is None else _NO_ADDRESS
        with self._source.pool.connection() as connection:
            found = answers.one(connection, response_id)
        wanted = meant(name, form, staff.email, found.revision) if found else None
        if wanted is None:
            return "No page has such a form."
        told = {"act": name, "staff": staff.id, "response_id": str(response_id)}
        try:
            if isinstance(wanted, Act):
                self._router.act(response_id, wanted.what, wanted.body)
            else:
                self._router.command(form.get("follow_up_id", ""), wanted.body)
        except (NotDone, ValueError) as error:
            log.warning("not done about an answer", **told)
            return str(error)
        log.info("done about an answer", **told)
        return None

    def _page(
        self,
        request: Request,
        response_id: UUID,
        staff: Staff,
        mistake: str | None = None,
        typed: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        with self._source.pool.connection() as connection:
            found = answers.one(connection, response_id)
            if found is None:
                return nothing_here(request, "No answer of this id is known: its person may be forgotten.")
            history = customers.history(connection, [found.person])
        options, obstacle = self._options(response_id, staff)
        return page(
            request,
            "answer.html",
            status=409 if mistake else 200,
            answer=found,
            lines=[line for line in timeline(history) if line.response_id == response_id],
            states=STATES,
            options=options,
            obstacle=obstacle,
            mistake=mistake,
            done=request.query_params.get("done"),
            typed=typed,
            letter_id=typed.get("letter_id") or uuid4(),
            reads_all=staff.may(Role.AGENT),
            zone=self._source.zone,
        )

    def _options(self, response_id: UUID, staff: Staff) -> tuple[Mapping[str, Any] | None, str | None]:
        """What this person can do about an answer, or why nothing."""
        if not staff.may(Role.AGENT):
            return None, None
        if self._router is None or staff.email is None:
            return None, _NO_ROUTER if self._router is None else _NO_ADDRESS
        try:
            return self._router.options(response_id), None
        except NotDone as error:
            return None, str(error)
