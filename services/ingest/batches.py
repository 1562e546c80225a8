"""The HTTP API for many records at once: each is accepted or refused on its own."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import prometheus_client
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.routing import BaseRoute

from runtime.cloudevents import to_message
from runtime.messages import Message
from runtime.problems import FieldProblem
from runtime.tracing import child_of
from runtime.uncollected import uncollected
from schemas.event import Event
from schemas.profiles import ProfileChanged
from services.ingest import metrics, problems
from services.ingest.acceptance import SOURCE, NoSourceIdError, Receipt, lifecycle_occurred, response_recorded
from services.ingest.api import (
    Api,
    DirectRoute,
    accounts_stated,
    json_response,
    profiles_stated,
)
from services.ingest.api_keys import Caller, Scope
from services.ingest.inputs import (
    IdentifiedAccountInput,
    IdentifiedProfileInput,
    LifecycleEventInput,
    ResponseInput,
    context,
)
from services.ingest.items import LENGTH, Items, Refused
from services.ingest.large_bodies import Places
from services.ingest.openapi import described_batch
from services.ingest.persons import statement

LIMIT_BYTES = 8 * 1024 * 1024
_TURN = 100
"""Records that are made between two looks at other calls, which would wait too long for all of them."""

Input = TypeVar("Input", bound=BaseModel)
Made = TypeVar("Made", bound=Event)

PROFILES = Items(IdentifiedProfileInput, TypeAdapter(Annotated[list[IdentifiedProfileInput], LENGTH]))
ACCOUNTS = Items(IdentifiedAccountInput, TypeAdapter(Annotated[list[IdentifiedAccountInput], LENGTH]))


@dataclass(frozen=True, slots=True)
class _Events(Generic[Input, Made]):
    """Events of one kind, by the thousand: how they are called, read, made and counted."""

    path: str
    summary: str
    scope: Scope
    several: Items[Input]
    event: Callable[[Input, Receipt, bytes], Made]
    id_name: str
    example_id: str
    id_of: Callable[[Made], UUID]
    accepted: prometheus_client.Counter
    labels: Callable[[Made], tuple[str, str]]


_RESPONSES = _Events(
    path="/v1/responses/batch",
    summary="Send or change many answers",
    scope=Scope.RESPONSES,
    several=Items(ResponseInput, TypeAdapter(Annotated[list[ResponseInput], LENGTH])),
    event=response_recorded,
    id_name="response_id",
    example_id="7d0d1ad4-6b6f-5d0c-9f0e-5a3b0a8d1c52",
    id_of=lambda event: event.response_id,
    accepted=metrics.RESPONSES_ACCEPTED,
    labels=lambda event: (event.source, event.metric),
)
_LIFECYCLE_EVENTS = _Events(
    path="/v1/lifecycle-events/batch",
    summary="Send or correct many things that happened to customers",
    scope=Scope.LIFECYCLE,
    several=Items(LifecycleEventInput, TypeAdapter(Annotated[list[LifecycleEventInput], LENGTH])),
    event=lifecycle_occurred,
    id_name="lifecycle_id",
    example_id="0c2f8a52-5c2e-5a0f-8d2b-1e6a5f1b9d11",
    id_of=lambda event: event.lifecycle_id,
    accepted=metrics.LIFECYCLE_ACCEPTED,
    labels=lambda event: (event.source, event.moment),
)


def batch_routes(api: Api) -> list[BaseRoute]:
    """The routes `/v1/…/batch`. Each answers when Kafka has every record that was accepted, else 503."""
    routes = APIRouter(route_class=DirectRoute)
    # One batch is read and made while Kafka takes the one before. Made side by side, all would be done at the
    # same time and then wait for Kafka together, while nothing is made; and all would be in memory at once.
    making = asyncio.Lock()
    places = Places(LIMIT_BYTES)

    _add_events(routes, api, _RESPONSES, places, making)
    _add_events(routes, api, _LIFECYCLE_EVENTS, places, making)

    @routes.post(
        "/v1/profiles/batch",
        **described_batch(
            "Say who many people are",
            IdentifiedProfileInput,
            status=200,
            item={"person_key": "5f0f6d3f2c2b4b8e9a3c1d7e8f901234", "version": 1},
        ),
    )
    async def profiles(request: Request) -> Response:
        caller = api.callers.admit(request, Scope.PROFILES)
        async with places.body(request) as raw:
            items, receipt = _read(api, caller, raw, PROFILES)
        said = [
            statement(item, item.customer_id, api.person_key_secret)
            for item in items
            if not isinstance(item, list)
        ]
        stated = await profiles_stated(api, request, said, receipt.received_at) if said else []
        accepted = sum(state is not None for state in stated)
        metrics.CHANGES_ACCEPTED.labels(receipt.source, "profile").inc(accepted)
        states = iter(stated)
        results = [
            _refused(item) if isinstance(item, list) else _stated(next(states)) for item in items
        ]  # fmt: skip
        return _answered(results, accepted=accepted)

    @routes.post(
        "/v1/accounts/batch",
        **described_batch(
            "Say who many companies are", IdentifiedAccountInput, status=200, item={"version": 1}
        ),
    )
    async def accounts(request: Request) -> Response:
        caller = api.callers.admit(request, Scope.ACCOUNTS)
        async with places.body(request) as raw:
            items, receipt = _read(api, caller, raw, ACCOUNTS)
        given = [(item.account_id, item) for item in items if not isinstance(item, list)]
        stated = await accounts_stated(api, request, given, receipt.received_at) if given else []
        metrics.CHANGES_ACCEPTED.labels(receipt.source, "account").inc(len(stated))
        states = iter(stated)
        results = [
            _refused(item) if isinstance(item, list) else f'{{"status":200,"version":{next(states).version}}}'
            for item in items
        ]
        return _answered(results, accepted=len(stated))

    return [*routes.routes]


def _add_events(
    routes: APIRouter,
    api: Api,
    kind: _Events[Any, Any],
    places: Places,
    making: asyncio.Lock,
) -> None:
    @routes.post(
        kind.path,
        **described_batch(kind.summary, kind.several.model, item={kind.id_name: kind.example_id}),
    )
    async def events(request: Request) -> Response:
        caller = api.callers.admit(request, kind.scope)
        made = _Made(kind)
        async with places.body(request) as raw, making:
            api.publisher.check_room()
            with uncollected():
                items, receipt = _read(api, caller, raw, kind.several)
                await made.make(items, receipt, api)
                taken = api.publisher.publish(*made.messages(request)) if made.events else None
        if taken is not None:
            await taken
        for labels, number in Counter(map(kind.labels, made.events)).items():
            kind.accepted.labels(*labels).inc(number)
        return _answered(made.results, accepted=len(made.events))


def _read(
    api: Api, caller: Caller, raw: bytes, several: Items[Input]
) -> tuple[list[Input | Refused], Receipt]:
    receipt = Receipt(caller.source, None, api.clock.now())
    try:
        items = several.read(raw, context(receipt.received_at))
    except ValidationError as error:
        raise problems.invalid(error, several.model) from None
    api.callers.count(caller, len(items))
    return items, receipt


class _Made(Generic[Input, Made]):
    """The events of a batch and what is said of each item.

    Of two items with one id and one time the later counts, as if it had been received a millisecond later:
    they come from a file or a table in which further down is newer.
    """

    def __init__(self, kind: _Events[Input, Made]) -> None:
        self._kind = kind
        self._times: Counter[UUID] = Counter()
        self.events: list[Made] = []
        self.results: list[str] = []

    async def make(self, items: Sequence[Input | Refused], receipt: Receipt, api: Api) -> None:
        for first in range(0, len(items), _TURN):
            self.results += [self._result(item, receipt, api) for item in items[first : first + _TURN]]
            await asyncio.sleep(0)

    def messages(self, request: Request) -> list[Message]:
        # One call is one trace, as with a caller's own.
        traceparent = child_of(request.headers.get("traceparent"))
        return [to_message(event, source=SOURCE, traceparent=traceparent) for event in self.events]

    def _result(self, item: Input | Refused, receipt: Receipt, api: Api) -> str:
        if isinstance(item, list):
            return _refused(item)
        try:
            event = self._kind.event(item, receipt, api.person_key_secret)
        except NoSourceIdError:
            return _refused(problems.no_source_id().errors)
        if api.gone.is_old(event.event_key(), event.event_time()):
            return _refused(problems.erased().errors)
        identifier = self._kind.id_of(event)
        times = self._times[identifier]
        if times:
            event = self._kind.event(item, receipt.later(times), api.person_key_secret)
        self._times[identifier] += 1
        self.events.append(event)
        return f'{{"status":202,"{self._kind.id_name}":"{identifier}"}}'


def _stated(state: ProfileChanged | None) -> str:
    if state is None:
        return _refused(problems.erased().errors)
    return f'{{"status":200,"person_key":"{state.person_key}","version":{state.version}}}'


def _refused(errors: Sequence[FieldProblem]) -> str:
    return json.dumps({"status": HTTPStatus.UNPROCESSABLE_ENTITY, "errors": [asdict(one) for one in errors]})


def _answered(results: Sequence[str], *, accepted: int) -> Response:
    refused = len(results) - accepted
    return json_response(
        HTTPStatus.MULTI_STATUS,
        f'{{"accepted":{accepted},"refused":{refused},"results":[{",".join(results)}]}}',
    )
