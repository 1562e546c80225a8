"""What a mail that came in is taken for, and what of it the person wrote."""

from datetime import UTC, datetime
from email.message import EmailMessage
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.inbound_mail import MailKind, read_mail
from services.ingest.mail_provider import MailFate

TO = "feedback+token@acme.example"
QUOTES = {
    "English": "On Mon, Nov 16, 2026 at 9:30 AM Acme <a@acme.example> wrote:\n> How likely are you\n> to",
    "German": "Am Mo., 16. Nov. 2026 um 09:30 Uhr schrieb Acme <a@acme.example>:\n> Wie wahrscheinlich",
    "Spanish": "El lun, 16 nov 2026 a las 9:30, Acme (<a@acme.example>) escribió:\n> ¿Qué tan probable",
    "Arabic": "في الاثنين، 16 نوفمبر 2026 في 9:30 ص كتب\nAcme <a@acme.example>:\n> x\n>\n> y",
    "Outlook": "From: Acme <feedback@acme.example>\nSent: Monday, November 16, 2026 9:30 AM\n"
    "To: Dana <dana@customer.example>\nSubject: One question\n\nHow likely are you",
}


def mail(text: str, html: str | None = None, **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "Dana <dana@customer.example>", TO, "<1@customer>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return bytes(message)


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_what_was_quoted_is_left_out(quote: str) -> None:
    read = read_mail(mail(f"The export fails — every Monday. مرحبا\n\n{quote}\n"))
    assert (read.kind, read.text) == (MailKind.REPLY, "The export fails — every Monday. مرحبا")
    assert TO in read.addressed


def test_a_mail_in_html_alone_is_read_without_its_quote() -> None:
    message = EmailMessage()
    message.set_content(
        "<html><head><style>p {}</style></head><body><p>The export <b>fails</b>.</p>"
        '<div class="gmail_quote">On Monday Acme wrote:<blockquote>How likely</blockquote></div>'
        "</body></html>",
        subtype="html",
    )
    assert read_mail(bytes(message)).text == "The export fails."


def test_text_is_taken_before_html() -> None:
    assert read_mail(mail("plain", "<p>html</p>")).text == "plain"


@pytest.mark.parametrize(
    "header",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; type=vacation"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
    ],
    ids=str,
)
def test_an_automatic_answer_is_no_reply(header: dict[str, str]) -> None:
    read = read_mail(mail("I am away until Monday.", **header))
    assert (read.kind, read.text) == (MailKind.AUTOMATIC, None)


def test_a_person_who_says_so_is_no_machine() -> None:
    assert read_mail(mail("Hello", Auto_Submitted="no")).kind is MailKind.REPLY


BOUNCE = dedent(
    """\
    From: Mail Delivery System <mailer-daemon@mx.example>
    To: feedback@acme.example
    Date: Mon, 16 Nov 2026 09:30:00 +0000
    Auto-Submitted: auto-replied
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status; boundary="b"

    --b
    Content-Type: text/plain

    It could not be delivered.
    --b
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.example

    Final-Recipient: rfc822; dana@customer.example
    Action: {action}
    Status: {status}

    --b
    Content-Type: {returned}

    Subject: One question
    List-Unsubscribe: <https://acme.example/s/token/unsubscribe>

    --b--
    """
)


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_a_bounce_names_the_address_and_the_mail(returned: str) -> None:
    read = read_mail(BOUNCE.format(action="failed", status="5.1.1", returned=returned).encode())
    (event,) = read.events
    assert (read.kind, event.fate, event.address) == (
        MailKind.BOUNCE,
        MailFate.BOUNCED,
        "dana@customer.example",
    )
    assert event.at == datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
    assert "<https://acme.example/s/token/unsubscribe>" in event.references


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("failed", "4.2.2")])
def test_what_is_tried_again_is_no_bounce(action: str, status: str) -> None:
    read = read_mail(BOUNCE.format(action=action, status=status, returned="message/rfc822").encode())
    assert (read.kind, read.events) == (MailKind.AUTOMATIC, ())


def test_an_abuse_report_is_a_complaint() -> None:
    raw = dedent(
        """\
        From: abuse@mailbox.example
        To: feedback@acme.example
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="b"

        --b
        Content-Type: text/plain

        This is an email abuse report.
        --b
        Content-Type: message/feedback-report

        Feedback-Type: abuse
        User-Agent: SomeGenerator/1.0
        Version: 1

        --b
        Content-Type: message/rfc822

        From: Acme <feedback@acme.example>
        To: Dana <dana@customer.example>
        Subject: One question

        How likely are you
        --b--
        """
    ).encode()
    read = read_mail(raw)
    assert read.kind is MailKind.COMPLAINT
    assert [(one.fate, one.address) for one in read.events] == [
        (MailFate.COMPLAINED, "dana@customer.example")
    ]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    read_mail(raw)


HEADERS = st.sampled_from(["To", "Date", "Content-Type", "Message-ID", "Auto-Submitted", "List-Unsubscribe"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(HEADERS, st.text(max_size=60)), st.binary(max_size=300))
def test_odd_headers_are_read(headers: dict[str, str], body: bytes) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    read_mail(head.encode(errors="replace") + b"\r\n" + body)
    report = b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n'
    read_mail(report + head.encode(errors="replace") + b"\r\n" + body + b"\r\n--b--")
