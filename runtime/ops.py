"""What every service shows to the people who run it: liveness, readiness, metrics."""

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime.health import Health
from runtime.metrics import READY


def ops_app(health: Health) -> FastAPI:
    """An application with these routes alone."""
    app = FastAPI(title="Operations", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(ops_routes(health))
    return app


def ops_routes(health: Health) -> APIRouter:
    """The routes, for a service that serves others too. Each runs in a thread: a check may wait."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/health/live")
    def live() -> dict[str, str]:
        return {"status": "live"}

    @routes.get("/health/ready")
    def ready() -> JSONResponse:
        problems = health.problems()
        status = "not ready" if problems else "ready"
        return JSONResponse({"status": status, "problems": problems}, status_code=503 if problems else 200)

    @routes.get("/metrics")
    def metrics() -> Response:
        READY.set(not health.problems())
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes
