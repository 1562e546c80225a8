"""Postmark. It signs nothing: the secret comes along as `?token=` or in a header of your own.

https://postmarkapp.com/developer/webhooks/webhooks-overview: bounce, spam complaint, delivery and
subscription change, one event a call. A bounce after which the address stays active was only temporary.
"""

from collections.abc import Sequence

from services.ingest import signatures
from services.ingest.lenient import address, instant, is_yes, json_body, part, text
from services.ingest.mail_provider import Confirmation, MailEvent, MailFate, MailSource, Proof, Provider
from services.ingest.vendor import Call, Unreadable


def verify(call: Call, _source: MailSource, proof: Proof) -> bool:
    """By the token."""
    return any(signatures.has_token(call, secret) for secret in proof.secrets)


def read(call: Call) -> Sequence[MailEvent | Confirmation]:
    """At most one event."""
    body = json_body(call)
    fate = _fate(body)
    if fate is None:
        return []
    to = address(part(body, "Email")) or address(part(body, "Recipient"))
    if to is None:
        raise Unreadable("expected Email or Recipient")
    times = (part(body, name) for name in ("BouncedAt", "DeliveredAt", "ChangedAt"))
    return [MailEvent(fate, to, next((at for at in map(instant, times) if at), None))]


def _fate(body: object) -> MailFate | None:
    match text(part(body, "RecordType")):
        case "Delivery":
            return MailFate.DELIVERED
        case "SpamComplaint":
            return MailFate.COMPLAINED
        case "Bounce" if is_yes(part(body, "Inactive")):
            return MailFate.BOUNCED
        case "SubscriptionChange" if is_yes(part(body, "SuppressSending")):
            reason = text(part(body, "SuppressionReason"))
            suppressed = {"HardBounce": MailFate.BOUNCED, "SpamComplaint": MailFate.COMPLAINED}
            return suppressed.get(reason or "", MailFate.UNSUBSCRIBED)
    return None


PROVIDER = Provider(name="postmark", source=MailSource, verify=verify, read=read)
