"""HTTP as a double needs it: every call passes the fault board, a connection can be cut without an answer."""

import asyncio
import time
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, cast

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.calls import CallLog
from sandbox.faults import Double, FaultBoard, FaultRequest, Kind

_ABORT = "sandbox.abort"

Act = Callable[[float], Response]
"""Does the effect and answers; its argument is how many seconds the effect stays hidden from reads."""


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, offering the application a way to cut the connection (an ASGI extension)."""

    def on_message_begin(self) -> None:
        """Start a request's scope with the extension in it."""
        super().on_message_begin()
        cast("MutableMapping[str, Any]", self.scope)["extensions"] = {_ABORT: self.transport.abort}


async def cut(request: Request) -> Response:
    """Close the connection without an answer. The returned response reaches nobody."""
    request.scope["extensions"][_ABORT]()
    await asyncio.sleep(0.01)  # lets the loop report the loss, after which the server drops the response
    return Response()


class Front:
    """What stands before each double: draws the fault, commits it, and logs the call."""

    def __init__(self, faults: FaultBoard, calls: CallLog) -> None:
        self._faults = faults
        self._calls = calls

    async def serve(self, request: Request, double: Double, operation: str, act: Act) -> Response:
        """Answer one call with `act`, unless a fault strikes it."""
        started = time.monotonic()
        fault = self._faults.draw(double, operation)
        response = act(0.0) if fault is None else await self._struck(request, double, fault, act)
        self._calls.add(
            double,
            operation,
            response.headers.get("x-sandbox-result", "ok"),
            seconds=time.monotonic() - started,
            fault=None if fault is None else fault.kind,
        )
        return response

    def refusal(self, double: Double, operation: str) -> str | None:
        """The code with which a part of a call, such as one row of many, is refused; None lets it pass."""
        fault = self._faults.draw(double, operation)
        return fault.code if fault is not None and fault.kind is Kind.REFUSED else None

    async def _struck(self, request: Request, double: Double, fault: FaultRequest, act: Act) -> Response:
        match fault.kind:
            case Kind.RATE_LIMITED:
                return refused(double, 429, "ratelimited", retry_after_seconds=fault.seconds)
            case Kind.REFUSED:
                status = HTTPStatus.OK if double is Double.SLACK else HTTPStatus.BAD_REQUEST
                return refused(double, status, fault.code)
            case Kind.SERVER_ERROR:
                return refused(double, fault.status, "internal_error")
            case Kind.HANG:
                await asyncio.sleep(fault.seconds)
                return await cut(request)
            case Kind.DROP_ANSWER:
                act(0.0)
                return await cut(request)
            case Kind.LATE:
                await asyncio.sleep(fault.seconds)
                return act(fault.hidden_seconds)


def refused(double: Double, status: int, error: str, *, retry_after_seconds: float | None = None) -> Response:
    """Answer a call that never reached the double's logic, in the shape of the service it stands for."""
    headers = {"x-sandbox-result": error}
    if retry_after_seconds is not None:
        headers["retry-after"] = str(max(1, round(retry_after_seconds)))
    body: Any = {"error": error}
    if double is Double.SLACK:
        body = {"ok": False, "error": error}
    elif double is Double.SALESFORCE:
        codes: dict[int, str] = {
            HTTPStatus.TOO_MANY_REQUESTS: "REQUEST_LIMIT_EXCEEDED",
            HTTPStatus.BAD_REQUEST: error,
        }
        code = codes.get(status, "SERVER_UNAVAILABLE")
        body = [{"message": error, "errorCode": code}]
    return json_answer(body, status, headers)


def json_answer(
    body: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with `body` as JSON; several times faster than Starlette's own, which counts in a load test."""
    return Response(to_json(body), status, headers, "application/json")
