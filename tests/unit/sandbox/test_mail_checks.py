from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from sandbox.mail_checks import check_mail

GOOD = (
    b"From: Acme <feedback@acme.test>\r\n"
    b"To: greta@northwind.test\r\n"
    b"Subject: Thanks\r\n"
    b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <e1@acme.test>\r\n"
    b"List-Unsubscribe: <https://acme.test/u/1>, <mailto:u@acme.test>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"\r\n"
    b"Thank you.\r\n"
)


def problem(raw: bytes) -> str | None:
    return check_mail(raw, message_from_bytes(raw, EmailMessage, policy=policy.default))


def test_a_careful_mail_is_taken() -> None:
    assert problem(GOOD) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"Thank you.\r\n", b"Thank you.\n", "bare"),
        (b"Thank you.", b"Thank\ryou.", "bare"),
        (b"Thank you.", b"x" * 999, "998"),
        (b"Message-ID: <e1@acme.test>", b"Message-ID: e1", "Message-ID"),
        (b"Message-ID: <e1@acme.test>", b"X: y", "Message-ID"),
        (b"Sun, 22 Nov 2026 10:00:00 +0000", b"yesterday", "Date"),
        (b"Subject: Thanks", b"Subject: Thanks\r\nSubject: Again", "more than once"),
        (b"Acme <feedback@acme.test>", b"a@acme.test, b@acme.test", "one address"),
        (b"Acme <feedback@acme.test>", b"nobody", "one address"),
        (b"List-Unsubscribe=One-Click", b"yes", "One-Click"),
        (b"<https://acme.test/u/1>, ", b"", "https"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b"", "together"),
    ],
)
def test_a_careless_one_is_refused(old: bytes, new: bytes, said: str) -> None:
    assert old in GOOD
    found = problem(GOOD.replace(old, new))
    assert found is not None
    assert said in found
