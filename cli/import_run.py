"""One import from its first look at the file to its last row."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import stamina.instrumentation
import typer
from pydantic import BaseModel, ValidationError
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.import_columns import ANSWERS, Guess, Kind, corrected, guess
from cli.import_file import Row, UnreadableError, headers_of, rows_of
from cli.import_progress import Mark, Standing, fingerprint
from cli.import_rows import Plan, Reader, RowError
from cli.import_sender import RefusedError, Sender, batches, say_retry
from cli.terminal import console, end, errors
from schemas.event import Effects
from schemas.scales import SCALES, Metric
from services.ingest.faults import details, faults
from services.ingest.inputs import (
    IdentifiedAccountInput,
    IdentifiedProfileInput,
    LifecycleEventInput,
    ResponseInput,
    context,
)

KEY = "FEEDBACK_API_KEY"
URL = "INGEST_URL"
_DEFAULT_URL = "http://127.0.0.1:8000"
_SAMPLED_ROWS = 1_000
_INTERRUPTED = 130
"""As shells report what Ctrl-C ended."""
_SHOWN_CHARACTERS = 40
_FOREIGN_SHARE = 0.05
"""More scores off the scale than this are no slips of a finger."""


class _Target(NamedTuple):
    """Where records of a kind go, what they are there, and the fields that name what they are about."""

    path: str
    model: type[BaseModel]
    named_by: tuple[str, ...]


_ANSWER = _Target("/v1/responses/batch", ResponseInput, ("source_id",))
_TARGETS: Mapping[Kind, _Target] = {
    Kind.RESPONSES: _ANSWER,
    Kind.HISTORY: _ANSWER,
    Kind.PROFILES: _Target("/v1/profiles/batch", IdentifiedProfileInput, ("customer_id", "email")),
    Kind.ACCOUNTS: _Target("/v1/accounts/batch", IdentifiedAccountInput, ("account_id",)),
    Kind.MOMENTS: _Target("/v1/lifecycle-events/batch", LifecycleEventInput, ("source_id",)),
}

_REQUIRED: Mapping[Kind, Mapping[str, str]] = {
    Kind.RESPONSES: {},
    Kind.HISTORY: {"responded_at": "the time of the answer"},
    Kind.PROFILES: {"customer_id": "your own id of the person"},
    Kind.ACCOUNTS: {"account_id": "your own id of the account"},
    Kind.MOMENTS: {"moment": "what happened", "occurred_at": "when it happened"},
}
"""Fields without which no row of a kind can be sent, and what they are."""


@dataclass(frozen=True, slots=True)
class Options:
    """How careful a run is."""

    dry_run: bool
    yes: bool
    restart: bool


@dataclass(frozen=True, slots=True)
class Import:
    """A file and how it is read."""

    file: Path
    headers: Sequence[str]
    plan: Plan
    guessed: Guess
    reader: Reader

    @classmethod
    def planned(
        cls,
        kind: Kind,
        file: Path,
        *,
        given: Sequence[str],
        metric: Metric | None,
        scores: Mapping[str, int] | None,
        effects: Effects,
        zone: tzinfo,
    ) -> "Import":
        """Looks at the columns; ends the command with code 2 when too little is known of them."""
        try:
            headers = headers_of(file)
            guessed = corrected(guess(headers, kind), given, headers, kind)
        except ValueError as error:
            end(str(error), code=2)
        if metric is None and "metric" not in guessed.columns and guessed.export is not None:
            metric = guessed.export.metric
        plan = Plan(kind, guessed.columns, metric, scores, effects, zone)
        missing = _missing(plan)
        if missing:
            end(f"{missing}. The columns are: {', '.join(headers)}", code=2)
        return cls(file, headers, plan, guessed, Reader(plan))

    def run(self, options: Options) -> None:
        """Shows the columns, asks, and sends, or with `dry_run` only says what would be refused."""
        try:
            sample = list(islice(rows_of(self.file), _SAMPLED_ROWS))
            self._show(sample)
            self._check_scale(sample)
            if options.dry_run:
                self._rehearse()
                return
            if not options.yes:
                typer.confirm("Import it so?", abort=True)
            self._send(is_new=options.restart)
        except UnreadableError as error:
            end(str(error))

    def body(self, row: Row) -> dict[str, Any]:
        """What is sent for a row. Raises RowError."""
        if row.error is not None:
            raise row.error
        return self.reader.body(row.cells)

    def _show(self, sample: Sequence[Row]) -> None:
        table = Table("field", "column", "for example", box=None, pad_edge=False)
        for field, column in self.plan.columns.items():
            cells = (row.cells.get(column) for row in sample)
            example = next((str(cell) for cell in cells if cell not in (None, "")), "")
            table.add_row(field, column, example[:_SHOWN_CHARACTERS])
        if self.plan.kind in ANSWERS:
            if "metric" not in self.plan.columns:
                table.add_row("metric", "", str(self.plan.metric))
            table.add_row("effects", "", self.plan.effects)
        if self.guessed.export is not None:
            console.print(f"This looks like an export of {self.guessed.export.tool}.")
        console.print(table)
        if self.guessed.unused:
            console.print(f"Not used: {', '.join(self.guessed.unused)}")

    def _check_scale(self, sample: Sequence[Row]) -> None:
        """A foreign scale is not guessed: rows that fall on ours by chance would be wrong in silence."""
        off = [row.number for row in sample if self._is_off_scale(row)]
        if len(off) > _FOREIGN_SHARE * len(sample):
            end(
                f"{len(off)} of the first {len(sample)} rows, such as row {off[0]}, have scores off the scale"
                " (nps 0 to 10, csat 1 to 5, ces 1 to 7). Say what this file's mean: --scores theirs=ours,…",
                code=2,
            )

    def _is_off_scale(self, row: Row) -> bool:
        try:
            body = self.body(row)
            scale = SCALES[Metric(body["metric"])]
        except (RowError, KeyError, ValueError):
            return False
        score = body.get("score")
        return score is not None and not scale.lowest <= score <= scale.highest

    def _rehearse(self) -> None:
        model = _TARGETS[self.plan.kind].model
        now = context(datetime.now(UTC))
        rows = refused = 0
        for row in rows_of(self.file):
            rows += 1
            why = self._refusal(row, model, now)
            if why is not None:
                refused += 1
                console.print(f"row {row.number}: {why}")
        console.print(f"{rows - refused} of {rows} rows would be imported. Nothing was sent.")

    def _refusal(self, row: Row, model: type[BaseModel], now: dict[str, Any]) -> str | None:
        try:
            model.model_validate_json(json.dumps(self.body(row)), context=now)
        except RowError as error:
            return str(error)
        except ValidationError as error:
            return "; ".join(f"{one.field}: expected {one.expected}" for one in faults(details(error), model))
        return None

    def _send(self, *, is_new: bool) -> None:
        url = os.environ.get(URL) or _DEFAULT_URL
        key = os.environ.get(KEY) or end(f"Set {KEY}: `feedback keys create` makes one.", code=2)
        mark = Mark(self.file)
        how = {"columns": self.plan.columns, "plan": str(self.plan), "url": url}
        if is_new:
            mark.remove()
        standing = mark.read(fingerprint(self.file, how))
        if standing.rows:
            console.print(f"Going on after row {standing.rows}, where the last run ended.")
        rows = islice(rows_of(self.file), standing.rows, None)
        target = _TARGETS[self.plan.kind]
        rejected = _Rejected(self.file, self.headers, is_more=standing.refused > 0)
        stamina.instrumentation.set_on_retry_hooks([say_retry])
        try:
            with (
                Sender(url, key, target.path, named_by=target.named_by) as sender,
                _bar() as progress,
                rejected,
            ):
                task = progress.add_task(self.file.name, total=self.file.stat().st_size)
                for sent in sender.send(batches(rows, self.body)):
                    standing.refused += rejected.add(sent.rows, sent.refusals)
                    standing.rows += len(sent.rows)
                    mark.write(standing)
                    progress.update(task, completed=sent.rows[-1].end)
        except RefusedError as error:
            end(str(error))
        except httpx2.HTTPError as error:
            end(
                f"Ingest at {url}, as {URL} says, does not answer ({type(error).__name__})."
                f" {_so_far(standing)}"
            )
        except KeyboardInterrupt:
            end(f"Stopped. {_so_far(standing)}", code=_INTERRUPTED)
        mark.remove()
        console.print(f"{standing.rows - standing.refused} of {standing.rows} rows were imported")
        if standing.refused:
            end(f"{standing.refused} rows were refused; they are in {rejected.path}, each with the reason.")


class _Rejected(AbstractContextManager["_Rejected"]):
    """The side file: refused rows as they were, with their number and the reason."""

    def __init__(self, file: Path, headers: Sequence[str], *, is_more: bool) -> None:
        self._headers = headers
        self.path = file.with_name(f"{file.name}.rejected.csv")
        if not is_more:
            self.path.unlink(missing_ok=True)
        self._opened: Any = None

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()

    def add(self, rows: Sequence[Row], refusals: Sequence[str | None]) -> int:
        """Writes those with a reason; returns how many."""
        refused = [(row, why) for row, why in zip(rows, refusals, strict=True) if why is not None]
        if not refused:
            return 0
        if self._opened is None:
            is_new = not self.path.exists()
            self._opened = self.path.open("a", newline="", encoding="utf-8")
            if is_new:
                csv.writer(self._opened).writerow(["row", "reason", *self._headers])
        csv.writer(self._opened).writerows(
            [row.number, why, *(row.cells.get(header) for header in self._headers)] for row, why in refused
        )
        self._opened.flush()
        return len(refused)


def _so_far(standing: Standing) -> str:
    return f"{standing.rows} rows are done; the same command goes on after them."


def _missing(plan: Plan) -> str | None:
    columns = plan.columns
    if plan.kind in ANSWERS and "score" not in columns and "comment" not in columns:
        return "Say which columns hold the answer: --map score=… --map comment=…"
    if plan.kind in ANSWERS and plan.metric is None and "metric" not in columns:
        return "Say what was asked: --metric nps, csat or ces, or --map metric=…"
    if plan.kind is Kind.MOMENTS and not {"customer_id", "email", "account_id"} & columns.keys():
        return "Say whom it happened to: --map customer_id=…, --map email=… or --map account_id=…"
    wanted = next((field for field in _REQUIRED[plan.kind] if field not in columns), None)
    return f"Say which column is {_REQUIRED[plan.kind][wanted]}: --map {wanted}=…" if wanted else None


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, transient=True)
