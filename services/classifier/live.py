"""The reader in use: one for the stream and for questions, replaced while both go on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.classifier.reader import Reads


class Live:
    """Lends the reader to one thread at a time: none is made for several."""

    def __init__(self, reader: Reads) -> None:
        self._reader = reader
        self._lent = threading.Lock()

    @contextmanager
    def reader(self) -> Iterator[Reads]:
        """The one in use, for as long as it is held."""
        with self._lent:
            yield self._reader

    def replace(self, reader: Reads) -> None:
        """Whoever asks from now on gets this one; waits for whoever has the other."""
        with self._lent:
            self._reader = reader
