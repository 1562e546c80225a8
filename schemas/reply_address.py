"""The address that answers to our mails come to: the router makes it, ingest reads it.

`feedback@acme.example` becomes `feedback+<token>@acme.example`. The token is base32 of: what the mail is
about (one byte), its id (16 bytes), 10 bytes of their HMAC-SHA256. Mail systems may change the case of what
stands before the @, and allow 64 characters there: hence base32 and a shortened HMAC. It names no person.
"""

import binascii
import hmac
import re
from base64 import b32decode, b32encode
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from schemas.survey_link import InvalidTokenError

_TAG_BYTES = 10
_ADDRESS = re.compile(r"[^+@\s<>]+\+([a-z2-7]{44})@[^@\s<>]+", re.IGNORECASE)


class About(StrEnum):
    """What a mail of ours was about."""

    RESPONSE = "response"
    REQUEST = "request"


_BYTES = {About.RESPONSE: b"\x01", About.REQUEST: b"\x02"}
_OF_BYTES = {byte: about for about, byte in _BYTES.items()}


class Answered(NamedTuple):
    """What a mail that came in answers: a mail about a response, or a survey request."""

    about: About
    id: UUID

    @property
    def subject(self) -> str:
        """As the delivery ledger names it, `response:<id>`."""
        return f"{self.about}:{self.id}"


def reply_address(secret: bytes, mailbox: str, answered: Answered) -> str:
    """Where an answer should go. Raises ValueError for a mailbox that is no plain address."""
    name, at, domain = mailbox.partition("@")
    if not (name and at and domain) or "+" in name:
        raise ValueError("expected a plain address without a plus sign, such as feedback@acme.example")
    payload = _BYTES[answered.about] + answered.id.bytes
    token = b32encode(payload + _tag(secret, payload)).rstrip(b"=").decode().lower()
    return f"{name}+{token}@{domain}"


def read_reply_address(secret: bytes, address: str) -> Answered:
    """What the address names; it may stand within other text. Raises InvalidTokenError."""
    found = _ADDRESS.search(address)
    if found is None:
        raise InvalidTokenError("not an address for replies")
    try:
        raw = b32decode(found[1].upper() + "=" * (-len(found[1]) % 8))
    except binascii.Error as error:
        raise InvalidTokenError("not an address for replies") from error
    payload, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    about = _OF_BYTES.get(payload[:1])
    # base32 leaves spare bits in its last letter.
    is_spelled_otherwise = b32encode(raw).rstrip(b"=").decode().lower() != found[1].lower()
    if about is None or is_spelled_otherwise or not hmac.compare_digest(tag, _tag(secret, payload)):
        raise InvalidTokenError("the address's signature does not fit")
    return Answered(about, UUID(bytes=payload[1:]))


def _tag(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, b"reply-address\x00" + payload, sha256)[:_TAG_BYTES]
