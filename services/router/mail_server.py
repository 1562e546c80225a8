"""The mail server: hands mails over one after another on connections that are kept for a while."""

import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from functools import cached_property
from threading import Event

from runtime.deadline import remaining

MAILS_A_CONNECTION = 50
"""Many servers refuse more."""
KEPT_SECONDS = 20.0
"""Some servers close what is idle for longer; RFC 5321 (section 4.5.3.2.7) has them wait five minutes."""
_IMPLICIT_TLS_PORT = 465
_START_MAIL_INPUT = 354
_COMPLETED = 250
_WILL_FORWARD = 251


@dataclass(slots=True)
class _Connection:
    client: smtplib.SMTP
    mails: int = 0
    used_at: float = 0.0


class MailServer:
    """Used from several threads at once, each time within a deadline (`deadline.within`)."""

    def __init__(self, host: str, port: int, *, starttls: bool, login: tuple[str, str] | None) -> None:
        self._host = host
        self._port = port
        self._starttls = starttls and port != _IMPLICIT_TLS_PORT
        self._login = login
        self._idle: list[_Connection] = []

    def send(self, sender: str, to: str, message: bytes, handed_over: Event) -> None:
        """Hand one mail over; `handed_over` is set from the point on from which the server may have it.

        Raises smtplib.SMTPException, also when the connection is lost, and OSError.
        """
        connection = self._reused() or _Connection(self._connect())
        try:
            _transfer(connection.client, sender, to, message, handed_over)
        except smtplib.SMTPResponseException:
            self._keep(connection)  # an answer, after which the server expects the next mail
            raise
        except BaseException:
            connection.client.close()
            raise
        self._keep(connection)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().client.close()

    def _keep(self, connection: _Connection) -> None:
        connection.mails += 1
        connection.used_at = time.monotonic()
        self._idle.append(connection)

    def _reused(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            is_fresh = time.monotonic() - connection.used_at < KEPT_SECONDS
            if is_fresh and connection.mails < MAILS_A_CONNECTION and _answers(connection.client):
                return connection
            connection.client.close()
        return None

    def _connect(self) -> smtplib.SMTP:
        if self._port == _IMPLICIT_TLS_PORT:
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, self._own_name, timeout=remaining(), context=self._tls
            )
        else:
            client = smtplib.SMTP(self._host, self._port, self._own_name, timeout=remaining())
        try:
            if self._starttls:
                _limit(client).starttls(context=self._tls)
            _limit(client).ehlo_or_helo_if_needed()
            if self._login is not None:
                _limit(client).login(*self._login)
        except BaseException:
            client.close()
            raise
        return client

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    @cached_property
    def _own_name(self) -> str:
        return socket.getfqdn()


def _limit(client: smtplib.SMTP) -> smtplib.SMTP:
    """The client, whose next command gets what is left of the deadline."""
    if client.sock is not None:
        client.sock.settimeout(remaining())
    return client


def _answers(client: smtplib.SMTP) -> bool:
    try:
        return _limit(client).rset()[0] == _COMPLETED
    except OSError:
        return False


def _transfer(client: smtplib.SMTP, sender: str, to: str, message: bytes, handed_over: Event) -> None:
    """One mail, command by command: smtplib's own `sendmail` does not say from when the server has it."""
    code, reply = _limit(client).mail(sender)
    if code != _COMPLETED:
        raise smtplib.SMTPSenderRefused(code, reply, sender)
    code, reply = _limit(client).rcpt(to)
    if code not in {_COMPLETED, _WILL_FORWARD}:
        raise smtplib.SMTPResponseException(code, reply)
    code, reply = _limit(client).docmd("DATA")
    if code != _START_MAIL_INPUT:
        raise smtplib.SMTPDataError(code, reply)
    _limit(client)
    handed_over.set()
    client.send(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
    code, reply = client.getreply()
    if code != _COMPLETED:
        raise smtplib.SMTPDataError(code, reply)
