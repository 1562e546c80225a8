"""A mail as it goes over the wire: headers nobody can add to, text and HTML side by side."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

# A header is folded only at blanks; past the line length Python would encode a long address, which mail
# clients do not decode in List-Unsubscribe. RFC 5322 allows 998 octets a line.
_POLICY = SMTP.clone(max_line_length=998)

SUBJECT_CHARACTERS = 200
_NAME_CHARACTERS = 100
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def address(text: str, name: str | None = None) -> Address:
    """The mailbox of `text`, e.g. `a@b.example` or `Acme <a@b.example>`; an international domain in ASCII.

    Raises ValueError when it is not exactly one address that SMTP can carry.
    """
    try:
        header = _POLICY.header_factory("To", text)
    except (HeaderParseError, IndexError) as error:  # the parser's own slips on odd input
        raise ValueError("expected one e-mail address") from error
    addresses = header.addresses
    if len(addresses) != 1 or header.defects or _CONTROLS.search(text):
        raise ValueError("expected one e-mail address")
    (found,) = addresses
    if not found.username or not found.domain or not found.username.isascii():
        raise ValueError("expected one e-mail address")
    shown = one_line(name or found.display_name, _NAME_CHARACTERS)
    return Address(shown, username=found.username, domain=found.domain.encode("idna").decode())


def one_line(text: str, characters: int) -> str:
    """`text` fit for a header: no line breaks, no control characters, cut to `characters`.

    `=?` is drawn apart: Python decodes an encoded word it is given, and the line break hidden in one would
    begin a header of the writer's own.
    """
    line = " ".join(_CONTROLS.sub(" ", text).split()).replace("=?", "= ?")
    return line if len(line) <= characters else line[: characters - 1].rstrip() + "…"


def compose(
    *,
    message_id: str,
    sender: Address,
    reply_to: Sequence[Address],
    to: Address,
    subject: str,
    text: str,
    html: str,
    unsubscribe_url: str | None,
    date: datetime,
) -> EmailMessage:
    """The message. `message_id` is the effect's for ever, so that a repeated mail is seen as the same one.

    `unsubscribe_url` adds one-click unsubscribing (RFC 8058).
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    if reply_to:
        message["Reply-To"] = reply_to
    message["To"] = to
    message["Subject"] = one_line(subject, SUBJECT_CHARACTERS)
    message["Date"] = format_datetime(date)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office replies are not wanted
    if unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def split_subject(text: str) -> tuple[str, str]:
    """Subject and text of a rendered text template, whose first line is `Subject: ...`.

    Raises ValueError when it is not.
    """
    first, _, rest = text.partition("\n")
    name, _, subject = first.partition(":")
    if name.strip().lower() != "subject" or not subject.strip():
        raise ValueError("the first line of a text template is `Subject: ...`")
    return subject.strip(), rest.lstrip("\n")


def as_html(text: str) -> str:
    """Plain text as a page of paragraphs."""
    paragraphs = "".join(
        f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n") if part.strip()
    )
    return f'<!doctype html><html><head><meta charset="utf-8"></head><body>{paragraphs}</body></html>'
