"""A database that a measurement has to itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

SERVER = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
"""Settings as a server of 4 GB has them. In the 128 MB of a fresh installation millions of people do not fit,
and how pages are written out to make room for others is what would be measured.
"""


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """Make a database on the server at `url`, yield its own URL, and drop it in the end."""
    name = f"bench_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
