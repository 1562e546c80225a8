"""What a refusal of Slack, or its silence, means for a delivery."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from slack_sdk.web import SlackResponse

from services.router.destination import Ambiguous, Failed, Result, Retry

ERRORS: Mapping[str, type[Retry | Failed | Ambiguous]] = {
    "ratelimited": Retry,
    "rate_limited": Retry,
    "message_limit_exceeded": Retry,
    "service_unavailable": Retry,
    "team_added_to_org": Retry,
    "org_login_required": Retry,
    "request_timeout": Retry,
    # The whole workspace refuses us until somebody puts the token right: no single message is to blame.
    "not_authed": Retry,
    "invalid_auth": Retry,
    "account_inactive": Retry,
    "token_expired": Retry,
    "token_revoked": Retry,
    "missing_scope": Retry,
    "no_permission": Retry,
    "ekm_access_denied": Retry,
    "access_denied": Retry,
    # Slack may have posted before it noticed the error.
    "fatal_error": Ambiguous,
    "internal_error": Ambiguous,
    "channel_not_found": Failed,
    "not_in_channel": Failed,
    "is_archived": Failed,
    "restricted_action": Failed,
    "restricted_action_read_only_channel": Failed,
    "restricted_action_thread_only_channel": Failed,
    "posting_to_general_channel_denied": Failed,
    "invalid_arguments": Failed,
    "invalid_blocks": Failed,
    "invalid_blocks_format": Failed,
    "invalid_metadata_format": Failed,
    "metadata_too_large": Failed,
    "msg_too_long": Failed,
    "msg_blocks_too_long": Failed,
    "no_text": Failed,
    "message_not_found": Failed,
    "cant_update_message": Failed,
    "cant_delete_message": Failed,
    "edit_window_closed": Failed,
}
"""What an `error` of Slack's API means; any other: Retry. Source: docs.slack.dev, errors of each method."""

HTTP_STATUSES: Mapping[int, type[Retry | Failed | Ambiguous]] = {
    HTTPStatus.TOO_MANY_REQUESTS: Retry,
    HTTPStatus.INTERNAL_SERVER_ERROR: Ambiguous,
    HTTPStatus.BAD_GATEWAY: Ambiguous,
    HTTPStatus.SERVICE_UNAVAILABLE: Retry,
    HTTPStatus.GATEWAY_TIMEOUT: Ambiguous,
}
"""What an HTTP status other than 200 means, whatever its body says; any other from 500: Ambiguous."""


def code_of(response: SlackResponse) -> str:
    """Slack's own `error`."""
    data: Any = response.data
    return str(data.get("error", "unknown")) if isinstance(data, dict) else "unknown"


def cause_of(response: SlackResponse) -> str:
    """A short class of error, from the tables or the status: nothing that Slack made up."""
    code = code_of(response)
    if response.status_code != HTTPStatus.OK:
        return f"http_{response.status_code}"
    return code if code in ERRORS else "unknown_slack_error"


def retry_after(response: SlackResponse) -> float | None:
    """Seconds to wait, where Slack says so."""
    value = {name.lower(): value for name, value in response.headers.items()}.get("retry-after")
    return float(value) if value is not None and value.isdecimal() else None


def verdict(response: SlackResponse) -> Result:
    """What an answer other than "ok" means for the effect."""
    status, cause = response.status_code, cause_of(response)
    if status == HTTPStatus.OK:
        meaning = ERRORS.get(code_of(response), Retry)
    else:
        meaning = HTTP_STATUSES.get(
            status, Ambiguous if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Failed
        )
    return Retry(cause, retry_after(response)) if meaning is Retry else meaning(cause)
