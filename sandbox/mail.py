"""The SMTP catcher: takes mail like a strict server, keeps it parsed, sends nothing on."""

import asyncio
import hmac
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import cached_property
from html.parser import HTMLParser
from itertools import count
from re import findall
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.calls import CallLog
from sandbox.faults import Double, FaultBoard, FaultRequest, Kind
from sandbox.mail_checks import check_mail

_MAX_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Mail:
    """One mail as it was taken; read when somebody looks at it."""

    number: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Names and values, in order."""
        return tuple((name, str(value)) for name, value in self._message.items())

    @cached_property
    def text(self) -> str:
        """The plain text; empty where there is none."""
        return self._body("plain")

    @cached_property
    def html(self) -> str:
        """The HTML; empty where there is none."""
        return self._body("html")

    @cached_property
    def _message(self) -> EmailMessage:
        return message_from_bytes(self.raw, EmailMessage, policy=policy.default)

    def _body(self, subtype: Literal["plain", "html"]) -> str:
        part = self._message.get_body((subtype,))
        return str(part.get_content()) if part is not None else ""

    def header(self, name: str) -> str:
        """Return the first header of this name, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def links(self) -> tuple[str, ...]:
        """Every http(s) address a reader could open, each once, in order."""
        finder = _Links()
        finder.feed(self.html)
        found = [*finder.found, *findall(r"https?://[^\s<>\"')\]]+", self.text)]
        return tuple(dict.fromkeys(link for link in found if link.startswith(("http://", "https://"))))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


class Mailbox:
    """The latest mails, oldest first, and how often each Message-ID came."""

    def __init__(self, keep: int) -> None:
        self.mails: deque[Mail] = deque(maxlen=keep)
        self.message_ids: Counter[str] = Counter()
        self.taken = 0
        self._numbers = count(1)

    def add(self, envelope: Envelope, raw: bytes, message_id: str) -> None:
        """Keep one accepted message."""
        self.taken += 1
        self.message_ids[message_id] += 1
        self.mails.append(
            Mail(
                number=next(self._numbers),
                received_at=datetime.now(UTC),
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                raw=raw,
            )
        )

    def find(self, number: int) -> Mail | None:
        """Find a kept mail by its number."""
        return next((mail for mail in reversed(self.mails) if mail.number == number), None)

    def clear(self) -> None:
        """Forget all mails."""
        self.mails.clear()
        self.message_ids.clear()
        self.taken = 0


class Catcher:
    """Handles the end of each message for aiosmtpd: faults first, then the checks, then keeping it."""

    def __init__(
        self, mailbox: Mailbox, faults: FaultBoard, calls: CallLog, *, username: str, password: str
    ) -> None:
        self._mailbox = mailbox
        self._faults = faults
        self._calls = calls
        self._username = username
        self._password = password
        self._late: set[asyncio.Task[str]] = set()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Accept connections on `host:port` in the running loop."""
        return await asyncio.get_running_loop().create_server(
            lambda: SMTP(
                self,
                data_size_limit=_MAX_BYTES,
                enable_SMTPUTF8=True,
                hostname="sandbox",
                auth_required=bool(self._username),
                auth_require_tls=False,
                authenticator=self._authenticate,
            ),
            host,
            port,
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: object
    ) -> AuthResult:
        del server, session, envelope, mechanism  # aiosmtpd passes them by position
        right = (
            isinstance(auth_data, LoginPassword)
            and hmac.compare_digest(auth_data.login, self._username.encode())
            and hmac.compare_digest(auth_data.password, self._password.encode())
        )
        return AuthResult(success=right, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's hook
        """Answer one message with an SMTP reply line."""
        started = time.monotonic()
        fault = self._faults.draw(Double.MAIL, "message")
        result = "cut"
        try:
            reply = self._take(envelope) if fault is None else await self._struck(server, envelope, fault)
            result = "ok" if reply.startswith("250") else reply
        finally:  # also when the client gives up and the handler is cancelled
            self._calls.add(
                Double.MAIL,
                "message",
                result,
                seconds=time.monotonic() - started,
                fault=None if fault is None else fault.kind,
            )
        return reply

    def _take(self, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        message = BytesHeaderParser(EmailMessage, policy=policy.default).parsebytes(raw)
        problem = check_mail(raw, message)
        if problem is not None:
            return f"550 5.6.0 {problem}"
        self._mailbox.add(envelope, raw, str(message["Message-ID"]).strip())
        return f"250 2.0.0 OK: kept as {self._mailbox.taken}"

    async def _struck(self, server: SMTP, envelope: Envelope, fault: FaultRequest) -> str:
        match fault.kind:
            case Kind.RATE_LIMITED:
                return "450 4.7.1 too many messages, try again later"
            case Kind.REFUSED:
                return f"550 5.7.1 {fault.code}"
            case Kind.SERVER_ERROR:
                return "451 4.3.0 local error in processing"
            case Kind.HANG:
                await asyncio.sleep(fault.seconds)
            case Kind.DROP_ANSWER:
                self._take(envelope)
            case Kind.LATE:
                # A client that gives up cancels this handler; what it sent is taken all the same.
                late = asyncio.create_task(self._take_late(envelope, fault.seconds))
                self._late.add(late)
                late.add_done_callback(self._late.discard)
                return await asyncio.shield(late)
        if server.transport is not None:
            server.transport.abort()  # type: ignore[attr-defined]  # a TCP transport; uvloop's derives from no ABC
        return "421 4.3.2 connection cut"

    async def _take_late(self, envelope: Envelope, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return self._take(envelope)
