"""W3C trace context: one `traceparent` follows an answer through every hop.

https://www.w3.org/TR/trace-context/ version 00: `00-<trace id>-<span id>-<flags>`.
"""

import os
import re

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


def new_traceparent() -> str:
    """The start of a new, sampled trace."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def child_of(traceparent: str | None) -> str:
    """The next span of the same trace; a new trace when there is none or it is malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None:
        return new_traceparent()
    return f"00-{match[1]}-{os.urandom(8).hex()}-{match[2]}"


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id that logs carry, or None when there is no well-formed trace."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return match[1] if match else None
