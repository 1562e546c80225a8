"""How vendors prove that a call is theirs: always over the raw bytes, always compared in constant time.

A signature without a time of its own can be replayed for ever; that changes nothing, because a repeated body
keeps its first receipt and so is the same revision of the same response. Where the scheme signs a time, calls
more than 5 minutes off are refused.
"""

import hmac
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Literal

from standardwebhooks import Webhook, WebhookVerificationError

from services.ingest.vendor import Call, Source

TOKEN_HEADER = "x-webhook-token"  # noqa: S105 - a header's name

Algorithm = Literal["sha1", "sha256"]
Encoding = Literal["hex", "base64"]
Verify = Callable[[Call, Source, str], bool]

_DIGESTS = {"sha1": sha1, "sha256": sha256}


def of_body(header: str, algorithm: Algorithm, encoding: Encoding, prefix: str = "") -> Verify:
    """The header holds the prefix and the body's HMAC, keyed with the secret."""

    def verify(call: Call, _source: Source, secret: str) -> bool:
        digest = hmac.digest(secret.encode(), call.body, _DIGESTS[algorithm])
        expected = prefix + (digest.hex() if encoding == "hex" else b64encode(digest).decode())
        return same(call.headers.get(header, ""), expected)

    return verify


def standard_webhook(call: Call, _source: Source, secret: str) -> bool:
    """Standard Webhooks 1.0.0; by the wall clock, at most 5 minutes off.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    try:
        Webhook(secret).verify(call.body, dict(call.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # ValueError: a header that is no signature at all, or a body that is not UTF-8.
        return False
    return True


def token(call: Call, _source: Source, secret: str) -> bool:
    """The vendor signs nothing: the secret itself comes along, as `?token=` of the address or as a header.

    The route puts the address's token where the header would be.
    """
    return has_token(call, secret)


def has_token(call: Call, secret: str) -> bool:
    """Whether the secret itself comes along."""
    return same(call.headers.get(TOKEN_HEADER, ""), secret)


def same(given: str, expected: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(), expected.encode())
