"""The SMTP catcher under the client that the product sends with."""

import smtplib
import time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

import httpx2
import pytest

from sandbox.client import Credentials, RunningSandbox


def mail(*, unsubscribe: bool = False) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Acme <feedback@acme.test>"
    message["To"] = "greta@northwind.test"
    message["Subject"] = "Wie war's, Größe 9?"
    message["Date"] = formatdate()
    message["Message-ID"] = "<e1@acme.test>"
    if unsubscribe:
        message["List-Unsubscribe"] = "<https://feedback.acme.test/u/1>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("Rate us: https://feedback.acme.test/s/tok?score=9")
    message.add_alternative('<p><a href="https://feedback.acme.test/s/tok">Rate us</a></p>', subtype="html")
    return message


def send(sandbox: RunningSandbox, message: EmailMessage | bytes, *, timeout_seconds: float = 5) -> None:
    raw = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=timeout_seconds) as client:
        client.sendmail("feedback@acme.test", ["greta@northwind.test"], raw)


def test_a_mail_is_kept_parsed(sandbox: RunningSandbox, world: httpx2.Client) -> None:
    send(sandbox, mail(unsubscribe=True))
    item = world.get("/received/mail", params={"to": "GRETA@northwind.test"}).json()["items"][0]
    assert item["subject"] == "Wie war's, Größe 9?"
    assert item["message_id"] == "<e1@acme.test>"
    assert item["links"] == ["https://feedback.acme.test/s/tok", "https://feedback.acme.test/s/tok?score=9"]
    send(sandbox, mail())
    assert world.get("/received/mail").json()["counts"] == {"mails": 2, "repeated_message_ids": 1}
    frame = world.get(f"/mail/{item['number']}")
    assert "sandbox" in frame.headers["content-security-policy"]
    assert "allow-scripts" not in frame.headers["content-security-policy"]


def spoiled(drop: str, *, also: tuple[str, str] | None = None) -> EmailMessage:
    message = mail(unsubscribe=True)
    del message[drop]
    if also is not None:
        message[also[0]] = also[1]
    return message


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (spoiled("Message-ID"), "Message-ID"),
        (spoiled("Date"), "Date"),
        (spoiled("From"), "From"),
        (spoiled("From", also=("From", "a@acme.test, b@acme.test")), "From"),
        (spoiled("List-Unsubscribe-Post"), "together"),
        (spoiled("List-Unsubscribe"), "together"),
        (
            b"From: a@acme.test\r\nFrom: b@acme.test\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            b"Message-ID: <a@b>\r\n\r\nx\r\n",
            "more than once",
        ),
    ],
)
def test_a_careless_mail_is_refused_after_the_data(
    sandbox: RunningSandbox, world: httpx2.Client, message: EmailMessage | bytes, said: str
) -> None:
    with pytest.raises(smtplib.SMTPDataError, match=said) as caught:
        send(sandbox, message)
    assert caught.value.smtp_code == 550
    assert world.get("/received/mail").json()["total"] == 0


@pytest.mark.parametrize(("kind", "code"), [("rate_limited", 450), ("server_error", 451)])
def test_ordered_refusals_take_nothing(
    sandbox: RunningSandbox, world: httpx2.Client, kind: str, code: int
) -> None:
    world.post("/faults", json={"double": "mail", "kind": kind, "count": 1}).raise_for_status()
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(sandbox, mail())
    assert caught.value.smtp_code == code
    assert world.get("/received").json()["mail"] == 0


def test_a_cut_after_the_data_leaves_the_mail(sandbox: RunningSandbox, world: httpx2.Client) -> None:
    world.post("/faults", json={"double": "mail", "kind": "drop_answer", "count": 1}).raise_for_status()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sandbox, mail())
    assert world.get("/received").json()["mail"] == 1


def test_a_mail_its_sender_gave_up_on_is_taken_all_the_same(
    sandbox: RunningSandbox, world: httpx2.Client
) -> None:
    world.post("/faults", json={"double": "mail", "kind": "late", "count": 1, "seconds": 1.5})
    with pytest.raises(smtplib.SMTPException):
        send(sandbox, mail(), timeout_seconds=0.5)
    assert world.get("/received").json()["mail"] == 0
    deadline = time.monotonic() + 10
    while world.get("/received").json()["mail"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_login_is_asked_for_where_one_is_set(tmp_path_factory: pytest.TempPathFactory) -> None:
    login = {"SMTP_USERNAME": "router", "SMTP_PASSWORD": "right"}
    log = tmp_path_factory.mktemp("login") / "sandbox.log"
    with RunningSandbox.start(Credentials.generate(), log=log, environment=login) as sandbox:

        def attempt(password: str) -> None:
            with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=5) as client:
                client.login("router", password)
                client.send_message(mail())

        with pytest.raises(smtplib.SMTPAuthenticationError):
            attempt("wrong")
        attempt("right")
        assert httpx2.get(f"{sandbox.url}/received").json()["mail"] == 1
