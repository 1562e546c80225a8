"""The HTTP API: answers, lifecycle events, profiles, accounts."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.routing import BaseRoute, request_response

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import Event, to_message
from runtime.messages import Message
from runtime.postgres import Pool
from runtime.tracing import child_of
from schemas.accounts import AccountChanged
from schemas.profiles import ProfileChanged
from services.ingest import metrics, problems, store
from services.ingest.acceptance import SOURCE, Receipt, lifecycle_occurred, response_recorded
from services.ingest.api_keys import Scope
from services.ingest.body import LIMIT_BYTES, IncompleteError, TooLargeError, read_body
from services.ingest.callers import Callers
from services.ingest.customers import Customers
from services.ingest.gone import Gone
from services.ingest.inputs import AccountInput, LifecycleEventInput, ProfileInput, ResponseInput, context
from services.ingest.openapi import described
from services.ingest.persons import Statement, statement
from services.ingest.waiting import NotTakenError

RELAYED_WITHIN_SECONDS = 4.5
MAX_ID_LENGTH = 256
_LOOK_EVERY_SECONDS = 0.02

Input = TypeVar("Input", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]
Stated = TypeVar("Stated")
Change = Callable[[store.Connection], tuple[Stated, list[int]]]
"""Applies a change within a transaction: what it came to, and the outbox rows that announce it."""


class Publishes(Protocol):
    """Where accepted events go."""

    def publish(self, *messages: Message) -> "asyncio.Future[None]":
        """The future is done when Kafka has the messages; call and future raise NotTakenError."""

    def check_room(self) -> None:
        """Raises NotTakenError when a call of `publish` would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the API stands on."""

    publisher: Publishes
    callers: Callers
    gone: Gone
    customers: Customers
    clock: Clock
    pool: Pool
    person_key_secret: bytes


class DirectRoute(APIRoute):
    """A documented route whose endpoint gets the request alone.

    FastAPI would resolve parameters that nobody declared and open two exit stacks for them, at every request;
    that takes longer than reading and checking the body.
    """

    def __init__(self, path: str, endpoint: Endpoint, **more: Any) -> None:  # noqa: ANN401 - APIRoute's own
        super().__init__(path, endpoint, **more)
        self.app = request_response(endpoint)


def api_routes(api: Api, prefix: str = "") -> list[BaseRoute]:
    """The routes under `/v1`, which itself is under `prefix`."""
    events = APIRouter(prefix=prefix, route_class=DirectRoute)
    states = APIRouter(prefix=prefix)
    secret = api.person_key_secret

    @events.post(
        "/v1/responses",
        **described(
            "Send or change an answer",
            ResponseInput,
            status=202,
            answer={"response_id": "7d0d1ad4-6b6f-5d0c-9f0e-5a3b0a8d1c52"},
        ),
    )
    async def responses(request: Request) -> Response:
        body, receipt = await _read(api, request, Scope.RESPONSES, ResponseInput)
        event = response_recorded(body, receipt, secret)
        if api.gone.is_old(event.person_key, event.responded_at):
            raise problems.erased()
        await api.publisher.publish(message_of(request, event))
        metrics.RESPONSES_ACCEPTED.labels(event.source, event.metric).inc()
        return json_response(202, f'{{"response_id":"{event.response_id}"}}')

    @events.post(
        "/v1/lifecycle-events",
        **described(
            "Send or correct something that happened to a customer",
            LifecycleEventInput,
            status=202,
            answer={"lifecycle_id": "0c2f8a52-5c2e-5a0f-8d2b-1e6a5f1b9d11"},
        ),
    )
    async def lifecycle_events(request: Request) -> Response:
        body, receipt = await _read(api, request, Scope.LIFECYCLE, LifecycleEventInput)
        event = lifecycle_occurred(body, receipt, secret)
        if event.person_key and api.gone.is_old(event.person_key, event.occurred_at):
            raise problems.erased()
        await api.publisher.publish(message_of(request, event))
        metrics.LIFECYCLE_ACCEPTED.labels(event.source, event.moment).inc()
        return json_response(202, f'{{"lifecycle_id":"{event.lifecycle_id}"}}')

    @states.put(
        "/v1/profiles/{customer_id:path}",
        **described(
            "Say who a person is",
            ProfileInput,
            status=200,
            answer={"person_key": "5f0f6d3f2c2b4b8e9a3c1d7e8f901234", "version": 1},
        ),
    )
    async def profiles(request: Request, customer_id: str) -> Response:
        body, receipt = await _read(api, request, Scope.PROFILES, ProfileInput)
        identifier = _checked_id(customer_id)
        said = statement(body, identifier, secret)
        [state] = await profiles_stated(api, request, [said], receipt.received_at)
        if state is None:
            raise problems.erased()
        metrics.CHANGES_ACCEPTED.labels(receipt.source, "profile").inc()
        return json_response(200, f'{{"person_key":"{state.person_key}","version":{state.version}}}')

    @states.put(
        "/v1/accounts/{account_id:path}",
        **described("Say who a company is", AccountInput, status=200, answer={"version": 1}),
    )
    async def accounts(request: Request, account_id: str) -> Response:
        body, receipt = await _read(api, request, Scope.ACCOUNTS, AccountInput)
        given = [(_checked_id(account_id), body)]
        [state] = await accounts_stated(api, request, given, receipt.received_at)
        metrics.CHANGES_ACCEPTED.labels(receipt.source, "account").inc()
        return json_response(200, f'{{"version":{state.version}}}')

    return [*events.routes, *states.routes]


async def _read(api: Api, request: Request, scope: Scope, model: type[Input]) -> tuple[Input, Receipt]:
    caller = api.callers.admit(request, scope)
    idempotency_key = request.headers.get("idempotency-key")
    if idempotency_key is not None and not 0 < len(idempotency_key) <= MAX_ID_LENGTH:
        raise problems.bad_idempotency_key(MAX_ID_LENGTH)
    raw = await checked_body(request, LIMIT_BYTES)
    now = api.clock.now()
    try:
        body = model.model_validate_json(raw, context=context(now))
    except ValidationError as error:
        raise problems.invalid(error, model) from None
    api.callers.count(caller, 1)
    return body, Receipt(caller.source, idempotency_key, now)


async def checked_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises runtime.problems.Problem when it is too large or ends too early."""
    try:
        return await read_body(request, limit_bytes)
    except TooLargeError:
        raise problems.too_large(limit_bytes) from None
    except IncompleteError:
        raise problems.incomplete() from None


def _checked_id(given: str) -> str:
    identifier = given.strip()
    if not 0 < len(identifier) <= MAX_ID_LENGTH or "\x00" in identifier:
        raise problems.bad_path_id(MAX_ID_LENGTH)
    return identifier


def message_of(request: Request, event: Event) -> Message:
    """The event in the trace of the request that brought it."""
    return to_message(event, source=SOURCE, traceparent=child_of(request.headers.get("traceparent")))


async def profiles_stated(
    api: Api, request: Request, statements: Sequence[Statement], now: datetime
) -> list[ProfileChanged | None]:
    """The state of each statement's person after it, once Kafka has every state that changed.

    None where the person was erased: nothing is stored of them.
    """

    def change(connection: store.Connection) -> tuple[list[ProfileChanged | None], list[int]]:
        stated = api.customers.state_people(connection, statements, now)
        keys = [state.person_key for state in stated.states if state]
        owed = store.owed_for(connection, ProfileChanged.TOPIC, keys)
        messages = [message_of(request, state) for state in stated.changed]
        return [*stated.states], [*owed, *outbox.append(connection, messages)]

    return await _stored_and_relayed(api, change)


async def accounts_stated(
    api: Api, request: Request, given: Sequence[tuple[str, AccountInput]], now: datetime
) -> list[AccountChanged]:
    """The state of each account after what is said of it, once Kafka has every state that changed."""

    def change(connection: store.Connection) -> tuple[list[AccountChanged], list[int]]:
        stated = api.customers.state_accounts(connection, given, now)
        owed = store.owed_for(connection, AccountChanged.TOPIC, [account_id for account_id, _ in given])
        messages = [message_of(request, one.state) for one in stated if one.is_changed]
        return [one.state for one in stated], [*owed, *outbox.append(connection, messages)]

    return await _stored_and_relayed(api, change)


async def _stored_and_relayed(api: Api, change: Change[Stated]) -> Stated:
    """Commits the change and waits until Kafka has it.

    Raises NotTakenError after 4.5 s; what is committed stays and is relayed later.
    """
    deadline = time.monotonic() + RELAYED_WITHIN_SECONDS

    def store_it() -> tuple[Stated, list[int]]:
        with api.pool.connection() as connection:
            return change(connection)

    def progress(rows: list[int]) -> outbox.Progress:
        with api.pool.connection() as connection:
            return outbox.progress(connection, rows)

    stated, rows = await run_in_threadpool(store_it)
    while rows and await run_in_threadpool(progress, rows) is not outbox.Progress.SENT:
        if time.monotonic() > deadline:
            raise NotTakenError
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return stated


def json_response(status: int, document: str) -> Response:
    """A JSON document that is written already."""
    return Response(document, status_code=status, media_type="application/json")
