"""The API's refusals: what was wrong, where, and what was expected. None repeats what was sent."""

from collections.abc import Collection
from http import HTTPStatus

from fastapi import HTTPException
from pydantic import BaseModel, ValidationError

from runtime.problems import FieldProblem, Problem
from services.ingest.api_keys import Scope
from services.ingest.faults import details, faults, is_not_json

RETRY_AFTER_SECONDS = 5


def unknown_key() -> HTTPException:
    """401, with the header that HTTP asks for."""
    return HTTPException(
        HTTPStatus.UNAUTHORIZED,
        "The API key is missing, unknown, expired or revoked. Send the header `Authorization: Bearer fr_…`"
        " with a key of this deployment; `feedback keys create` makes one.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def not_allowed(scope: Scope, held: Collection[Scope]) -> Problem:
    """403: the key is known, and made for something else."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        f"This API key may send {', '.join(sorted(held)) or 'nothing'}, not {scope}."
        f" `feedback keys create --scope {scope}` makes one that may.",
    )


def too_many(records_per_second: int, retry_after_seconds: int) -> Problem:
    """429."""
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"This API key may send {records_per_second:,} records a second here. Nothing was stored.",
        retry_after_seconds=retry_after_seconds,
    )


def too_large(limit_bytes: int) -> Problem:
    """413."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is too large. Nothing was stored.",
        errors=[FieldProblem("", f"at most {limit_bytes:,} bytes")],
    )


def incomplete() -> Problem:
    """400: the caller left in the middle of the body."""
    return Problem(HTTPStatus.BAD_REQUEST, "The connection ended before the body did. Nothing was stored.")


def too_slow(seconds: float) -> Problem:
    """408."""
    return Problem(
        HTTPStatus.REQUEST_TIMEOUT,
        f"The body did not come within {seconds:.0f} seconds. Nothing was stored; send fewer records.",
    )


def invalid(error: ValidationError, model: type[BaseModel]) -> Problem:
    """400 for what is not JSON, 422 for JSON that is not what was expected."""
    if is_not_json(error):
        status, detail = HTTPStatus.BAD_REQUEST, "The body is not JSON. Nothing was stored."
    else:
        status, detail = HTTPStatus.UNPROCESSABLE_ENTITY, "The body is not as expected. Nothing was stored."
    return Problem(status, detail, errors=faults(details(error), model))


def no_source_id() -> Problem:
    """422: a repeated call could not be told from a second record."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Without an id a repeated call could not be told from a second record. Nothing was stored.",
        errors=[
            FieldProblem("/source_id", "your own id of this record, here or in the header Idempotency-Key")
        ],
    )


def erased() -> Problem:
    """422: what this says of a person was known before they asked to be forgotten."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This person has asked to be forgotten. Nothing was stored.",
        errors=[FieldProblem("", "somebody who has not asked to be forgotten, or what happened after it")],
    )


def bad_idempotency_key(longest: int) -> Problem:
    """422."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"The header Idempotency-Key should have 1 to {longest} characters. Nothing was stored.",
    )


def bad_path_id(longest: int) -> Problem:
    """422."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"The path should end in your own id of 1 to {longest} characters, percent-encoded where needed."
        " Nothing was stored.",
    )


def unknown_source() -> Problem:
    """404."""
    return Problem(
        HTTPStatus.NOT_FOUND, "No source of this name. The address ends in a name that sources.yaml gives."
    )


def source_without_secret() -> Problem:
    """503: worth trying again once the secret is there."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "This source's secret is missing here: without it nobody can tell whose calls these are.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def unproved_webhook() -> Problem:
    """401."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "The call is not signed with this source's secret, was changed on its way, or is too old. Nothing was"
        " stored.",
    )


def unreadable(expected: str) -> Problem:
    """422: `expected` says what was, and quotes nothing."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The body is not as expected. Nothing was stored.",
        errors=[FieldProblem("", expected)],
    )


def not_taken() -> Problem:
    """503: worth trying again with the same ids."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Not confirmed in time. Send it again with the same id: what did arrive is not counted twice.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
