"""Who a record is about: the pseudonym under which a person travels through the topics."""

import hmac
from functools import lru_cache
from hashlib import sha256

_KEY_LENGTH = 32


def normalised_email(email: str) -> str:
    """One spelling of an address: without surrounding space, in lower case."""
    return email.strip().casefold()


def customer_key(secret: bytes, customer_id: str) -> str:
    """Key of a person by the company's own id."""
    return _key(secret, "customer:" + customer_id)


def email_key(secret: bytes, email: str) -> str:
    """Key of a person by e-mail address, however it is spelled."""
    return _key(secret, "email:" + normalised_email(email))


def visitor_key(secret: bytes, visitor_id: str) -> str:
    """Key of somebody whom only a survey tool knows, by its own id of them."""
    return _key(secret, "visitor:" + visitor_id)


def person_key(
    secret: bytes, *, customer_id: str | None = None, email: str | None = None, visitor_id: str | None = None
) -> str | None:
    """Key of a person by the strongest identifier given; None when there is none.

    HMAC-SHA256 with the deployment's secret, 32 hexadecimal digits: nobody without the secret can test
    whether a key belongs to an address.
    """
    if customer_id:
        return customer_key(secret, customer_id)
    if email:
        return email_key(secret, email)
    if visitor_id:
        return visitor_key(secret, visitor_id)
    return None


def _key(secret: bytes, identifier: str) -> str:
    keyed = _keyed(secret).copy()
    keyed.update(identifier.encode())
    return keyed.hexdigest()[:_KEY_LENGTH]


@lru_cache(maxsize=2)
def _keyed(secret: bytes) -> hmac.HMAC:
    """The HMAC that has read its secret: a copy costs half of what reading it again for every record does."""
    return hmac.new(secret, digestmod=sha256)
