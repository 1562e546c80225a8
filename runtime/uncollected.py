"""Work that makes many objects and no cycles among them goes on without the search for cycles."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_busy = 0


@contextmanager
def uncollected() -> Iterator[None]:
    """Until the end, no thread's new objects are searched for cycles; what nobody refers to goes as always.

    For batches of bounded size: a cycle made meanwhile stays in memory until then. Others may be in it at the
    same time; the last one to leave lets the search go on. Where it was off before, it stays off.
    """
    global _busy  # noqa: PLW0603 - the collector is the process's, and so is the count
    with _lock:
        if _busy == 0 and not gc.isenabled():
            is_held = False
        else:
            is_held = True
            _busy += 1
            gc.disable()
    try:
        yield
    finally:
        if is_held:
            with _lock:
                _busy -= 1
                if _busy == 0:
                    gc.enable()
