"""Reads a request's body without ever holding more than the limit."""

from collections.abc import MutableMapping
from typing import Any

from fastapi import Request

LIMIT_BYTES = 256 * 1024
REFUSED_UNREAD_BYTES = 16 * 1024 * 1024
"""Up to this size a refused body is read to its end and thrown away: closing earlier can reset the connection
before the caller has read why."""


class TooLargeError(Exception):
    """The body is larger than the limit."""


class IncompleteError(Exception):
    """The caller left before the body was complete."""


async def read_body(request: Request, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The whole body. Raises TooLargeError or IncompleteError."""
    message = await request.receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        # Nearly every body comes in one piece.
        whole: bytes = message.get("body", b"")
        if len(whole) > limit_bytes:
            raise TooLargeError
        return whole
    return await _read_pieces(request, message, limit_bytes)


async def _read_pieces(request: Request, message: MutableMapping[str, Any], limit_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size <= limit_bytes:
            pieces.append(piece)
        else:
            pieces.clear()
        if not message.get("more_body"):
            if size > limit_bytes:
                raise TooLargeError
            return b"".join(pieces)
        message = await request.receive()
    raise IncompleteError
