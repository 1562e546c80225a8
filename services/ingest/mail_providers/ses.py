"""Amazon SES, through SNS: signed with Amazon's certificate, for topics that sources.yaml names.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html says what is signed, in which
order; https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html what SES tells. A certificate
counts only when it comes from an SNS address of Amazon over https.
"""

import re
from base64 import b64decode
from collections.abc import Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.lenient import address, instant, json_body, part, parts, text
from services.ingest.mail_provider import Confirmation, MailEvent, MailFate, Proof, Provider
from services.ingest.vendor import Call, Unreadable

_AMAZON = r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?/"
_CERTIFICATE = re.compile(_AMAZON + r"SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem")
_SUBSCRIPTION = re.compile(_AMAZON + r"\?Action=ConfirmSubscription&[A-Za-z0-9=&:%._~-]{1,2000}")
_SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_HASHES = {"1": SHA1, "2": SHA256}
_WINDOW = timedelta(hours=25)
"""SNS repeats a call for up to a day, with its first timestamp."""
_RECIPIENTS = {
    "bounce": ("bouncedRecipients", MailFate.BOUNCED),
    "complaint": ("complainedRecipients", MailFate.COMPLAINED),
}


class SesSource(BaseModel):
    """Amazon SES as sources.yaml describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    topics: tuple[str, ...] = Field(min_length=1)
    """ARNs of the SNS topics that may call."""


def verify(call: Call, source: SesSource, proof: Proof) -> bool:
    """By Amazon's signature."""
    try:
        body = json_body(call)
    except Unreadable:
        return False
    certificate, at = part(body, "SigningCertURL"), instant(part(body, "Timestamp"))
    if not isinstance(certificate, str) or not _CERTIFICATE.fullmatch(certificate):
        return False
    if part(body, "TopicArn") not in source.topics or at is None or abs(proof.now - at) > _WINDOW:
        return False
    return _signed(body, proof.certificate(certificate))


def read(call: Call) -> Sequence[MailEvent | Confirmation]:
    """An event for each recipient, or the question whether the address is ours."""
    body = json_body(call)
    if text(part(body, "Type")) == "SubscriptionConfirmation":
        url = part(body, "SubscribeURL")
        return [Confirmation(url)] if isinstance(url, str) and _SUBSCRIPTION.fullmatch(url) else []
    message = part(body, "Message")
    if not isinstance(message, str):
        raise Unreadable("expected Message")
    said = json_body(Call({}, message.encode(errors="replace")))
    kind = (text(part(said, "eventType")) or text(part(said, "notificationType")) or "").lower()
    headers = parts(said, "mail", "headers")
    references = tuple(value for value in (text(part(one, "value"), 2_000) for one in headers) if value)
    if kind == "delivery":
        at = instant(part(said, "delivery", "timestamp"))
        to = [address(one) for one in parts(said, "delivery", "recipients")]
        return [MailEvent(MailFate.DELIVERED, one, at, references) for one in to if one]
    if kind not in _RECIPIENTS or text(part(said, "bounce", "bounceType")) == "Transient":
        return []
    recipients, fate = _RECIPIENTS[kind]
    at = instant(part(said, kind, "timestamp"))
    addresses = [address(part(one, "emailAddress")) for one in parts(said, kind, recipients)]
    return [MailEvent(fate, one, at, references) for one in addresses if one]


def _signed(body: object, pem: bytes) -> bool:
    lines = [f"{name}\n{part(body, name)}\n" for name in _SIGNED if part(body, name) is not None]
    hash_ = _HASHES.get(text(part(body, "SignatureVersion")) or "")
    if hash_ is None:
        return False
    try:
        public = x509.load_pem_x509_certificate(pem).public_key()
        if not isinstance(public, RSAPublicKey):
            return False
        signature = b64decode(text(part(body, "Signature"), 4_000) or "")
        public.verify(signature, "".join(lines).encode(), PKCS1v15(), hash_())
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


PROVIDER = Provider(name="ses", source=SesSource, verify=verify, read=read)
