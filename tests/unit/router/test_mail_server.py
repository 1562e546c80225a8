"""Connections to a mail server, of which a real one counts the sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from smtplib import SMTPDataError, SMTPResponseException
from threading import Event

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from runtime.deadline import within
from sandbox.processes import free_port
from services.router.mail_server import MAILS_A_CONNECTION, MailServer

MAIL = b"Subject: thanks\r\n\r\nThank you.\r\n.Dots stay.\r\n"


class Handler:
    """Takes every mail, except for those to nobody."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.taken: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's hook
        if not any(session is known for known in self.sessions):
            self.sessions.append(session)
        self.taken.append(envelope.original_content or b"")
        return "554 5.7.1 no" if b"spam" in self.taken[-1] else "250 2.0.0 OK"


@pytest.fixture
def handler() -> Handler:
    return Handler()


@contextmanager
def listening(handler: Handler, port: int) -> Iterator[None]:
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(port: int) -> Iterator[MailServer]:
    server = MailServer("127.0.0.1", port, starttls=False, login=None)
    yield server
    server.close()


def send(server: MailServer, to: str = "ann@customer.test", mail: bytes = MAIL) -> bool:
    """Whether the server may have the mail."""
    handed_over = Event()
    try:
        within(10, lambda: server.send("we@acme.test", to, mail, handed_over))
    except SMTPResponseException:
        if to.startswith("nobody@"):
            assert not handed_over.is_set()
        raise
    return handed_over.is_set()


def test_mails_share_a_connection(server: MailServer, handler: Handler, port: int) -> None:
    with listening(handler, port):
        assert all(send(server) for _ in range(3))

    assert handler.taken == [MAIL] * 3
    assert len(handler.sessions) == 1


def test_a_refused_mail_leaves_the_connection_fit_for_the_next(
    server: MailServer, handler: Handler, port: int
) -> None:
    with listening(handler, port):
        send(server)
        with pytest.raises(SMTPResponseException):
            send(server, "nobody@customer.test")
        with pytest.raises(SMTPDataError):
            send(server, mail=b"Subject: spam\r\n\r\n")
        send(server)

    assert len(handler.taken) == 3
    assert len(handler.sessions) == 1


def test_a_connection_that_the_server_closed_costs_no_mail(
    server: MailServer, handler: Handler, port: int
) -> None:
    for _ in range(2):
        with listening(handler, port):
            assert send(server)

    assert len(handler.taken) == 2


def test_a_connection_carries_so_many_mails(server: MailServer, handler: Handler, port: int) -> None:
    with listening(handler, port):
        for _ in range(MAILS_A_CONNECTION + 1):
            send(server)

    assert len(handler.sessions) == 2
