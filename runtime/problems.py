"""Errors over HTTP as RFC 9457 problem details: which field, and what was expected of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
MAX_BODY_BYTES = 1_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field (dotted path; "body" for the whole) and what was expected of it."""

    field: str
    expected: str


class Problem(Exception):
    """Raised in a route to answer with problem details."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds


def add_problem_handlers(app: FastAPI, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
    """Makes every error of the application problem details, and refuses bodies beyond `max_body_bytes` with 413."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_accident)
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)


def problem_response(
    status: int, detail: str, errors: Sequence[FieldProblem] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    """The response that says it."""
    content: dict[str, Any] = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors:
        content["errors"] = [asdict(error) for error in errors]
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def explain(error: dict[str, Any]) -> FieldProblem:
    """One of pydantic's errors as the field and what was expected."""
    location = [str(step) for step in error["loc"] if step != "body"]
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "json_invalid":
        return FieldProblem(
            "body", f"JSON (character {error['loc'][-1]}: {context.get('error', 'not JSON')})"
        )
    field = ".".join(location) or "body"
    if kind == "missing":
        return FieldProblem(field, "a JSON object" if field == "body" else "it is required")
    if kind == "extra_forbidden":
        return FieldProblem(field, "no field of this name")
    if field == "body" and kind in ("model_attributes_type", "dict_type", "model_type"):
        return FieldProblem(field, "a JSON object, sent with Content-Type: application/json")
    return FieldProblem(field, error["msg"].removeprefix("Value error, ").removeprefix("Input should be "))


class BodyLimit:
    """ASGI middleware: answers 413 to a body beyond `max_bytes`, at once where Content-Length admits it."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _content_length(scope) > self._max_bytes:
            await self._refusal()(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                # The kind of exception that FastAPI lets through while it reads a body.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail())
            return message

        await self._app(scope, limited, send)

    def _detail(self) -> str:
        return f"The body is larger than {self._max_bytes} bytes."

    def _refusal(self) -> JSONResponse:
        return problem_response(
            413,
            self._detail(),
            [FieldProblem("body", f"at most {self._max_bytes} bytes")],
            {"Connection": "close"},
        )


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _on_problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    headers = (
        {"Retry-After": str(error.retry_after_seconds)} if error.retry_after_seconds is not None else None
    )
    return problem_response(error.status, error.detail, error.errors, headers)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [explain(found) for found in error.errors()]
    fields = ", ".join(found.field for found in errors)
    kinds = {found["type"] for found in error.errors()}
    unreadable = "json_invalid" in kinds or any(
        found["loc"] == ("body",) and found["type"] == "missing" for found in error.errors()
    )
    return problem_response(400 if unreadable else 422, f"Not as expected: {fields}.", errors)


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem_response(error.status_code, str(error.detail), headers=headers)


async def _on_accident(_request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", exc_info=error)
    return problem_response(500, "Something went wrong here; the request can be repeated.")
