"""Mailgun. The signature is in the body and covers a time and a random token, not the event.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks: HMAC-SHA256 of time
and token, keyed with the signing key. Only permanent failures count.
"""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from services.ingest import signatures
from services.ingest.lenient import address, instant, json_body, part, text
from services.ingest.mail_provider import Confirmation, MailEvent, MailFate, MailSource, Proof, Provider
from services.ingest.vendor import Call, Unreadable

_WINDOW = timedelta(hours=24)
"""Mailgun repeats a call with its first timestamp, the last time after about eight hours."""

_FATES = {
    "delivered": MailFate.DELIVERED,
    "complained": MailFate.COMPLAINED,
    "unsubscribed": MailFate.UNSUBSCRIBED,
}


def verify(call: Call, _source: MailSource, proof: Proof) -> bool:
    """By the signature in the body."""
    try:
        signature = part(json_body(call), "signature")
    except Unreadable:
        return False
    timestamp, token = text(part(signature, "timestamp")), text(part(signature, "token"))
    given, at = text(part(signature, "signature")), instant(timestamp)
    if timestamp is None or token is None or given is None or at is None or abs(proof.now - at) > _WINDOW:
        return False
    signed = f"{timestamp}{token}".encode()
    return any(
        signatures.same(given, hmac.digest(secret.encode(), signed, sha256).hex()) for secret in proof.secrets
    )


def read(call: Call) -> Sequence[MailEvent | Confirmation]:
    """At most one event."""
    event = part(json_body(call), "event-data")
    kind = text(part(event, "event"))
    permanent = kind == "failed" and text(part(event, "severity")) == "permanent"
    fate = MailFate.BOUNCED if permanent else _FATES.get(kind or "")
    if fate is None:
        return []
    to = address(part(event, "recipient"))
    if to is None:
        raise Unreadable("expected event-data.recipient")
    return [MailEvent(fate, to, instant(part(event, "timestamp")))]


PROVIDER = Provider(name="mailgun", source=MailSource, verify=verify, read=read)
