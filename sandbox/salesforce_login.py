"""OAuth 2.0 JWT bearer flow: a signed assertion becomes an access token that expires.

Checks and errors after "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration" in Salesforce Help.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_LIFE_SECONDS = 300  # Salesforce: "within 3 minutes"; two for clocks that differ


class LoginRefusedError(Exception):
    """The token endpoint answers 400 with this `error` and `description`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


class Login:
    """The one External Client App and its one user, and the sessions opened."""

    def __init__(
        self,
        *,
        client_id: str,
        username: str,
        public_key: str,
        audiences: Sequence[str],
        session_seconds: float,
    ) -> None:
        self._client_id = client_id
        self._username = username
        self._key = _load(public_key) if public_key.strip() else None
        self._audiences = list(audiences)
        self._session_seconds = session_seconds
        self._sessions: dict[str, float] = {}

    @property
    def configured(self) -> bool:
        """Whether anyone can log in at all."""
        return self._key is not None

    def log_in(self, form: Mapping[str, str]) -> str:
        """Return an access token for a valid assertion; raises LoginRefusedError."""
        if form.get("grant_type") != _GRANT:
            raise LoginRefusedError("unsupported_grant_type", "grant type not supported")
        if self._key is None:
            raise LoginRefusedError("invalid_client_id", "no key is configured: set SALESFORCE_PUBLIC_KEY")
        claims = self._claims(form.get("assertion", ""), self._key)
        if claims["iss"] != self._client_id:
            raise LoginRefusedError("invalid_client_id", "client identifier invalid")
        if claims["sub"] != self._username:
            raise LoginRefusedError("invalid_grant", "user hasn't approved this consumer")
        if int(claims["exp"]) > time.time() + _LONGEST_LIFE_SECONDS:
            raise LoginRefusedError("invalid_grant", "invalid assertion: exp is more than 3 minutes ahead")
        token = f"00D5g0000000001!{secrets.token_urlsafe(60)}"
        now = time.monotonic()
        self._sessions = {known: until for known, until in self._sessions.items() if until > now}
        self._sessions[token] = now + self._session_seconds
        return token

    def _claims(self, assertion: str, key: RSAPublicKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                assertion,
                key,
                algorithms=["RS256"],
                audience=self._audiences,
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
        except jwt.InvalidAudienceError:
            raise LoginRefusedError("invalid_grant", "audience is invalid") from None
        except jwt.ExpiredSignatureError:
            raise LoginRefusedError("invalid_grant", "expired authorization code") from None
        except jwt.PyJWTError:
            raise LoginRefusedError("invalid_grant", "invalid assertion") from None

    def knows(self, authorization: str) -> bool:
        """Whether an Authorization header carries a session that has not expired."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() in ("bearer", "oauth") and self._sessions.get(token, 0) > time.monotonic()

    def expire_all(self) -> int:
        """End every session now; returns how many there were."""
        ended = len(self._sessions)
        self._sessions.clear()
        return ended


def _load(pem: str) -> RSAPublicKey:
    text = pem.replace("\\n", "\n").encode()
    key = (
        load_pem_x509_certificate(text).public_key() if b"CERTIFICATE" in text else load_pem_public_key(text)
    )
    if not isinstance(key, RSAPublicKey):
        raise TypeError("SALESFORCE_PUBLIC_KEY: expected an RSA public key or certificate in PEM form")
    return key
