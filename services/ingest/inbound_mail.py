"""What a mail that came in is: a person's reply, an automatic one, a bounce, a complaint. Pure.

Automatic: RFC 3834. Bounces: RFC 3464 (delivery status notifications); complaints: RFC 5965 (abuse reports).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.utils import parsedate_to_datetime
from enum import StrEnum
from html.parser import HTMLParser
from typing import TYPE_CHECKING, TypeAlias

from mailparser_reply import EmailReplyParser

from services.ingest.lenient import address, comment
from services.ingest.mail_provider import MailEvent, MailFate

if TYPE_CHECKING:
    from email.message import Message

AnyMessage: TypeAlias = "Message[str, str]"

_LANGUAGES = ["en", "de", "es", "fr", "it", "nl", "pl", "sv", "da", "cs", "ja", "ko", "zh"]
_ADDRESSED = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
_OF_OURS = ("Reply-To", "List-Unsubscribe")
_AUTOMATIC_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "List-Id")
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_BREAKS = frozenset({"br", "p", "div", "li", "tr"})
_SILENT = frozenset({"style", "script", "head", "blockquote"})
_LONGEST_BODY = 200_000
_QUOTE_AT_THE_END = re.compile(r"\n\s*\n[^\n]+(?:\n[^\n]+)?:\s*\n(?:>[^\n]*\s*)+\Z")
"""Quoted lines below one or two that introduce them, in whatever language: the library knows some."""


class MailKind(StrEnum):
    """Who wrote the mail, and why."""

    REPLY = "reply"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A mail as far as it concerns us.

    `addressed` are headers in which our signed address may stand; `events` what a bounce or complaint says;
    `text` what the person wrote, without what they quoted, None for the others and where nothing is left.
    """

    kind: MailKind
    message_id: str
    addressed: tuple[str, ...]
    text: str | None = None
    events: tuple[MailEvent, ...] = ()


def read_mail(raw: bytes) -> InboundMail:
    """Reads any bytes; what is no mail at all is a reply to nothing."""
    message = message_from_bytes(raw, policy=compat32)
    addressed = tuple(value for name in _ADDRESSED for value in _headers(message, name))
    message_id = next(_headers(message, "Message-ID"), "")
    events = tuple(_reported(message))
    if events:
        kind = MailKind.COMPLAINT if events[0].fate is MailFate.COMPLAINED else MailKind.BOUNCE
        return InboundMail(kind, message_id, addressed, events=events)
    if _is_automatic(message):
        return InboundMail(MailKind.AUTOMATIC, message_id, addressed)
    return InboundMail(MailKind.REPLY, message_id, addressed, text=_written(message))


def _is_automatic(message: AnyMessage) -> bool:
    submitted = next(_headers(message, "Auto-Submitted"), "no").lower()
    precedence = next(_headers(message, "Precedence"), "").lower()
    return (
        not submitted.startswith("no")
        or precedence in _BULK
        or next(_headers(message, "Return-Path"), "-") in {"<>", ""}
        or message.get_content_type() == "multipart/report"
        or any(name in message for name in _AUTOMATIC_HEADERS)
    )


def _reported(message: AnyMessage) -> Iterator[MailEvent]:
    """What a delivery status notification or an abuse report says."""
    if message.get_content_type() != "multipart/report":
        return
    at = _date(next(_headers(message, "Date"), ""))
    references = tuple(value for part in message.walk() for value in _ours(part))
    for part in message.walk():
        if "Feedback-Type" in part:
            to = next(_headers(part, "Original-Rcpt-To"), "") or _addressee(message)
            if found := address(to.strip("<> ")):
                yield MailEvent(MailFate.COMPLAINED, found, at, references)
        failed = next(_headers(part, "Action"), "").lower() == "failed"
        if failed and next(_headers(part, "Status"), "5").startswith("5"):
            names = (next(_headers(part, f"{which}-Recipient"), "") for which in ("Original", "Final"))
            named = next(filter(None, names), "")
            if found := address(named.rpartition(";")[2].strip("<> ")):
                yield MailEvent(MailFate.BOUNCED, found, at, references)


def _ours(part: AnyMessage) -> Iterator[str]:
    """Headers of the mail that came back, be it whole or its headers alone."""
    if part.get_content_type() == "text/rfc822-headers":
        part = message_from_bytes(_content(part).encode(errors="replace"), policy=compat32)
    for name in _OF_OURS:
        yield from _headers(part, name)


def _addressee(message: AnyMessage) -> str:
    """To whom the mail went that somebody complained about."""
    inner = (part for part in message.walk() if part is not message and "To" in part)
    return next((value for part in inner for value in _headers(part, "To")), "").rpartition("<")[2]


def _written(message: AnyMessage) -> str | None:
    plain = _first(message, "text/plain")
    said = plain if plain is not None else _as_text(_first(message, "text/html") or "")
    own = _QUOTE_AT_THE_END.sub("", said[:_LONGEST_BODY].replace("\r\n", "\n"))
    reply = EmailReplyParser(languages=_LANGUAGES).parse_reply(own)
    return comment(reply)


def _first(message: AnyMessage, kind: str) -> str | None:
    parts = (part for part in message.walk() if part.get_content_type() == kind)
    return next((_content(part) for part in parts if part.get_filename() is None), None)


def _content(part: AnyMessage) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return raw.decode(errors="replace")


def _headers(message: AnyMessage, name: str) -> Iterator[str]:
    for value in message.get_all(name, []):
        try:
            yield " ".join(str(make_header(decode_header(value))).split())
        except (ValueError, LookupError):
            yield ""


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return found.astimezone(UTC) if found.tzinfo else None


class _Text(HTMLParser):
    """The text of an HTML mail, without what is quoted in it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Silence begins, or a line ends."""
        quoted = any(name == "class" and "gmail_quote" in (value or "") for name, value in attrs)
        if tag in _SILENT or self._silent or quoted:
            self._silent.append(tag)
        elif tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Silence ends with what began it."""
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Text is kept."""
        if not self._silent:
            self.pieces.append(data)


def _as_text(html: str) -> str:
    reader = _Text()
    reader.feed(html[:_LONGEST_BODY])
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.pieces))
