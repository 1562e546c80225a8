"""Where a person falls when people are divided: the same in every process and for ever, and evenly spread."""

from hashlib import blake2b

_BYTES = 8


def share(*parts: object) -> float:
    """A number from 0 up to, not including, 1, made of the parts alone."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=_BYTES).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)
