"""API keys: which source a caller is. Only hashes of keys are ever held."""

import re
from collections.abc import Mapping
from hashlib import sha256

_LINE = re.compile(r"(?P<source>[a-z0-9][a-z0-9_.-]{0,63}):(?P<digest>[0-9a-f]{64})")
_SCHEME = "bearer "

RESERVED_SOURCE = "survey"
"""The hosted survey's own source name; no API key may claim it."""


class ApiKeys:
    """The configured keys, by hash."""

    def __init__(self, source_by_digest: Mapping[bytes, str]) -> None:
        self._source_by_digest = dict(source_by_digest)

    @classmethod
    def parse(cls, text: str) -> "ApiKeys":
        """Reads lines of `source-name:sha256hex-of-key`; blank lines and lines starting with # are skipped.

        Several keys may name one source, so that a key can be replaced without an interruption.
        Raises ValueError naming the line (never its content) for a line of another form, or without any key.
        """
        sources: dict[bytes, str] = {}
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
            sources[bytes.fromhex(match["digest"])] = match["source"]
        if not sources:
            raise ValueError("no API key: `feedback init` writes the first one")
        return cls(sources)

    def source_of(self, authorization: str | None) -> str | None:
        """Source of the caller by the Authorization header; None when it names no known key.

        The look-up is by SHA-256 of what was sent, so its timing tells nothing about the keys.
        """
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            return None
        token = authorization[len(_SCHEME) :].strip()
        return self._source_by_digest.get(sha256(token.encode()).digest())
