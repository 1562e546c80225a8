"""Sends batches of records to ingest's API, several at a time, and hears of each in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import httpx2
import stamina
from pydantic_core import from_json, to_json
from stamina.instrumentation import RetryDetails

from cli.import_file import Row
from cli.terminal import errors

BATCH = 1_000
AT_ONCE = 4
TIMEOUT_SECONDS = 60.0
GIVE_UP_SECONDS = 300.0
"""How long one batch is tried while ingest does not answer or asks to come back."""
WAIT_SECONDS = 10.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})


class RefusedError(Exception):
    """Ingest refuses the whole call; says why."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch: its rows, each with why it was refused or None."""

    rows: Sequence[Row]
    refusals: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows in order; a row has a body, or why it has none."""

    rows: Sequence[Row]
    bodies: Sequence[dict[str, Any] | None]
    refusals: Sequence[str | None]

    def subjects(self, named_by: Sequence[str]) -> set[str]:
        """Whom or what its records are about, by the fields that name it."""
        return {
            str(value).casefold()
            for body in self.bodies
            if body is not None
            for field in named_by
            if (value := body.get(field)) is not None
        }


@dataclass(frozen=True, slots=True)
class _Travelling:
    """A batch on its way."""

    batch: Batch
    subjects: set[str]
    results: "Future[list[str | None]]"

    def sent(self) -> Sent:
        return Sent(self.batch.rows, self.results.result())


class Sender(AbstractContextManager["Sender"]):
    """Sends to one address with one API key.

    Of two records about the same the later one of the file counts, so a batch waits for those before it that
    are about the same as it; `named_by` are the fields that say so.
    """

    def __init__(self, url: str, key: str, path: str, *, named_by: Sequence[str]) -> None:
        self._path = path
        self._named_by = named_by
        self._has_answered = False
        self._http = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, batches: Iterable[Batch]) -> Iterator[Sent]:
        """What became of each batch, in order; at most a few are in memory.

        Raises RefusedError, and httpx2.HTTPError when ingest stays away, at once when it never was there.
        """
        waiting: deque[_Travelling] = deque()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="import") as threads:
            try:
                for batch in batches:
                    subjects = batch.subjects(self._named_by)
                    before = [one.results for one in waiting if not subjects.isdisjoint(one.subjects)]
                    results = threads.submit(self._results, batch, before)
                    waiting.append(_Travelling(batch, subjects, results))
                    if len(waiting) > AT_ONCE:
                        yield waiting.popleft().sent()
                while waiting:
                    yield waiting.popleft().sent()
            finally:
                for one in waiting:
                    one.results.cancel()

    def _results(self, batch: Batch, before: Sequence["Future[list[str | None]]"]) -> list[str | None]:
        for earlier in before:
            earlier.result()
        bodies = [body for body in batch.bodies if body is not None]
        results = iter(self._post(bodies) if bodies else ())
        return [
            refusal if body is None else _why(next(results))
            for body, refusal in zip(batch.bodies, batch.refusals, strict=True)
        ]

    def _post(self, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        content = to_json(bodies)
        # Not the decorator: it logs the arguments of what it repeats, and these are people's answers.
        for attempt in stamina.retry_context(
            on=self._come_back, attempts=None, timeout=GIVE_UP_SECONDS, wait_max=WAIT_SECONDS
        ):
            with attempt:
                answer = self._http.post(self._path, content=content)
                self._has_answered = True
                if answer.status_code in _TRY_AGAIN:
                    answer.raise_for_status()
        if not answer.is_success:
            raise RefusedError(_detail(answer))
        results: list[dict[str, Any]] = from_json(answer.content)["results"]
        return results

    def _come_back(self, error: Exception) -> bool | float:
        if isinstance(error, httpx2.HTTPStatusError):
            return float(error.response.headers.get("retry-after", 1))
        if isinstance(error, httpx2.ConnectError):
            return self._has_answered
        return isinstance(error, httpx2.TransportError)


def say_retry(details: RetryDetails) -> None:
    """Tells whoever imports what is waited for, and for how long."""
    cause = details.caused_by
    if isinstance(cause, httpx2.HTTPStatusError):
        what = f"Ingest answered {cause.response.status_code}"
    else:
        what = f"Ingest does not answer ({type(cause).__name__})"
    errors.print(f"{what}; trying again in {details.wait_for:.0f} s.")


def batches(rows: Iterable[Row], body: Callable[[Row], dict[str, Any]]) -> Iterator[Batch]:
    """Rows in batches; `body` raises ValueError for a row that cannot be sent, with the reason."""
    taken: list[tuple[Row, dict[str, Any] | None, str | None]] = []
    for row in rows:
        try:
            taken.append((row, body(row), None))
        except ValueError as error:
            taken.append((row, None, str(error)))
        if len(taken) == BATCH:
            yield Batch(*zip(*taken, strict=True))
            taken = []
    if taken:
        yield Batch(*zip(*taken, strict=True))


def _why(result: dict[str, Any]) -> str | None:
    """Why a record was refused, in the words of the API."""
    faults = result.get("errors")
    return "; ".join(f"{one['field']}: expected {one['expected']}" for one in faults) if faults else None


def _detail(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"ingest answered {answer.status_code}"
