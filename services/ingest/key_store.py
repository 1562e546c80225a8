"""SQL of the API keys, and the worker that keeps a service's memory of them fresh."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import structlog

from runtime.postgres import Pool
from services.ingest.api_keys import ApiKeys, Caller, Scope, digest_of, key_id_of

REFRESH_SECONDS = 1.0

Connection = psycopg.Connection[Any]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is listed. Times in UTC."""

    key_id: str
    source: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def add(
    connection: Connection, key: str, *, source: str, scopes: Iterable[Scope], expires_at: datetime | None
) -> str:
    """Stores the hash of a new key; returns its id."""
    digest = digest_of(key)
    connection.execute(
        "INSERT INTO api_keys (key_id, digest, source, scopes, expires_at) VALUES (%s, %s, %s, %s, %s)",
        (key_id_of(digest), digest, source, sorted(scopes), expires_at),
    )
    return key_id_of(digest)


def every(connection: Connection) -> list[StoredKey]:
    """All keys, the newest first."""
    rows = connection.execute(
        "SELECT key_id, source, scopes, created_at, expires_at, revoked_at FROM api_keys"
        " ORDER BY created_at DESC"
    )
    return [
        StoredKey(key_id, source, tuple(scopes), created_at, expires_at, revoked_at)
        for key_id, source, scopes, created_at, expires_at, revoked_at in rows
    ]


def revoke(connection: Connection, key_id: str) -> bool:
    """Ends a key; False when no key that is still valid has this id."""
    changed = connection.execute(
        "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE key_id = %s AND revoked_at IS NULL",
        (key_id,),
    )
    return changed.rowcount == 1


def valid(connection: Connection) -> dict[bytes, Caller]:
    """The keys that were not revoked, by hash."""
    rows = connection.execute(
        "SELECT digest, key_id, source, scopes, expires_at FROM api_keys WHERE revoked_at IS NULL"
    )
    known = frozenset(Scope)
    return {
        digest: Caller(key_id, source, known.intersection(scopes), expires_at)
        for digest, key_id, source, scopes, expires_at in rows
    }


class KeyRefresh:
    """The worker: a new key works, and a revoked one ends, within two seconds.

    While PostgreSQL does not answer, what was known last counts.
    """

    def __init__(self, pool: Pool, keys: ApiKeys) -> None:
        self._pool = pool
        self._keys = keys
        self._trouble: str | None = "the API keys have not been read yet"

    def run(self, stop: threading.Event) -> None:
        """Reads them every second until `stop`."""
        while not stop.is_set():
            try:
                with self._pool.connection() as connection:
                    self._keys.stored(valid(connection))
                self._trouble = None
            except psycopg.OperationalError as error:
                self._trouble = f"the API keys are not refreshed ({type(error).__name__})"
                log.warning("API keys not refreshed", error=type(error).__name__)
            stop.wait(REFRESH_SECONDS)

    def check(self) -> str | None:
        """Health: None while they are fresh."""
        return self._trouble
