"""What each call of the Salesforce double does, as in the REST API Developer Guide."""

from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json
from starlette.responses import Response

from sandbox.salesforce_checks import SalesforceError
from sandbox.salesforce_objects import Field, ObjectType, object_named
from sandbox.salesforce_org import MOST_ROWS, Salesforce
from sandbox.salesforce_records import Record, SeveralMatchesError
from sandbox.server import json_answer

Refuse = Callable[[str], str | None]

_BODY_SINCE = 46  # API version from which an updating upsert answers 200 with a body instead of 204
_MAX_COLLECTION = 200
_FEWEST_ROWS = 200  # of a page that the caller wants small


def _not_found() -> SalesforceError:
    return SalesforceError("NOT_FOUND", "The requested resource does not exist", status=404)


@dataclass(frozen=True)
class ApiCall:
    """One authenticated call: what the path, query, headers and body say, and how long its effect hides."""

    path: Mapping[str, str]
    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    hidden_seconds: float
    refuse: Refuse
    """The code to refuse one row of a collection with, by the operation's name; None lets it pass."""

    @property
    def kind(self) -> ObjectType:
        """The object the path names; raises SalesforceError."""
        kind = object_named(self.path["name"])
        if kind is None:
            raise _not_found()
        return kind

    @property
    def external_id(self) -> Field:
        """The External ID field the path names; raises SalesforceError."""
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
        """The body, which has to be a JSON object; raises SalesforceError."""
        try:
            parsed = from_json(self.body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise SalesforceError("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
        return parsed

    @property
    def auto_assign(self) -> bool:
        """Whether assignment rules run; they do unless the caller says no."""
        return self.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE"

    @property
    def page_rows(self) -> int:
        """Rows of a page: `Sforce-Query-Options: batchSize=…` within 200 to 2,000, else 2,000."""
        name, _, number = self.headers.get("sforce-query-options", "").partition("=")
        asked = int(number) if name == "batchSize" and number.isdecimal() else MOST_ROWS
        return min(max(asked, _FEWEST_ROWS), MOST_ROWS)

    @property
    def answers_upsert_with_body(self) -> bool:
        """Whether the API version asked for tells the id of an updated record."""
        number = self.path["version"].removeprefix("v").partition(".")[0]
        return number.isdecimal() and int(number) >= _BODY_SINCE


def _query(org: Salesforce, call: ApiCall) -> Response:
    return json_answer(org.query(call.query.get("q", ""), call.path["version"], call.page_rows))


def _query_all(org: Salesforce, call: ApiCall) -> Response:
    page = org.query(call.query.get("q", ""), call.path["version"], call.page_rows, with_deleted=True)
    return json_answer(page)


def _query_more(org: Salesforce, call: ApiCall) -> Response:
    return json_answer(org.query_more(call.path["cursor"], call.path["version"], call.page_rows))


def _limits(org: Salesforce, _call: ApiCall) -> Response:
    return json_answer({"DailyApiRequests": {"Max": org.allowance, "Remaining": org.allowance - org.used}})


def _create(org: Salesforce, call: ApiCall) -> Response:
    record = org.records.create(
        call.kind, call.json, auto_assign=call.auto_assign, hidden_seconds=call.hidden_seconds
    )
    return json_answer({"id": record.record_id, "success": True, "errors": []}, HTTPStatus.CREATED)


def _by_id(org: Salesforce, call: ApiCall) -> Response:
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


def _get_by_external_id(org: Salesforce, call: ApiCall) -> Response:
    found = org.records.matching(call.kind, call.external_id, call.path["value"])
    seen = [record for record in found if record.visible]
    if len(seen) > 1:
        raise SeveralMatchesError(seen)
    if not seen:
        raise _not_found()
    return json_answer(org.records.as_json(seen[0]))


def _upsert(org: Salesforce, call: ApiCall) -> Response:
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


def _collection(org: Salesforce, call: ApiCall) -> Response:
    field, rows = call.external_id, _rows(call)
    ids = Counter(str(row.get(field.name, "")).lower() for row in rows if isinstance(row, dict))
    repeated = {value for value, times in ids.items() if times > 1}
    return json_answer([_row_result(partial(_upserted_row, org, call, row, repeated)) for row in rows])


def _collection_update(org: Salesforce, call: ApiCall) -> Response:
    return json_answer([_row_result(partial(_updated_row, org, call, row)) for row in _rows(call)])


def _rows(call: ApiCall) -> list[Any]:
    body = call.json
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
    return rows


def _row_result(write: Callable[[], tuple[Record, bool | None]]) -> dict[str, Any]:
    """Write one row and say how it went, as its entry in the answer; a failure leaves other rows alone."""
    try:
        record, created = write()
    except SalesforceError as error:
        fault = {"statusCode": error.code, "message": error.message, "fields": error.fields}
        return {"success": False, "errors": [fault]}
    except SeveralMatchesError:
        fault = {"statusCode": "DUPLICATE_EXTERNAL_ID", "message": "more than one record found", "fields": []}
        return {"success": False, "errors": [fault]}
    answer = {"id": record.record_id, "success": True, "errors": []}
    return answer if created is None else answer | {"created": created}


def _updated_row(org: Salesforce, call: ApiCall, row: object) -> tuple[Record, None]:
    if not isinstance(row, dict):
        raise SalesforceError("INVALID_TYPE", "each record needs attributes.type")
    kind = object_named(str(row.get("attributes", {}).get("type", "")))
    if kind is None:
        raise SalesforceError("INVALID_TYPE", "each record needs attributes.type")
    _refuse_row(call, kind)
    values = dict(row)
    record_id = str(values.pop("id", None) or values.pop("Id", None) or "")
    record = org.records.get(kind, record_id) if record_id else None
    if record is None:
        raise SalesforceError("ENTITY_IS_DELETED", "entity is deleted")
    org.records.update(record, values)
    return record, None


def _refuse_row(call: ApiCall, kind: ObjectType) -> None:
    if code := call.refuse(f"{kind.name}.row"):
        raise SalesforceError(code, "the sandbox was told to refuse this row")


def _upserted_row(
    org: Salesforce, call: ApiCall, row: object, repeated: Container[str]
) -> tuple[Record, bool]:
    kind, field = call.kind, call.external_id
    if not isinstance(row, dict) or row.get("attributes", {}).get("type", "").lower() != kind.name.lower():
        raise SalesforceError("INVALID_TYPE", f"each record needs attributes.type = {kind.name}")
    _refuse_row(call, kind)
    values = dict(row)
    value = str(values.pop(field.name, None) or "")
    if not value:
        raise SalesforceError("MISSING_ARGUMENT", f"{field.name} not specified")
    if value.lower() in repeated:
        raise SalesforceError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [field.name])
    return org.records.upsert(
        kind, field, value, values, auto_assign=call.auto_assign, hidden_seconds=call.hidden_seconds
    )


def _describe_object(_org: Salesforce, call: ApiCall) -> Response:
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


OPERATIONS: tuple[tuple[str, str, str, Callable[[Salesforce, ApiCall], Response]], ...] = (
    ("GET", "/query", "query", _query),
    ("GET", "/query/", "query", _query),
    ("GET", "/queryAll", "query_all", _query_all),
    ("GET", "/queryAll/", "query_all", _query_all),
    ("GET", "/query/{cursor}", "query_more", _query_more),
    ("GET", "/limits", "limits", _limits),
    ("GET", "/limits/", "limits", _limits),
    ("GET", "/sobjects/{name}/describe", "{name}.describe", _describe_object),
    ("PATCH", "/composite/sobjects/{name}/{field}", "{name}.collection", _collection),
    ("PATCH", "/composite/sobjects", "collection", _collection_update),
    ("POST", "/sobjects/{name}", "{name}.create", _create),
    ("POST", "/sobjects/{name}/", "{name}.create", _create),
    ("GET", "/sobjects/{name}/{record_id}", "{name}.get", _by_id),
    ("PATCH", "/sobjects/{name}/{record_id}", "{name}.update", _by_id),
    ("DELETE", "/sobjects/{name}/{record_id}", "{name}.delete", _by_id),
    ("GET", "/sobjects/{name}/{field}/{value:path}", "{name}.get", _get_by_external_id),
    ("PATCH", "/sobjects/{name}/{field}/{value:path}", "{name}.upsert", _upsert),
)
"""Method, path below `/services/data/vNN.N`, name for faults and counts, and what does it."""
