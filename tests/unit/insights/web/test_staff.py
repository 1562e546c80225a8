"""Who may see the pages."""

from datetime import UTC, datetime, timedelta

import pytest

from services.insights.web.staff import (
    LONGEST_SESSION,
    Role,
    Staff,
    email_of,
    from_session,
    role_of,
    to_session,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ANN = Staff("ann", "Ann", Role.AGENT, "ann@ours.test")


@pytest.mark.parametrize(
    ("told", "role"),
    [
        (["feedback-viewer", "feedback-agent"], Role.AGENT),
        ("openid feedback-admin", Role.ADMIN),
        (["admin", "feedback-", "feedback-owner", 7], None),
        ({"feedback-admin": True}, None),
        (None, None),
    ],
)
def test_the_highest_role_that_is_ours_counts(told: object, role: Role | None) -> None:
    assert role_of({"groups": told}, claim="groups", prefix="feedback-") is role


def test_a_session_ends_however_much_is_clicked() -> None:
    session = to_session(ANN, NOW)
    assert from_session(session, NOW + LONGEST_SESSION - timedelta(seconds=1)) == ANN
    assert from_session(session, NOW + LONGEST_SESSION) is None
    assert from_session({}, NOW) is None


def test_a_role_may_what_those_below_it_may() -> None:
    assert [ANN.may(role) for role in Role] == [True, True, False]


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "ann@ours.test"}, "ann@ours.test"),
        ({"email": "ann@ours.test", "email_verified": True}, "ann@ours.test"),
        ({"email": "ann@ours.test", "email_verified": False}, None),
        ({"email": ["ann@ours.test"]}, None),
        ({}, None),
    ],
)
def test_an_address_that_was_not_checked_is_nobodys(claims: dict[str, object], email: str | None) -> None:
    assert email_of(claims) == email
