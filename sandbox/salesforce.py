"""The Salesforce REST API as the product uses it: token, SOQL, sObjects, upserts, Collections, limits.

Paths, codes and bodies as in the REST API Developer Guide.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.faults import Double
from sandbox.rates import Factor
from sandbox.salesforce_checks import SalesforceError
from sandbox.salesforce_login import Login, LoginRefusedError
from sandbox.salesforce_objects import Field, ObjectType, object_named
from sandbox.salesforce_records import Record, Records, SeveralMatchesError
from sandbox.server import Front, json_answer
from sandbox.soql import parse

_BODY_SINCE = 46  # API version from which an updating upsert answers 200 with a body instead of 204
_MAX_COLLECTION = 200
_PAGE = 2000
_DAY_SECONDS = 24 * 3600
_CURSORS_KEPT = 50


class Salesforce:
    """The org: its records, its logins, and the calls used of the day's allowance."""

    def __init__(
        self, records: Records, login: Login, *, daily_calls: int, factor: Factor, public_url: str
    ) -> None:
        self.records = records
        self.login = login
        self.public_url = public_url
        self._daily_calls = daily_calls
        self._factor = factor
        self._day_began = time.monotonic()
        self._cursors: dict[str, list[dict[str, Any]]] = {}
        self.used = 0

    @property
    def allowance(self) -> int:
        """Calls a day."""
        return int(self._daily_calls * self._factor.value)

    def admit(self, authorization: str) -> None:
        """Let a call in and count it; raises SalesforceError without a session or calls left."""
        if not self.login.knows(authorization):
            raise SalesforceError("INVALID_SESSION_ID", "Session expired or invalid", status=401)
        if time.monotonic() - self._day_began > _DAY_SECONDS:
            self._day_began, self.used = time.monotonic(), 0
        if self.used >= self.allowance:
            raise SalesforceError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self.used += 1

    def query(self, soql: str, version: str) -> dict[str, Any]:
        """Run a query and return its first page."""
        rows, total = self.records.query(parse(soql))
        return self._page(rows, total, version, "0")

    def query_more(self, cursor: str, version: str) -> dict[str, Any]:
        """Return the page a former answer's `nextRecordsUrl` points at."""
        name, _, start = cursor.rpartition("-")
        rows = self._cursors.get(name)
        if rows is None or not start.isdecimal():
            raise SalesforceError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(rows, len(rows), version, start, name)

    def _page(
        self, rows: list[dict[str, Any]], total: int, version: str, start: str, name: str | None = None
    ) -> dict[str, Any]:
        end = int(start) + _PAGE
        page: dict[str, Any] = {
            "totalSize": total,
            "done": end >= len(rows),
            "records": rows[int(start) : end],
        }
        if not page["done"]:
            if name is None:
                name = f"01g{time.monotonic_ns():x}"
                self._cursors[name] = rows
                while len(self._cursors) > _CURSORS_KEPT:
                    del self._cursors[next(iter(self._cursors))]
            page["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{end}"
        return page


def _problem(error: SalesforceError) -> Response:
    body = [{"message": error.message, "errorCode": error.code, "fields": error.fields}]
    return json_answer(body, error.status, {"x-sandbox-result": error.code})


def _not_found() -> SalesforceError:
    return SalesforceError("NOT_FOUND", "The requested resource does not exist", status=404)


@dataclass(frozen=True)
class _Request:
    """One authenticated call: what the path, query, headers and body say, and how long its effect hides."""

    path: Mapping[str, str]
    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    hidden_seconds: float

    @property
    def kind(self) -> ObjectType:
        kind = object_named(self.path["name"])
        if kind is None:
            raise _not_found()
        return kind

    @property
    def external_id(self) -> Field:
        field = self.kind.field(self.path["field"])
        if field is None or not field.external_id:
            raise SalesforceError(
                "NOT_FOUND",
                f"Provided external ID field does not exist or is not accessible: {self.path['field']}",
                status=404,
            )
        return field

    @property
    def json(self) -> dict[str, Any]:
        try:
            parsed = from_json(self.body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise SalesforceError("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
        return parsed

    @property
    def auto_assign(self) -> bool:
        return self.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE"

    @property
    def answers_upsert_with_body(self) -> bool:
        number = self.path["version"].removeprefix("v").partition(".")[0]
        return number.isdecimal() and int(number) >= _BODY_SINCE


def _query(org: Salesforce, call: _Request) -> Response:
    return json_answer(org.query(call.query.get("q", ""), call.path["version"]))


def _query_more(org: Salesforce, call: _Request) -> Response:
    return json_answer(org.query_more(call.path["cursor"], call.path["version"]))


def _limits(org: Salesforce, _call: _Request) -> Response:
    return json_answer({"DailyApiRequests": {"Max": org.allowance, "Remaining": org.allowance - org.used}})


def _create(org: Salesforce, call: _Request) -> Response:
    record = org.records.create(
        call.kind, call.json, auto_assign=call.auto_assign, hidden_seconds=call.hidden_seconds
    )
    return json_answer({"id": record.record_id, "success": True, "errors": []}, HTTPStatus.CREATED)


def _by_id(org: Salesforce, call: _Request) -> Response:
    record = org.records.get(call.kind, call.path["record_id"])
    if record is None:
        raise _not_found()
    if call.method == "GET":
        return json_answer(org.records.as_json(record))
    if call.method == "PATCH":
        org.records.update(record, call.json)
    else:
        org.records.delete(record)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _get_by_external_id(org: Salesforce, call: _Request) -> Response:
    found = org.records.matching(call.kind, call.external_id, call.path["value"])
    seen = [record for record in found if record.visible]
    if len(seen) > 1:
        raise SeveralMatchesError(seen)
    if not seen:
        raise _not_found()
    return json_answer(org.records.as_json(seen[0]))


def _upsert(org: Salesforce, call: _Request) -> Response:
    field, values = call.external_id, call.json
    if any(name.lower() == field.name.lower() for name in values):
        raise SalesforceError(
            "INVALID_FIELD",
            f"The {field.name} field should not be specified in the sobject data.",
            [field.name],
        )
    record, created = org.records.upsert(
        call.kind,
        field,
        call.path["value"],
        values,
        auto_assign=call.auto_assign,
        hidden_seconds=call.hidden_seconds,
    )
    if not created and not call.answers_upsert_with_body:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    answer = {"id": record.record_id, "success": True, "errors": [], "created": created}
    return json_answer(answer, HTTPStatus.CREATED if created else HTTPStatus.OK)


def _collection(org: Salesforce, call: _Request) -> Response:
    field, body = call.external_id, call.json
    rows = body.get("records")
    if not isinstance(rows, list):
        raise SalesforceError("JSON_PARSER_ERROR", "records: expected an array")
    if len(rows) > _MAX_COLLECTION:
        raise SalesforceError(
            "LIMIT_EXCEEDED",
            f"record limit reached. cannot submit more than {_MAX_COLLECTION} records in this call",
        )
    if body.get("allOrNone"):
        raise SalesforceError("NOT_SUPPORTED", "the sandbox answers Collections with allOrNone=false only")
    ids = Counter(str(row.get(field.name, "")).lower() for row in rows if isinstance(row, dict))
    repeated = {value for value, times in ids.items() if times > 1}
    return json_answer([_collection_result(org, call, row, repeated) for row in rows])


def _collection_result(
    org: Salesforce, call: _Request, row: object, repeated: Container[str]
) -> dict[str, Any]:
    """Upsert one row and say how it went, as its entry in the answer; a failure leaves other rows alone."""
    try:
        record, created = _upserted_row(org, call, row, repeated)
    except SalesforceError as error:
        fault = {"statusCode": error.code, "message": error.message, "fields": error.fields}
        return {"success": False, "errors": [fault]}
    except SeveralMatchesError:
        fault = {"statusCode": "DUPLICATE_EXTERNAL_ID", "message": "more than one record found", "fields": []}
        return {"success": False, "errors": [fault]}
    return {"id": record.record_id, "success": True, "errors": [], "created": created}


def _upserted_row(
    org: Salesforce, call: _Request, row: object, repeated: Container[str]
) -> tuple[Record, bool]:
    kind, field = call.kind, call.external_id
    if not isinstance(row, dict) or row.get("attributes", {}).get("type", "").lower() != kind.name.lower():
        raise SalesforceError("INVALID_TYPE", f"each record needs attributes.type = {kind.name}")
    values = dict(row)
    value = str(values.pop(field.name, None) or "")
    if not value:
        raise SalesforceError("MISSING_ARGUMENT", f"{field.name} not specified")
    if value.lower() in repeated:
        raise SalesforceError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [field.name])
    return org.records.upsert(
        kind, field, value, values, auto_assign=call.auto_assign, hidden_seconds=call.hidden_seconds
    )


def _describe_object(_org: Salesforce, call: _Request) -> Response:
    return json_answer(_described(call.kind))


def _described(kind: ObjectType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "keyPrefix": kind.prefix,
        "custom": kind.name.endswith("__c"),
        "createable": True,
        "fields": [
            {
                "name": field.name,
                "type": field.type,
                "length": field.length,
                "nillable": not field.required,
                "createable": field.writable,
                "updateable": field.writable,
                "externalId": field.external_id,
                "unique": field.unique,
                "custom": field.name.endswith("__c"),
                "restrictedPicklist": field.type == "picklist",
                "picklistValues": [{"value": value, "active": True} for value in field.values],
                "referenceTo": list(field.refers_to),
            }
            for field in kind.fields.values()
        ],
    }


_DATA = "/salesforce/services/data/{version}"
_ROUTES: tuple[tuple[str, str, str, Callable[[Salesforce, _Request], Response]], ...] = (
    ("GET", "/query", "query", _query),
    ("GET", "/query/", "query", _query),
    ("GET", "/query/{cursor}", "query", _query_more),
    ("GET", "/limits", "limits", _limits),
    ("GET", "/limits/", "limits", _limits),
    ("GET", "/sobjects/{name}/describe", "{name}.describe", _describe_object),
    ("PATCH", "/composite/sobjects/{name}/{field}", "{name}.collection", _collection),
    ("POST", "/sobjects/{name}", "{name}.create", _create),
    ("POST", "/sobjects/{name}/", "{name}.create", _create),
    ("GET", "/sobjects/{name}/{record_id}", "{name}.get", _by_id),
    ("PATCH", "/sobjects/{name}/{record_id}", "{name}.update", _by_id),
    ("DELETE", "/sobjects/{name}/{record_id}", "{name}.delete", _by_id),
    ("GET", "/sobjects/{name}/{field}/{value:path}", "{name}.get", _get_by_external_id),
    ("PATCH", "/sobjects/{name}/{field}/{value:path}", "{name}.upsert", _upsert),
)
"""Method, path below `/services/data/vNN.N`, name for faults and counts, and what does it."""


def routes(org: Salesforce, front: Front) -> list[BaseRoute]:
    """Serve `/salesforce/services/...`."""
    return [
        Route("/salesforce/services/oauth2/token", _token_endpoint(org, front), methods=["POST"]),
        *(
            Route(f"{_DATA}{path}", _endpoint(org, front, operation, perform), methods=[method])
            for method, path, operation, perform in _ROUTES
        ),
    ]


def _token_endpoint(org: Salesforce, front: Front) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return await front.serve(request, Double.SALESFORCE, "token", lambda _hidden: _token(org, form))

    return endpoint


def _token(org: Salesforce, form: Mapping[str, str]) -> Response:
    try:
        access_token = org.login.log_in(form)
    except LoginRefusedError as refusal:
        body = {"error": refusal.error, "error_description": refusal.description}
        return json_answer(body, HTTPStatus.BAD_REQUEST, {"x-sandbox-result": refusal.error})
    instance_url = f"{org.public_url}/salesforce"
    return json_answer(
        {
            "access_token": access_token,
            "scope": "api",
            "instance_url": instance_url,
            "id": f"{instance_url}/id/00D5g0000000001AAA/{org.records.user_id}",
            "token_type": "Bearer",
        }
    )


def _endpoint(
    org: Salesforce, front: Front, operation: str, perform: Callable[[Salesforce, _Request], Response]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        path = dict(request.path_params)
        if "value" in path:
            # The decoded path would take an encoded slash inside the value for a separator.
            path["value"] = unquote(request.scope["raw_path"].decode().rsplit("/", 1)[-1])

        def act(hidden_seconds: float) -> Response:
            call = _Request(path, request.method, request.query_params, request.headers, body, hidden_seconds)
            response = _answered(org, call, perform)
            response.headers["Sforce-Limit-Info"] = f"api-usage={org.used}/{org.allowance}"
            return response

        return await front.serve(request, Double.SALESFORCE, operation.format(**path), act)

    return endpoint


def _answered(
    org: Salesforce, call: _Request, perform: Callable[[Salesforce, _Request], Response]
) -> Response:
    try:
        org.admit(call.headers.get("authorization", ""))
        return perform(org, call)
    except SalesforceError as error:
        return _problem(error)
    except SeveralMatchesError as several:
        urls = [org.records.attributes(record)["url"] for record in several.records]
        return json_answer(urls, HTTPStatus.MULTIPLE_CHOICES, {"x-sandbox-result": "several_matches"})
