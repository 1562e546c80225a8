"""What a strict receiving mail server refuses after the end of data."""

import re
from collections import Counter
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
_ONCE = ("From", "Date", "Message-ID", "Subject", "To", "Reply-To")
_LONGEST_LINE = 998


def check_mail(raw: bytes, message: EmailMessage) -> str | None:
    """Return why a message is refused, or None.

    Headers by RFC 5322 section 3.6, one-click unsubscribe by RFC 8058.
    """
    if _BARE.search(raw):
        return "bare CR or LF: lines end in CRLF"
    if any(len(line) > _LONGEST_LINE for line in raw.split(b"\r\n")):
        return f"a line is longer than {_LONGEST_LINE} octets"
    given = Counter(name.lower() for name in message.keys())  # noqa: SIM118 - a message has a key more than once
    for name in _ONCE:
        if given[name.lower()] > 1:
            return f"header {name} occurs more than once"
    return _check_origin(message) or _check_unsubscribe(message)


def _check_origin(message: EmailMessage) -> str | None:
    sender = message.get("From")
    if sender is None or len(sender.addresses) != 1 or not sender.addresses[0].domain:
        return "header From: expected one address"
    if not _MESSAGE_ID.fullmatch(str(message.get("Message-ID", "")).strip()):
        return "header Message-ID: expected <left@right>"
    try:
        parsedate_to_datetime(str(message.get("Date", "")))
    except ValueError:
        return "header Date: expected an RFC 5322 date"
    return None


def _check_unsubscribe(message: EmailMessage) -> str | None:
    link, post = message.get("List-Unsubscribe"), message.get("List-Unsubscribe-Post")
    if post is not None and str(post).strip() != "List-Unsubscribe=One-Click":
        return "header List-Unsubscribe-Post: expected List-Unsubscribe=One-Click"
    if (link is None) != (post is None):
        return "List-Unsubscribe and List-Unsubscribe-Post come together"
    if link is not None and not re.search(r"<https?://[^>]+>", str(link)):
        return "header List-Unsubscribe: one-click needs an <https:> address"
    return None
