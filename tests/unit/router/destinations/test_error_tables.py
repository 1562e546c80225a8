"""What refusals mean: what one message is to blame for fails, what concerns all of them is retried."""

from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

import pytest
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
)
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from services.router.destination import Ambiguous, Failed, Result, Retry
from services.router.destinations import email
from services.router.salesforce import errors as salesforce_errors
from services.router.slack import errors as slack_errors


def slack_says(status: int, error: str, headers: dict[str, str] | None = None) -> SlackResponse:
    return SlackResponse(
        client=WebClient(),
        http_verb="POST",
        api_url="",
        req_args={},
        data={"ok": False, "error": error},
        headers=headers or {},
        status_code=status,
    )


@pytest.mark.parametrize(
    ("status", "error", "headers", "expected"),
    [
        (429, "ratelimited", {"retry-after": "30"}, Retry("http_429", 30)),
        (200, "ratelimited", {"Retry-After": "5"}, Retry("ratelimited", 5)),
        (200, "invalid_auth", {}, Retry("invalid_auth")),
        (200, "channel_not_found", {}, Failed("channel_not_found")),
        (200, "msg_blocks_too_long", {}, Failed("msg_blocks_too_long")),
        (200, "internal_error", {}, Ambiguous("internal_error")),
        (200, "something <new> about Mirela", {}, Retry("unknown_slack_error")),
        (500, "", {}, Ambiguous("http_500")),
        (502, "", {}, Ambiguous("http_502")),
        (503, "", {}, Retry("http_503")),
        (418, "", {}, Failed("http_418")),
    ],
)
def test_slack(status: int, error: str, headers: dict[str, str], expected: Result) -> None:
    assert slack_errors.verdict(slack_says(status, error, headers)) == expected


def salesforce_says(kind: type[SalesforceError], status: int, content: object) -> SalesforceError:
    return kind("https://org.test", status, "Case", content)  # type: ignore[arg-type]  # declared bytes, is JSON


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            salesforce_says(SalesforceMalformedRequest, 400, [{"errorCode": "UNABLE_TO_LOCK_ROW"}]),
            Retry("UNABLE_TO_LOCK_ROW"),
        ),
        (
            salesforce_says(SalesforceGeneralError, 403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]),
            Retry("REQUEST_LIMIT_EXCEEDED", 900),
        ),
        (
            salesforce_says(SalesforceMalformedRequest, 400, [{"errorCode": "DUPLICATES_DETECTED"}]),
            Failed("DUPLICATES_DETECTED"),
        ),
        (
            salesforce_says(
                SalesforceMalformedRequest, 400, [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}]
            ),
            Failed("FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        ),
        (salesforce_says(SalesforceMoreThanOneRecord, 300, ["/a", "/b"]), Failed("http_300")),
        (salesforce_says(SalesforceGeneralError, 500, "<html>oops</html>"), Ambiguous("http_500")),
        (salesforce_says(SalesforceGeneralError, 503, "<html>maintenance</html>"), Retry("http_503")),
        (SalesforceAuthenticationFailed("invalid_grant", "user hasn't approved"), Retry("invalid_grant")),
        (SalesforceAuthenticationFailed(500, "Mirela"), Retry("login_refused")),
    ],
)
def test_salesforce(error: SalesforceError, expected: Result) -> None:
    assert salesforce_errors.verdict(error) == expected


def disconnected_by(error: OSError) -> SMTPServerDisconnected:
    """What smtplib makes of an error of the socket."""
    try:
        try:
            raise error
        except OSError:
            raise SMTPServerDisconnected("gone")  # noqa: B904 - as smtplib does it
    except SMTPServerDisconnected as disconnected:
        return disconnected


@pytest.mark.parametrize(
    ("error", "handed_over", "expected"),
    [
        (SMTPDataError(451, b"later"), True, Retry("smtp_451")),
        (SMTPDataError(550, b"spam"), True, Failed("smtp_550")),
        (SMTPDataError(552, b"full"), True, Failed("smtp_552")),
        (SMTPAuthenticationError(535, b"wrong"), False, Retry("smtp_535")),
        (SMTPSenderRefused(550, b"not you", "a@b.test"), False, Retry("smtp_550")),
        (SMTPResponseException(550, b"unknown"), False, Failed("smtp_550")),
        (SMTPResponseException(450, b"grey"), False, Retry("smtp_450")),
        (SMTPServerDisconnected("gone"), False, Retry("connection_lost")),
        (SMTPServerDisconnected("gone"), True, Ambiguous("connection_lost_after_data")),
        (disconnected_by(TimeoutError()), False, Retry("timeout")),
        (disconnected_by(TimeoutError()), True, Ambiguous("timeout_after_data")),
        (TimeoutError(), True, Ambiguous("timeout_after_data")),
        (ConnectionRefusedError(), False, Retry("connection_lost")),
    ],
)
def test_mail(error: OSError, handed_over: bool, expected: Result) -> None:
    assert email.verdict(error, handed_over=handed_over) == expected
