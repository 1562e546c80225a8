"""API keys: which source a caller is and what it may send. Only hashes of keys are ever held."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

PREFIX = "fr_"
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LINE = re.compile(rf"(?P<source>{SOURCE_NAME.pattern}):(?P<digest>[0-9a-f]{{64}})")
_SCHEME = "bearer "
_ID_LENGTH = 12

RESERVED_SOURCE = "survey"
"""The hosted survey's own source name; no API key may claim it."""


class Scope(StrEnum):
    """What a key allows to send."""

    RESPONSES = "responses"
    LIFECYCLE = "lifecycle"
    PROFILES = "profiles"
    ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a key stands for. `expires_at` is on the wall clock, UTC; None: never."""

    key_id: str
    source: str
    scopes: frozenset[Scope]
    expires_at: datetime | None = None


class ApiKeys:
    """The keys that are known, by hash: those of the settings, and those of the table as they are now."""

    def __init__(self, configured: Mapping[bytes, Caller]) -> None:
        self._configured = dict(configured)
        self._known = self._configured

    @classmethod
    def parse(cls, text: str) -> "ApiKeys":
        """Reads lines of `source-name:sha256hex-of-key`; blank lines and lines starting with # are skipped.

        These keys may send everything and never expire. Several may name one source, so that a key can be
        replaced without an interruption. Raises ValueError naming the line (never its content) for a line of
        another form.
        """
        callers: dict[bytes, Caller] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            entry = line.strip()
            if not entry or entry.startswith("#"):
                continue
            match = _LINE.fullmatch(entry)
            if match is None:
                raise ValueError(
                    f"line {number}: expected `source-name:sha256-of-the-key` "
                    "(a name of a-z 0-9 . _ -, a colon, 64 hexadecimal digits in lower case)"
                )
            if match["source"] == RESERVED_SOURCE:
                raise ValueError(
                    f"line {number}: the source name `{RESERVED_SOURCE}` is the hosted survey's own"
                )
            digest = bytes.fromhex(match["digest"])
            callers[digest] = Caller(key_id_of(digest), match["source"], frozenset(Scope))
        return cls(callers)

    def stored(self, callers: Mapping[bytes, Caller]) -> None:
        """Takes over what the table says now."""
        self._known = {**callers, **self._configured}

    def caller_of(self, authorization: str | None, now: datetime) -> Caller | None:
        """The caller by the Authorization header; None when it names no key that is valid now.

        The look-up is by SHA-256 of what was sent, so its timing tells nothing about the keys.
        """
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            return None
        caller = self._known.get(digest_of(authorization[len(_SCHEME) :].strip()))
        if caller is None or (caller.expires_at is not None and caller.expires_at <= now):
            return None
        return caller


def new_key() -> str:
    """A key nobody has had before: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> bytes:
    """What is kept of a key. It is random, so a plain hash gives nothing away."""
    return sha256(key.encode()).digest()


def key_id_of(digest: bytes) -> str:
    """What people call a key: 12 hexadecimal digits."""
    return digest.hex()[:_ID_LENGTH]
