"""The token of a survey link: the router derives it, ingest verifies it.

base64url of: request id (16 bytes), expiry (8 bytes, seconds since 1970), 16 bytes of their HMAC-SHA256.
The token names a request and nothing else, so a forwarded link gives away no person.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

_TAG_BYTES = 16
_PAYLOAD_BYTES = 24


class SurveyLink(NamedTuple):
    """What a verified token says."""

    request_id: UUID
    expires_at: datetime


class InvalidTokenError(ValueError):
    """The token was not made with this secret, or was altered."""


def _tag(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, b"survey-link\x00" + payload, sha256)[:_TAG_BYTES]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(secret: bytes, request_id: UUID, expires_at: datetime) -> str:
    """Token for a request, valid until `expires_at` (UTC, whole seconds)."""
    payload = request_id.bytes + int(expires_at.timestamp()).to_bytes(8)
    return _text(payload + _tag(secret, payload))


def verify(secret: bytes, token: str) -> SurveyLink:
    """What the token says; whether it has expired is the caller's decision.

    Raises InvalidTokenError.
    """
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidTokenError("not a survey token") from error
    payload, tag = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
    if len(payload) != _PAYLOAD_BYTES or not hmac.compare_digest(tag, _tag(secret, payload)):
        raise InvalidTokenError("the token's signature does not fit")
    # base64 has spare bits in its last character and skips foreign ones: a link would have many spellings.
    if token != _text(raw):
        raise InvalidTokenError("not the spelling a token was given out in")
    return SurveyLink(UUID(bytes=payload[:16]), datetime.fromtimestamp(int.from_bytes(payload[16:]), UTC))
