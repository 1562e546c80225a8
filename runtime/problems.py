"""Errors over HTTP as RFC 9457 problem details: which field, and what was expected of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
MAX_BODY_BYTES = 1_000_000
_STEP_LENGTH = 64

EXPECTATIONS = {
    "missing": "a value; the field is required",
    "extra_forbidden": "no field of this name",
    "timezone_aware": "a time with its offset from UTC, such as 2026-11-22T10:00:00Z",
}
"""What pydantic's own words do not say as an expectation."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field and what was expected of it.

    The field is an RFC 6901 pointer into the body, empty for the whole of it; a parameter of the query or the
    path goes by its name.
    """

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
        self.headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}


class BodyTooLarge(HTTPException):
    """The body exceeds the limit. An HTTPException: FastAPI lets no other pass while it reads a body."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(413, f"The body is larger than {max_bytes} bytes.")
        self.expected = FieldProblem("", f"at most {max_bytes} bytes")


class BodyLimit:
    """ASGI middleware: reading a body beyond `max_bytes` raises, at once where Content-Length says so."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on, the body through a counter."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced, received = _content_length(scope), 0

        async def counted() -> Message:
            nonlocal received
            if announced > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            return message

        await self._app(scope, counted, send)


def add_problem_handlers(app: FastAPI, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
    """Makes every error of the application problem details; a body beyond the limit is answered 413."""
    app.exception_handler(Problem)(_on_problem)
    app.exception_handler(RequestValidationError)(_on_invalid)
    app.exception_handler(HTTPException)(_on_http)
    app.exception_handler(Exception)(_on_accident)
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)


def problem_response(
    status: int,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response that says it."""
    content: dict[str, Any] = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors:
        content["errors"] = [asdict(error) for error in errors]
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def pointer(location: Iterable[int | str]) -> str:
    """An RFC 6901 pointer of these steps, each cut at 64 characters: a caller may have chosen them."""
    steps = (str(step)[:_STEP_LENGTH].replace("~", "~0").replace("/", "~1") for step in location)
    return "".join(f"/{step}" for step in steps)


def explain(error: Mapping[str, Any], body: object = None) -> FieldProblem:
    """One of pydantic's errors as the field and what was expected; `body` is what was read."""
    if error["type"] == "json_invalid":
        place = error["loc"][-1]
        at = f"character {place}: " if isinstance(place, int) else ""
        return FieldProblem("", f"JSON; {at}{error['ctx']['error']}")
    where, *steps = error["loc"]
    field = pointer(_within(body, steps)) if where == "body" else ".".join(map(str, steps))
    if not field:
        return FieldProblem("", "a JSON object, sent with Content-Type: application/json")
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return FieldProblem(field, EXPECTATIONS.get(error["type"], said))


async def _on_problem(_request: Request, error: Problem) -> JSONResponse:
    return problem_response(error.status, error.detail, error.errors, error.headers)


async def _on_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    found = error.errors()
    errors = [explain(one, error.body) for one in found]
    status = 400 if any(_is_unreadable(one) for one in found) else 422
    named = ", ".join(one.field or "the body" for one in errors)
    return problem_response(status, f"Not as expected: {named}.", errors)


async def _on_http(_request: Request, error: HTTPException) -> JSONResponse:
    errors = [error.expected] if isinstance(error, BodyTooLarge) else []
    return problem_response(error.status_code, str(error.detail), errors, error.headers)


async def _on_accident(_request: Request, _error: Exception) -> JSONResponse:
    # The server logs the exception itself.
    return problem_response(500, "Something went wrong here; the request can be repeated.")


def _within(body: object, steps: Sequence[int | str]) -> list[int | str]:
    """The steps without those that name the member of a union and not a place in the body."""
    found: list[int | str] = []
    for step in steps[:-1]:
        if isinstance(body, dict) and step not in body:
            continue
        found.append(step)
        body = body[step] if isinstance(body, dict) else None
    return [*found, *steps[-1:]]


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _is_unreadable(error: Mapping[str, Any]) -> bool:
    is_empty = error["type"] == "missing" and tuple(error["loc"]) == ("body",)
    return is_empty or error["type"] == "json_invalid"
