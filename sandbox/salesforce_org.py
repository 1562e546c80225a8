"""The org the Salesforce double plays: its records, logins, and the day's allowance of calls."""

import time
from typing import Any

from sandbox.rates import Factor
from sandbox.salesforce_checks import SalesforceError
from sandbox.salesforce_login import Login
from sandbox.salesforce_query import run
from sandbox.salesforce_records import Records
from sandbox.soql import parse

MOST_ROWS = 2000
"""Rows of a page unless the caller asks for fewer."""
_DAY_SECONDS = 24 * 3600
_CURSORS_KEPT = 50


class Salesforce:
    """The org: its records, its logins, and the calls used of the day's allowance."""

    def __init__(
        self, records: Records, login: Login, *, daily_calls: int, factor: Factor, public_url: str
    ) -> None:
        self.records = records
        self.login = login
        self.public_url = public_url
        self._daily_calls = daily_calls
        self._factor = factor
        self._day_began = time.monotonic()
        self._cursors: dict[str, list[dict[str, Any]]] = {}
        self.used = 0

    @property
    def allowance(self) -> int:
        """Calls a day."""
        return int(self._daily_calls * self._factor.value)

    def admit(self, authorization: str) -> None:
        """Let a call in and count it; raises SalesforceError without a session or calls left."""
        if not self.login.knows(authorization):
            raise SalesforceError("INVALID_SESSION_ID", "Session expired or invalid", status=401)
        if time.monotonic() - self._day_began > _DAY_SECONDS:
            self._day_began, self.used = time.monotonic(), 0
        if self.used >= self.allowance:
            raise SalesforceError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self.used += 1

    def query(
        self, soql: str, version: str, page_rows: int = MOST_ROWS, *, with_deleted: bool = False
    ) -> dict[str, Any]:
        """Run a query and return its first page."""
        rows, total = run(self.records, parse(soql), with_deleted=with_deleted)
        return self._page(rows, total, version, "0", page_rows=page_rows)

    def query_more(self, cursor: str, version: str, page_rows: int = MOST_ROWS) -> dict[str, Any]:
        """Return the page a former answer's `nextRecordsUrl` points at."""
        name, _, start = cursor.rpartition("-")
        rows = self._cursors.get(name)
        if rows is None or not start.isdecimal():
            raise SalesforceError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(rows, len(rows), version, start, page_rows=page_rows, name=name)

    def _page(
        self,
        rows: list[dict[str, Any]],
        total: int,
        version: str,
        start: str,
        *,
        page_rows: int,
        name: str | None = None,
    ) -> dict[str, Any]:
        end = int(start) + page_rows
        page: dict[str, Any] = {
            "totalSize": total,
            "done": end >= len(rows),
            "records": rows[int(start) : end],
        }
        if not page["done"]:
            if name is None:
                name = f"01g{time.monotonic_ns():x}"
                self._cursors[name] = rows
                while len(self._cursors) > _CURSORS_KEPT:
                    del self._cursors[next(iter(self._cursors))]
            page["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{end}"
        return page
