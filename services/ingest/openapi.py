"""What the OpenAPI document says about the routes: FastAPI does not read these bodies itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from runtime.problems import MEDIA_TYPE
from services.ingest.examples import examples
from services.ingest.inputs import (
    AccountInput,
    IdentifiedAccountInput,
    IdentifiedProfileInput,
    LifecycleEventInput,
    ProfileInput,
    ResponseInput,
)
from services.ingest.items import MAX_ITEMS

_INPUTS: tuple[type[BaseModel], ...] = (
    ResponseInput,
    LifecycleEventInput,
    ProfileInput,
    IdentifiedProfileInput,
    AccountInput,
    IdentifiedAccountInput,
)
_REF = "#/components/schemas/{model}"
_ERRORS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["field", "expected"],
        "properties": {
            "field": {"type": "string", "description": "RFC 6901 pointer; empty for the whole body."},
            "expected": {"type": "string", "description": "What was expected there."},
        },
    },
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": _ERRORS_SCHEMA,
    },
}
_IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 256},
    "description": "Stands in for `source_id` where the body has none.",
}
_REFUSALS = {
    400: "The body is not JSON.",
    401: "The API key is missing, unknown, expired or revoked.",
    403: "The API key is known, but may not send this.",
    413: "The body is too large.",
    422: "The body is JSON, but not what was expected; `errors` names each field.",
    429: "The API key has sent too many records; again after `Retry-After` seconds.",
    503: "Not confirmed in time. Send the same request again after `Retry-After` seconds.",
}


def described(summary: str, model: type[BaseModel], *, status: int, answer: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a FastAPI route that takes `model` as its body and answers like `answer`."""
    extra = _asks({"$ref": _REF.format(model=model.__name__)}, examples()[model.__name__])
    refusals = _REFUSALS
    if "source_id" in model.model_fields:
        extra["parameters"] = [_IDEMPOTENCY_KEY]
    else:
        refusals = refusals | {404: "The path does not end in an id, or in one with a line break."}
    return _described(summary, extra, refusals, status=status, answers=_schema_of(answer), example=answer)


def described_batch(
    summary: str, model: type[BaseModel], *, status: int = 202, item: dict[str, Any]
) -> dict[str, Any]:
    """Arguments of a FastAPI route that takes a list of `model`; what is accepted is answered like `item`."""
    asks = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_ITEMS,
        "items": {"$ref": _REF.format(model=model.__name__)},
    }
    result = _schema_of({"status": status, **item, "errors": []})
    result["required"] = ["status"]
    return _described(
        summary,
        _asks(asks, [examples()[model.__name__]]),
        _REFUSALS | {408: "The body came too slowly."},
        status=207,
        answers={
            "type": "object",
            "required": ["accepted", "refused", "results"],
            "properties": {
                "accepted": {"type": "integer"},
                "refused": {"type": "integer"},
                "results": {"type": "array", "description": "In the order of the items.", "items": result},
            },
        },
        example={"accepted": 1, "refused": 0, "results": [{"status": status, **item}]},
    )


def _asks(schema: dict[str, Any], example: object) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"security": [{"apiKey": []}], "requestBody": {"required": True, "content": content}}


def _described(
    summary: str,
    extra: dict[str, Any],
    refusals: Mapping[int, str],
    *,
    status: int,
    answers: dict[str, Any],
    example: object,
) -> dict[str, Any]:
    responses = _refused(refusals)
    responses[status] = _confirmed(answers, example)
    return {"summary": summary, "status_code": status, "responses": responses, "openapi_extra": extra}


def described_webhook() -> dict[str, Any]:
    """Arguments of the FastAPI route that takes survey tools' webhooks."""
    source = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]{0,63}$"}
    return _described_call(
        "Take a survey tool's webhook",
        "The body is the tool's own. A repeated call is the same call.",
        answer={"received": "7e6d5c4b-3a29-5187-8675-64534231201f"},
        parameters=[{"name": "source", "in": "path", "required": True, "schema": source}],
    )


def described_mail_events(providers: Sequence[str]) -> dict[str, Any]:
    """Arguments of the FastAPI route that takes mail providers' events."""
    provider = {"type": "string", "enum": list(providers)} if providers else {"type": "string"}
    return _described_call(
        "Take what a mail provider says became of mails",
        "Bounces, complaints and unsubscriptions end surveys to the address.",
        answer={"events": 1},
        parameters=[{"name": "provider", "in": "path", "required": True, "schema": provider}],
    )


def described_inbound_mail() -> dict[str, Any]:
    """Arguments of the FastAPI route that takes answers to our mails."""
    return _described_call(
        "Take an answer to one of our mails",
        "Raw MIME, or a form or JSON of Mailgun, SendGrid or Postmark that holds it.",
        answer={"kind": "reply"},
        media_types=("message/rfc822", "multipart/form-data", "application/json"),
    )


def _described_call(
    summary: str,
    description: str,
    *,
    answer: dict[str, Any],
    parameters: Sequence[dict[str, Any]] = (),
    media_types: Sequence[str] = ("application/json",),
) -> dict[str, Any]:
    refusals = {
        401: "No secret proves the call.",
        404: "Nobody of this name may call.",
        413: "The body is too large.",
        422: "The body cannot be read.",
        503: "Not confirmed in time, or the secret is missing here. Repeat the same call.",
    }
    token = {"type": "string", "description": "The secret itself, where the caller signs nothing."}
    extra = {
        "parameters": [*parameters, {"name": "token", "in": "query", "required": False, "schema": token}],
        "requestBody": {"required": True, "content": {media_type: {} for media_type in media_types}},
    }
    return {
        "summary": summary,
        "description": description,
        "responses": {**_refused(refusals), 200: _confirmed(_schema_of(answer), answer)},
        "openapi_extra": extra,
    }


def complete(app: FastAPI) -> None:
    """Adds the bodies' schemas and the API key to the app's OpenAPI document."""
    document = app.openapi()
    _, definitions = models_json_schema([(model, "validation") for model in _INPUTS], ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(definitions["$defs"], Problem=_PROBLEM_SCHEMA)
    components["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer"}}


def _refused(refusals: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": _REF.format(model="Problem")}
    return {
        code: {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
        for code, text in refusals.items()
    }


def _confirmed(schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {
        "description": "Confirmed by all replicas of the event log.",
        "content": {"application/json": {"example": example, "schema": schema}},
    }


def _schema_of(answer: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[type, dict[str, Any]] = {
        str: {"type": "string"},
        int: {"type": "integer"},
        list: _ERRORS_SCHEMA,
    }
    return {
        "type": "object",
        "required": list(answer),
        "properties": {name: kinds[type(value)] for name, value in answer.items()},
    }
