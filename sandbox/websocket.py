"""WebSockets (RFC 6455) as far as Socket Mode needs them: the server's side, text messages, no extensions."""

import asyncio
import base64
import hashlib
import struct
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_FINAL = 0x80
_SHORT, _TWO_BYTES = 125, 126


class Endpoint(Protocol):
    """What a connection talks to."""

    def admits(self, path: str) -> bool:
        """Whether somebody who asks for `path` may connect."""

    def opened(self, connection: "WebSocket") -> None:
        """The connection is there."""

    def received(self, connection: "WebSocket", text: str) -> None:
        """A message came."""

    def closed(self, connection: "WebSocket") -> None:
        """The connection is gone."""


def protocol(endpoint: Endpoint) -> Callable[..., asyncio.Protocol]:
    """What uvicorn makes of each connection that asks to become a WebSocket."""

    def make(**_uvicorns: Any) -> asyncio.Protocol:  # noqa: ANN401 - its configuration and state, unused here
        return WebSocket(endpoint)

    return make


class WebSocket(asyncio.Protocol):
    """One connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._buffer = b""
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    def send(self, text: str) -> None:
        """Send one message."""
        self._frame(_TEXT, text.encode())

    def close(self) -> None:
        """Say goodbye and hang up."""
        self._frame(_CLOSE, struct.pack("!H", 1000))
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport over from HTTP."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell the endpoint, if it ever heard of the connection."""
        if self._is_open:
            self._is_open = False
            self._endpoint.closed(self)

    def data_received(self, data: bytes) -> None:
        """Shake hands first, then read messages."""
        self._buffer += data
        if not self._is_open and not self._shake_hands():
            return
        while (frame := self._next_frame()) is not None:
            opcode, payload = frame
            if opcode == _TEXT:
                self._endpoint.received(self, payload.decode())
            elif opcode == _PING:
                self._frame(_PONG, payload)
            elif opcode == _CLOSE:
                self.close()
                return

    def _shake_hands(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end or self._transport is None:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        self._buffer = rest
        if not self._endpoint.admits(first.split(" ")[1]):
            self._transport.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()
            return False
        self._is_open = True
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + _accept(headers) + b"\r\n\r\n"
        )
        self._endpoint.opened(self)
        return True

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Cut one whole frame off what came; clients always mask theirs (section 5.3)."""
        if len(self._buffer) < 2:  # noqa: PLR2004 - a frame's head
            return None
        opcode, length, at = self._buffer[0] & 0x0F, self._buffer[1] & 0x7F, 2
        if length > _SHORT:
            size = 2 if length == _TWO_BYTES else 8
            if len(self._buffer) < at + size:
                return None
            length, at = int.from_bytes(self._buffer[at : at + size]), at + size
        end = at + 4 + length
        if len(self._buffer) < end:
            return None
        mask, masked = self._buffer[at : at + 4], self._buffer[at + 4 : end]
        self._buffer = self._buffer[end:]
        return opcode, bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))

    def _frame(self, opcode: int, payload: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        length = len(payload)
        if length <= _SHORT:
            head = struct.pack("!BB", _FINAL | opcode, length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", _FINAL | opcode, _TWO_BYTES, length)
        else:
            head = struct.pack("!BBQ", _FINAL | opcode, _TWO_BYTES + 1, length)
        self._transport.write(head + payload)


def _accept(headers: Mapping[str, str]) -> bytes:
    digest = hashlib.sha1(headers.get("sec-websocket-key", "").encode() + _GUID, usedforsecurity=False)
    return base64.b64encode(digest.digest())
