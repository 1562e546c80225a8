"""What every mail provider's module must do; a new one adds its sample to SAMPLES.

The bodies have the form of the documents that each module cites; addresses are made up.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.mail_provider import Confirmation, MailEvent, MailFate, Proof
from services.ingest.mail_providers import mail_providers
from services.ingest.vendor import Call, Unreadable

Body = Any
"""JSON as Python has it."""

NOW = datetime.now(UTC).replace(microsecond=0)
DANA = "dana@customer.example"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abc.pem"
SECRET = "a secret of these tests"  # noqa: S105 - made for this process

_AMAZON = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_SENDGRID = ec.generate_private_key(ec.SECP256R1())
_SENDGRID_PUBLIC = b64encode(
    _SENDGRID.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
_CERTIFICATE = (
    x509.CertificateBuilder()
    .subject_name(_NAME)
    .issuer_name(_NAME)
    .public_key(_AMAZON.public_key())
    .serial_number(1)
    .not_valid_before(NOW - timedelta(days=1))
    .not_valid_after(NOW + timedelta(days=1))
    .sign(_AMAZON, SHA256())
    .public_bytes(Encoding.PEM)
)


def postmark(event: Body, _at: datetime) -> Call:
    return Call({"x-webhook-token": SECRET}, json.dumps(event).encode())


def mailgun(event: Body, at: datetime) -> Call:
    timestamp, token = str(int(at.timestamp())), "50-characters-of-mailguns-own-choice"
    signature = hmac.new(SECRET.encode(), f"{timestamp}{token}".encode(), sha256).hexdigest()
    signed = {"timestamp": timestamp, "token": token, "signature": signature}
    return Call({}, json.dumps({"signature": signed, "event-data": event}).encode())


def sendgrid(event: Body, at: datetime) -> Call:
    body, timestamp = json.dumps([event]).encode(), str(int(at.timestamp()))
    signature = _SENDGRID.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return Call(
        {
            "x-twilio-email-event-webhook-timestamp": timestamp,
            "x-twilio-email-event-webhook-signature": b64encode(signature).decode(),
        },
        body,
    )


def ses(event: Body, at: datetime, **more: str) -> Call:
    body = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": json.dumps(event),
        "Timestamp": at.isoformat().replace("+00:00", "Z"),
        **more,
    }
    names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    lines = "".join(f"{name}\n{body[name]}\n" for name in names if name in body)
    signature = b64encode(_AMAZON.sign(lines.encode(), PKCS1v15(), SHA256())).decode()
    signed = {**body, "SignatureVersion": "2", "Signature": signature, "SigningCertURL": CERTIFICATE_URL}
    return Call({}, json.dumps(signed).encode())


@dataclass(frozen=True)
class Sample:
    """How a provider wraps and signs an event, and which event means what; `harmless` means nothing."""

    sign: Callable[[Body, datetime], Call]
    events: Mapping[MailFate, Body]
    harmless: Body
    source: Mapping[str, object]
    secrets: tuple[str, ...] = (SECRET,)
    signs_body: bool = True
    signs_time: bool = True


_SECRETS = {"secrets": ["a_secret"]}
_UNIX, _ISO = int(NOW.timestamp()), NOW.isoformat().replace("+00:00", "Z")
_SES_MAIL = {
    "messageId": "EXAMPLE",
    "headers": [{"name": "List-Unsubscribe", "value": "<https://acme.example/s/token/unsubscribe>"}],
}

SAMPLES: dict[str, Sample] = {
    "postmark": Sample(
        sign=postmark,
        events={
            MailFate.BOUNCED: {
                "RecordType": "Bounce",
                "Type": "HardBounce",
                "Inactive": True,
                "Email": DANA,
                "BouncedAt": _ISO,
            },
            MailFate.COMPLAINED: {
                "RecordType": "SpamComplaint",
                "Type": "SpamComplaint",
                "Email": DANA,
                "BouncedAt": _ISO,
            },
            MailFate.DELIVERED: {"RecordType": "Delivery", "Recipient": DANA, "DeliveredAt": _ISO},
            MailFate.UNSUBSCRIBED: {
                "RecordType": "SubscriptionChange",
                "Recipient": DANA,
                "ChangedAt": _ISO,
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
            },
        },
        harmless={"RecordType": "Bounce", "Type": "Transient", "Inactive": False, "Email": DANA},
        source=_SECRETS,
        signs_body=False,
        signs_time=False,
    ),
    "mailgun": Sample(
        sign=mailgun,
        events={
            MailFate.BOUNCED: {
                "event": "failed",
                "severity": "permanent",
                "recipient": DANA,
                "timestamp": float(_UNIX),
            },
            MailFate.COMPLAINED: {"event": "complained", "recipient": DANA, "timestamp": _UNIX},
            MailFate.DELIVERED: {"event": "delivered", "recipient": DANA, "timestamp": _UNIX},
            MailFate.UNSUBSCRIBED: {"event": "unsubscribed", "recipient": DANA, "timestamp": _UNIX},
        },
        harmless={"event": "failed", "severity": "temporary", "recipient": DANA},
        source=_SECRETS,
        signs_body=False,
    ),
    "sendgrid": Sample(
        sign=sendgrid,
        events={
            MailFate.BOUNCED: {"event": "bounce", "type": "bounce", "email": DANA, "timestamp": _UNIX},
            MailFate.COMPLAINED: {"event": "spamreport", "email": DANA, "timestamp": _UNIX},
            MailFate.DELIVERED: {"event": "delivered", "email": DANA, "timestamp": _UNIX},
            MailFate.UNSUBSCRIBED: {"event": "unsubscribe", "email": DANA, "timestamp": _UNIX},
        },
        harmless={"event": "bounce", "type": "blocked", "email": DANA},
        source=_SECRETS,
        secrets=(_SENDGRID_PUBLIC,),
    ),
    "ses": Sample(
        sign=ses,
        events={
            MailFate.BOUNCED: {
                "notificationType": "Bounce",
                "mail": _SES_MAIL,
                "bounce": {
                    "bounceType": "Permanent",
                    "bouncedRecipients": [{"emailAddress": DANA}],
                    "timestamp": _ISO,
                },
            },
            MailFate.COMPLAINED: {
                "eventType": "Complaint",
                "mail": _SES_MAIL,
                "complaint": {"complainedRecipients": [{"emailAddress": DANA}], "timestamp": _ISO},
            },
            MailFate.DELIVERED: {
                "eventType": "Delivery",
                "mail": _SES_MAIL,
                "delivery": {"recipients": [DANA], "timestamp": _ISO},
            },
        },
        harmless={
            "notificationType": "Bounce",
            "bounce": {"bounceType": "Transient", "bouncedRecipients": [{"emailAddress": DANA}]},
        },
        source={"topics": [TOPIC]},
        secrets=(),
    ),
}
every_provider = pytest.mark.parametrize("name", mail_providers())


def proved(name: str, call: Call, *, secrets: tuple[str, ...] | None = None, **changes: object) -> bool:
    sample, provider = SAMPLES[name], mail_providers()[name]
    source = provider.source.model_validate({**sample.source, **changes})
    given = sample.secrets if secrets is None else secrets
    return provider.verify(call, source, Proof(given, NOW, {CERTIFICATE_URL: _CERTIFICATE}.__getitem__))


def signed(name: str, at: datetime = NOW) -> Call:
    return SAMPLES[name].sign(SAMPLES[name].events[MailFate.BOUNCED], at)


def test_every_provider_has_a_sample() -> None:
    assert SAMPLES.keys() == mail_providers().keys()


@every_provider
def test_says_what_became_of_a_mail(name: str) -> None:
    for fate, event in SAMPLES[name].events.items():
        call = SAMPLES[name].sign(event, NOW)
        assert proved(name, call)
        (said,) = mail_providers()[name].read(call)
        assert isinstance(said, MailEvent)
        assert (said.fate, said.address, said.at) == (fate, DANA, NOW)


@every_provider
def test_what_may_still_arrive_says_nothing(name: str) -> None:
    assert mail_providers()[name].read(SAMPLES[name].sign(SAMPLES[name].harmless, NOW)) == []


@every_provider
def test_refuses_another_secret_a_changed_body_and_an_old_call(name: str) -> None:
    sample, call = SAMPLES[name], signed(name)
    if sample.secrets:
        assert not proved(name, call, secrets=("another",))
        assert proved(name, call, secrets=("another", *sample.secrets))
    assert not proved(name, Call({}, b"{}"))
    altered = Call(call.headers, call.body.replace(b"dana", b"eve.", 1))
    assert altered.body != call.body
    assert proved(name, altered) is not sample.signs_body
    for old in (NOW - timedelta(days=2), NOW + timedelta(days=2)):
        assert proved(name, signed(name, old)) is not sample.signs_time


def test_amazons_certificate_comes_from_amazon_and_its_topic_is_ours() -> None:
    call = signed("ses")
    assert not proved("ses", call, topics=["arn:aws:sns:eu-west-1:999999999999:of-somebody"])
    for url in (
        "https://sns.evil.example/SimpleNotificationService-1.pem",
        CERTIFICATE_URL + "?a=1",
        7,
        None,
    ):
        body = {**json.loads(call.body), "SigningCertURL": url}
        assert not proved("ses", Call({}, json.dumps(body).encode()))


def test_amazons_question_is_answered_at_amazon_only() -> None:
    ours = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns&Token=abc"
    elsewhere = "https://evil.example/?Action=ConfirmSubscription&Token=abc"
    for url, expected in ((ours, [Confirmation(ours)]), (elsewhere, [])):
        more = {"Type": "SubscriptionConfirmation", "SubscribeURL": url, "Token": "abc"}
        call = ses({}, NOW, **more)
        assert proved("ses", call)
        assert mail_providers()["ses"].read(call) == expected


def _odd(body: Body) -> Iterator[Body]:
    steps = list(body) if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else []
    for step in steps:
        odd: object
        for odd in (None, [], {}, "", -1, 1e300, True, "x", [[0]]):
            copy = json.loads(json.dumps(body))
            copy[step] = odd
            yield copy
        for inner in _odd(body[step]):
            copy = json.loads(json.dumps(body))
            copy[step] = inner
            yield copy


def read_or_refuse(name: str, call: Call) -> None:
    proved(name, call)
    try:
        mail_providers()[name].read(call)
    except Unreadable:
        return


@every_provider
def test_odd_fields_never_break_it(name: str) -> None:
    for event in SAMPLES[name].events.values():
        for odd in _odd(event):
            read_or_refuse(name, SAMPLES[name].sign(odd, NOW))
    call = signed(name)
    for odd in _odd(json.loads(call.body)):
        read_or_refuse(name, Call(call.headers, json.dumps(odd).encode()))


@every_provider
@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_anything_at_all_is_read_or_refused(name: str, body: bytes) -> None:
    read_or_refuse(name, Call({}, body))
