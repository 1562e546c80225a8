"""Fetches answers to our mails from a mailbox over IMAP, for those whose mail provider cannot call."""

import imaplib
import ssl
from dataclasses import dataclass
from threading import Event
from typing import Any

import psycopg
import structlog

from runtime.tracing import new_traceparent
from services.ingest.reply_desk import ReplyDesk

EVERY_SECONDS = 30.0
TIMEOUT_SECONDS = 30.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Where the mails are. `encrypted` false only for a server on this machine."""

    host: str
    port: int
    username: str
    password: str
    folder: str
    encrypted: bool = True


class ImapPoller:
    """Reads what is unseen; a mail counts as seen once it is written here."""

    def __init__(self, mailbox: Mailbox, desk: ReplyDesk, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._mailbox = mailbox
        self._desk = desk
        self._every_seconds = every_seconds

    def run(self, stop: Event) -> None:
        """Works until `stop`; a mailbox, or a database, that does not answer is asked again."""
        while not stop.is_set():
            try:
                self.poll()
            except (imaplib.IMAP4.error, OSError, psycopg.OperationalError) as error:
                log.warning("mailbox not read", error=type(error).__name__)
            stop.wait(self._every_seconds)

    def poll(self) -> int:
        """Takes what is unseen now; how many mails."""
        client = self._connect()
        try:
            client.login(self._mailbox.username, self._mailbox.password)
            _checked(client.select(f'"{self._mailbox.folder}"'))
            found = _checked(client.uid("SEARCH", "UNSEEN"))
            uids: list[bytes] = (found[0] or b"").split()
            for uid in uids:
                fetched = _checked(client.uid("FETCH", uid.decode(), "(BODY.PEEK[])"))
                raw = next((one[1] for one in fetched if isinstance(one, tuple)), None)
                if raw is not None:
                    self._desk.take(raw, new_traceparent())
                _checked(client.uid("STORE", uid.decode(), "+FLAGS.SILENT", "(\\Seen)"))
            return len(uids)
        finally:
            client.logout()

    def _connect(self) -> imaplib.IMAP4:
        box = self._mailbox
        if not box.encrypted:
            return imaplib.IMAP4(box.host, box.port, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(box.host, box.port, ssl_context=context, timeout=TIMEOUT_SECONDS)


def _checked(answer: tuple[str, list[Any]]) -> list[Any]:
    status, content = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return content
