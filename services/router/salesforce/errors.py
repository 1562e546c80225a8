"""What a refusal of Salesforce, or its silence, means for a delivery."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError

from runtime.salesforce import TooManyCallsError, code_of, pause_of
from services.router.destination import Ambiguous, Failed, Result, Retry
from services.router.lost_call import lost

ERRORS: Mapping[str, type[Retry | Failed | Ambiguous]] = {
    "REQUEST_LIMIT_EXCEEDED": Retry,
    "UNABLE_TO_LOCK_ROW": Retry,
    "DUPLICATE_VALUE": Retry,
    "INVALID_SESSION_ID": Retry,
    "SERVER_UNAVAILABLE": Retry,
    "API_DISABLED_FOR_ORG": Retry,
    "API_CURRENTLY_DISABLED": Retry,
    "INACTIVE_OWNER_OR_USER": Retry,
    "QUERY_TIMEOUT": Retry,
    "ENTITY_IS_LOCKED": Retry,
    "UNKNOWN_EXCEPTION": Ambiguous,
}
"""What an `errorCode` means; any other of a 4xx: Failed, as are duplicate and validation rules.

Source: REST API Developer Guide, "Status Codes and Error Responses".
"""

HTTP_STATUSES: Mapping[int, type[Retry | Failed | Ambiguous]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: Retry,
}
"""What a status means whose body holds no known code; any other 5xx: Ambiguous, anything else: Failed."""


def verdict(error: SalesforceError | TooManyCallsError | OSError) -> Result:
    """What a refusal, or no answer, means for the effect."""
    if isinstance(error, TooManyCallsError):
        return Retry("http_429", error.retry_after_seconds)
    if isinstance(error, OSError):
        return lost(error)
    code = code_of(error)
    if isinstance(error, SalesforceAuthenticationFailed):
        return Retry(code)
    server = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _result(code, HTTP_STATUSES.get(error.status, Ambiguous if server else Failed))


def row_verdict(row: Mapping[str, Any]) -> Result | None:
    """What one row of a Collections answer means for its effect; None: it was written."""
    if row.get("success"):
        return None
    match row.get("errors"):
        case [{"statusCode": str(code)}, *_] if code.replace("_", "").isalnum():
            return _result(code, Failed)
        case _:
            return Ambiguous("row_without_a_reason")


def _result(code: str, otherwise: type[Retry | Failed | Ambiguous]) -> Result:
    meaning = ERRORS.get(code, otherwise)
    return Retry(code, pause_of(code)) if meaning is Retry else meaning(code)
