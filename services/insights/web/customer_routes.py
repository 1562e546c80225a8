"""The pages of a person and of an account: who they are, and all that happened."""

from fastapi import APIRouter, Request, Response

from services.insights import customers
from services.insights.scheduler_api import SchedulerApi
from services.insights.source import Source
from services.insights.web.asking import told
from services.insights.web.guard import Viewer
from services.insights.web.site import nothing_here, page
from services.insights.web.staff import Role
from services.insights.web.timeline import timeline


def customer_routes(source: Source, scheduler: SchedulerApi | None) -> APIRouter:
    """The routes of both; without a scheduler nothing is said of why somebody was asked."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/people/{key}")
    def person(request: Request, key: str, staff: Viewer) -> Response:
        with source.pool.connection() as connection:
            found = customers.person(connection, key)
            if found is None:
                return nothing_here(request, "Nobody of this key is known here.")
            history = customers.history(connection, [found.person])
        reasons = scheduler.reasons(found.person) if scheduler is not None else None
        return page(
            request,
            "person.html",
            person=found,
            asks_scheduler=scheduler is not None,
            reasons=reasons,
            decisions=told(reasons.decisions) if reasons is not None else (),
            lines=timeline(history),
            reads_all=staff.may(Role.AGENT),
            zone=source.zone,
        )

    @routes.get("/accounts/{account_id:path}")
    def account(request: Request, account_id: str, staff: Viewer) -> Response:
        with source.pool.connection() as connection:
            found = customers.account(connection, account_id)
            if found is None:
                return nothing_here(request, "No account of this id is known here.")
            members = customers.members(connection, account_id)
            history = customers.history(connection, [one.person for one in members], account_id)
        return page(
            request,
            "account.html",
            account=found,
            members=members,
            names={one.person: one.name for one in members},
            lines=timeline(history),
            reads_all=staff.may(Role.AGENT),
            zone=source.zone,
        )

    return routes
