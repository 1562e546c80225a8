"""The sandbox's HTTP application: every double, the JSON of what they received, and the page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from sandbox import (
    jira,
    page,
    page_forms,
    product,
    received,
    receivers,
    salesforce,
    salesforce_people,
    slack,
    slack_routes,
)
from sandbox.clock import BusinessClock
from sandbox.world import World


def sandbox_app(world: World) -> FastAPI:
    """Build the application; the SMTP catcher listens as long as it runs."""

    clock = BusinessClock(world.settings.database_url.get_secret_value())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        server = await world.catcher.listen(world.settings.sandbox_host, world.settings.sandbox_smtp_port)
        try:
            yield
        finally:
            server.close()
            clock.close()
            await world.callbacks.close()

    settings = world.settings
    doubles = [
        *slack.routes(
            world.workspace,
            world.front,
            world.sockets,
            token=settings.slack_bot_token.get_secret_value(),
            app_token=settings.slack_app_token.get_secret_value(),
        ),
        *salesforce.routes(world.salesforce, world.front),
        *(route for one in world.receivers.values() for route in receivers.routes(one, world.front)),
    ]
    app = FastAPI(
        title="feedback-router sandbox", lifespan=lifespan, docs_url=None, redoc_url=None, routes=doubles
    )

    @app.get("/health/live")
    @app.get("/health/ready")
    async def healthy() -> dict[str, str]:
        return {"status": "ok"}

    app.include_router(slack_routes.routes(world.workspace, world.interactivity, world.sockets, world.front))
    app.include_router(jira.routes(world.jira, world.front))
    app.include_router(received.routes(world))
    app.include_router(salesforce_people.routes(world.records))
    app.include_router(page.routes(world, clock))
    app.include_router(page_forms.routes(world, clock))
    app.include_router(product.routes(world))
    return app
