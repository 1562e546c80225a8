"""SendGrid's event webhook: a list of events, signed with ECDSA over time and body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features.
The secret is the verification key as SendGrid shows it: base64 of its DER form.
"""

from base64 import b64decode
from collections.abc import Sequence
from datetime import timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.ingest.lenient import address, instant, json_body, part, parts, text
from services.ingest.mail_provider import Confirmation, MailEvent, MailFate, MailSource, Proof, Provider
from services.ingest.vendor import Call

_WINDOW = timedelta(hours=25)
"""SendGrid repeats for 24 hours and does not say that it signs anew."""

_FATES = {
    "delivered": MailFate.DELIVERED,
    "bounce": MailFate.BOUNCED,
    "spamreport": MailFate.COMPLAINED,
    "unsubscribe": MailFate.UNSUBSCRIBED,
    "group_unsubscribe": MailFate.UNSUBSCRIBED,
}


def verify(call: Call, _source: MailSource, proof: Proof) -> bool:
    """By the signature of time and body."""
    timestamp = call.headers.get("x-twilio-email-event-webhook-timestamp", "")
    at = instant(timestamp)
    if at is None or abs(proof.now - at) > _WINDOW:
        return False
    signature = call.headers.get("x-twilio-email-event-webhook-signature", "")
    return any(_signed(secret, signature, timestamp.encode() + call.body) for secret in proof.secrets)


def read(call: Call) -> Sequence[MailEvent | Confirmation]:
    """The events that say what became of a mail; a blocked mail may get through later."""
    found: list[MailEvent | Confirmation] = []
    for event in parts(json_body(call)):
        fate, to = _FATES.get(text(part(event, "event")) or ""), address(part(event, "email"))
        if fate is None or to is None or text(part(event, "type")) == "blocked":
            continue
        found.append(MailEvent(fate, to, instant(part(event, "timestamp"))))
    return found


def _signed(key: str, signature: str, message: bytes) -> bool:
    try:
        public = load_der_public_key(b64decode(key))
        if not isinstance(public, EllipticCurvePublicKey):
            return False
        public.verify(b64decode(signature), message, ECDSA(SHA256()))
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


PROVIDER = Provider(name="sendgrid", source=MailSource, verify=verify, read=read)
