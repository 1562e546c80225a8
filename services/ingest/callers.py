"""Who calls, what they may send, and how much of it."""

import time
from datetime import UTC, datetime
from math import ceil

from fastapi import Request
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from services.ingest import metrics, problems
from services.ingest.api_keys import ApiKeys, Caller, Scope


class Callers:
    """Lets callers in. Each replica counts `records_per_second` of each key for itself; 0: any number."""

    def __init__(self, keys: ApiKeys, *, records_per_second: int = 0) -> None:
        self._keys = keys
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerSecond(records_per_second) if records_per_second else None

    def admit(self, request: Request, scope: Scope) -> Caller:
        """Who it is. Raises 401 for an unknown, expired or revoked key, 403 for one without the scope."""
        caller = self._keys.caller_of(request.headers.get("authorization"), datetime.now(UTC))
        if caller is None:
            raise problems.unknown_key()
        if scope not in caller.scopes:
            raise problems.not_allowed(scope, caller.scopes)
        return caller

    def count(self, caller: Caller, records: int) -> None:
        """Counts what the caller sends. Raises 429 when it is too much for now."""
        if self._limit is None or self._limiter.hit(self._limit, caller.key_id, cost=records):
            return
        metrics.RATE_LIMITED.labels(caller.source).inc()
        reset_at, _ = self._limiter.get_window_stats(self._limit, caller.key_id)
        raise problems.too_many(self._limit.amount, max(1, ceil(reset_at - time.time())))
