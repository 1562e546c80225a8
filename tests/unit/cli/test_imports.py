"""Files as people have them: which column is what, what a row becomes, what is wrong with it."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.import_columns import Kind, corrected, guess
from cli.import_file import UnreadableError, headers_of, rows_of
from cli.import_rows import Plan, Reader, RowError
from sandbox.processes import free_port
from schemas.event import Effects
from schemas.scales import Metric
from services.ingest.inputs import ResponseInput, context

# The names are those of each tool's API, which its export repeats; none of the tools publishes a sample file.
EXPORTS = {
    "Delighted": (
        "Response ID,Person ID,Email,Name,Survey Type,Score,Comment,Permalink,Created At,Updated At\n"
        "r-1,p-1,dana@customer.example,Dana,NPS,3,Exports fail.,https://x.example,2026-11-20 08:30:00 UTC,\n"
    ),
    "AskNicely": (
        "response_id,person_id,name,email,answer,answerlabel,comment,responded,question_type\n"
        "r-1,p-1,Dana,dana@customer.example,3,detractor,Exports fail.,1795163400,NPS\n"
    ),
    "Wootric": (
        "id;score;text;end_user_id;email;created_at;updated_at\n"
        "r-1;3;Exports fail.;p-1;dana@customer.example;2026-11-20 08:30:00 +0000;\n"
    ),
}


def written(folder: Path, text: str | bytes, name: str = "answers.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def rehearsed(file: Path, *options: str, kind: str = "history") -> Result:
    return CliRunner().invoke(app, ["import", kind, str(file), "--dry-run", *options])


@pytest.mark.parametrize("tool", EXPORTS)
def test_an_export_needs_no_mapping(tool: str, tmp_path: Path) -> None:
    file = written(tmp_path, EXPORTS[tool])
    headers = headers_of(file)
    guessed = guess(headers, Kind.HISTORY)
    assert guessed.export is not None
    assert guessed.export.tool == tool
    plan = Plan(Kind.HISTORY, guessed.columns, guessed.export.metric)
    [row] = rows_of(file)
    body = Reader(plan).body(row.cells)
    read = ResponseInput.model_validate_json(
        json.dumps(body), context=context(datetime(2026, 11, 22, tzinfo=UTC))
    )
    assert (read.metric, read.score, read.comment, read.source_id) == (Metric.NPS, 3, "Exports fail.", "r-1")
    assert read.responded_at == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    assert (read.respondent.email, read.respondent.visitor_id) == ("dana@customer.example", "p-1")
    assert read.effects is Effects.RECORD
    told = rehearsed(file)
    assert told.exit_code == 0, told.output
    assert f"export of {tool}" in told.stdout
    assert "1 of 1 rows would be imported" in told.stdout


def test_lines_of_json_are_read_like_columns(tmp_path: Path) -> None:
    answer = {
        "id": 9,
        "survey_type": "csat",
        "score": 4,
        "person": {"email": "d@x.example"},
        "created_at": 1795163400,
    }
    file = written(tmp_path, json.dumps(answer) + "\n\n[]\n{\n", "answers.jsonl")
    plan = Plan(Kind.RESPONSES, guess(headers_of(file), Kind.RESPONSES).columns)
    first, *bad = rows_of(file)
    body = Reader(plan).body(first.cells)
    assert (body["metric"], body["score"], body["respondent"]["email"]) == ("csat", 4, "d@x.example")
    assert [str(row.error) for row in bad] == ["expected a JSON object"] * 2


def test_a_column_can_be_named_and_left_out() -> None:
    headers = ["Score", "Text", "Segment"]
    guessed = guess(headers, Kind.RESPONSES)
    assert guessed.unused == ("Segment",)
    told = corrected(guessed, ["context.segment=Segment", "comment="], headers, Kind.RESPONSES)
    assert told.columns == {"score": "Score", "context.segment": "Segment"}
    for wrong in ("colour=Text", "comment=Colour", "comment"):
        with pytest.raises(ValueError, match="expected"):
            corrected(guessed, [wrong], headers, Kind.RESPONSES)


def test_the_same_row_is_the_same_answer_and_another_is_not() -> None:
    plan = Plan(Kind.RESPONSES, {"score": "s", "comment": "c"}, Metric.NPS)
    ids = [Reader(plan).body({"s": score, "c": "x"})["source_id"] for score in ("3", "3", "4")]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-11-20T09:30:00+01:00", "2026-11-20T09:30:00+01:00"),
        ("2026-11-20 09:30:00", "2026-11-20T09:30:00+01:00"),
        ("2026-11-20", "2026-11-20T00:00:00+01:00"),
        ("2026-11-20 08:30:00 UTC", "2026-11-20T08:30:00+00:00"),
        ("1795163400", "2026-11-20T08:30:00+00:00"),
        ("1795163400000", "2026-11-20T08:30:00+00:00"),
    ],
)
def test_times_are_read_as_tools_write_them(cell: str, expected: str) -> None:
    plan = Plan(Kind.HISTORY, {"responded_at": "t"}, Metric.NPS, zone=ZoneInfo("Europe/Berlin"))
    assert Reader(plan).body({"t": cell})["responded_at"] == expected


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"s": "good", "t": "2026-11-20"}, "s"),
        ({"s": "4.5", "t": "2026-11-20"}, "s"),
        ({"s": "4", "t": "11/20/2026"}, "t"),
        ({"s": "4", "t": ""}, "t"),
        ({"s": {"deep": 1}, "t": "2026-11-20"}, "s"),
    ],
)
def test_a_bad_cell_is_named_and_never_repeated(cells: dict[str, object], column: str) -> None:
    with pytest.raises(RowError) as refused:
        Reader(Plan(Kind.HISTORY, {"score": "s", "responded_at": "t"}, Metric.NPS)).body(cells)
    assert str(refused.value).startswith(f"{column}: ")
    assert not any(
        str(cell) in str(refused.value).removeprefix(column) for cell in cells.values() if len(str(cell)) > 1
    )


def test_a_foreign_scale_needs_to_be_told(tmp_path: Path) -> None:
    file = written(tmp_path, "score,created at\n" + "8,2026-11-20\n" * 5)
    refused = rehearsed(file, "--metric", "csat")
    assert (refused.exit_code, "--scores" in refused.stderr) == (2, True)
    told = rehearsed(file, "--metric", "csat", "--scores", "8=4,10=5")
    assert "5 of 5 rows would be imported" in told.stdout


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("score\n3\n", (), "--metric"),
        ("colour,created at\nred,2026-11-20\n", (), "--map score"),
        ("score\n3\n", ("--metric", "nps"), "--map responded_at"),
        ("", (), "found none"),
        ("score,score\n3,3\n", (), "each column's name once"),
        (b"score\n\xe9\n", (), "line 2: expected UTF-8"),
        ("score\n3\n", ("--map", "colour=score"), "expected field=column"),
    ],
)
def test_too_little_to_go_on_is_said(
    text: str | bytes, options: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    refused = rehearsed(written(tmp_path, text), *options)
    assert refused.exit_code == 2
    assert sentence in refused.stderr


def test_a_row_with_other_cells_than_the_first_line_is_refused_alone(tmp_path: Path) -> None:
    file = written(tmp_path, 'score,comment\n3\n9,"two\nlines"\n')
    told = rehearsed(file, "--metric", "nps", kind="responses")
    assert "row 1: expected 2 cells" in told.stdout
    assert "1 of 2 rows would be imported" in told.stdout


def test_a_quotation_without_an_end_is_said(tmp_path: Path) -> None:
    file = written(tmp_path, 'score\n"' + "x" * 200_000)
    with pytest.raises(UnreadableError, match="line 2: expected CSV"):
        list(rows_of(file))


def test_profiles_are_people(tmp_path: Path) -> None:
    file = written(
        tmp_path, "Customer ID,Email,Products,Internal,Plan\nc-1,d@x.example,a; b,yes,team\n", "p.csv"
    )
    told = rehearsed(file, "--map", "traits.plan=Plan", kind="profiles")
    assert "1 of 1 rows would be imported" in told.stdout, told.output
    plan = Plan(
        Kind.PROFILES,
        corrected(
            guess(headers_of(file), Kind.PROFILES), ["traits.plan=Plan"], headers_of(file), Kind.PROFILES
        ).columns,
    )
    [row] = rows_of(file)
    assert Reader(plan).body(row.cells) == {
        "customer_id": "c-1",
        "email": "d@x.example",
        "products": ["a", "b"],
        "internal": True,
        "traits": {"plan": "team"},
    }


def test_accounts_are_read_as_a_crm_exports_them(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "Account ID,Account Name,Owner Email,ARR,Currency,Renewal Date,Plan\n"
        "a-1,Whitfield,kim@company.example,12000.50,eur,2027-03-01,team\n"
        "a-2,Other,kim@company.example,12k,EUR,2027-03-01,team\n"
        "a-3,Third,kim@company.example,1,EUR,3/1/2027,team\n",
        "accounts.csv",
    )
    told = rehearsed(file, "--map", "traits.plan=Plan", kind="accounts")
    assert "row 2: ARR: a number" in told.stdout
    assert "row 3: /renewal_date: expected a date" in told.stdout
    assert "1 of 3 rows would be imported" in told.stdout
    guessed = guess(headers_of(file), Kind.ACCOUNTS)
    body = Reader(Plan(Kind.ACCOUNTS, guessed.columns)).body(next(rows_of(file)).cells)
    assert (body["arr"], body["currency"], guessed.unused) == (12000.5, "EUR", ("Plan",))


def test_moments_say_what_happened_to_whom_and_when(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "event,customer id,occurred at,cancelled,case\n"
        "Renewed,c-1,2026-11-20,no,17\nrenewed,c-1,,no,\nmoved,c-1,2026-11-20,no,\n",
        "moments.csv",
    )
    told = rehearsed(file, "--map", "context.case_id=case", kind="moments")
    assert "row 2: occurred at: a time" in told.stdout
    assert "row 3: /moment: expected one of" in told.stdout
    assert "1 of 3 rows would be imported" in told.stdout
    reader = Reader(Plan(Kind.MOMENTS, guess(headers_of(file), Kind.MOMENTS).columns))
    first, *_ = rows_of(file)
    body = reader.body(first.cells)
    assert body.pop("source_id") == reader.body(first.cells)["source_id"]
    assert body == {
        "moment": "renewed",
        "customer_id": "c-1",
        "occurred_at": "2026-11-20T00:00:00+00:00",
        "retracted": False,
    }


@pytest.mark.parametrize(
    ("kind", "header", "sentence"),
    [
        ("profiles", "email", "--map customer_id"),
        ("accounts", "industry", "--map account_id"),
        ("moments", "event,occurred at", "--map account_id"),
        ("moments", "event,email", "--map occurred_at"),
        ("moments", "email,date", "--map moment"),
    ],
)
def test_what_nobody_could_be_told_apart_by_is_asked_for(
    kind: str, header: str, sentence: str, tmp_path: Path
) -> None:
    refused = rehearsed(written(tmp_path, f"{header}\n{header}\n"), kind=kind)
    assert refused.exit_code == 2
    assert sentence in refused.stderr


class _Busy(BaseHTTPRequestHandler):
    """An ingest that asks to come back once, and then takes everything."""

    is_back = False

    def do_POST(self) -> None:
        bodies = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"results": [{"status": 202} for _ in bodies]}).encode()
        self.send_response(207 if _Busy.is_back else 503)
        self.send_header("Retry-After", "0.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        _Busy.is_back = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(_Busy, "is_back", False)
    monkeypatch.setenv("FEEDBACK_API_KEY", "fr_of_nobody")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Busy) as server:
        monkeypatch.setenv("INGEST_URL", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("busy")
def test_what_is_waited_for_is_said_and_what_is_refused_keeps_its_columns(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [{"score": 3, "comment": "the first is an example"}, {"score": "?", "comment": "Canary comment"}]
    text = "no JSON\n" + "".join(json.dumps(row) + "\n" for row in rows)
    file = written(tmp_path, text, "answers.jsonl")
    told = CliRunner().invoke(app, ["import", "responses", str(file), "--metric", "nps", "--yes"])
    assert "1 of 3 rows were imported" in told.stdout
    assert "Ingest answered 503; trying again in 0 s." in told.stderr
    assert "Canary" not in told.output + "".join(capfd.readouterr())
    refused = (tmp_path / "answers.jsonl.rejected.csv").read_text().splitlines()
    assert refused[:2] == ["row,reason,score,comment", "1,expected a JSON object,,"]
    assert refused[2].endswith(",?,Canary comment")


def test_where_nobody_listens_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("FEEDBACK_API_KEY", "fr_of_nobody")
    file = written(tmp_path, "score,comment\n3,too slow\n")
    told = CliRunner().invoke(app, ["import", "responses", str(file), "--metric", "nps", "--yes"])
    assert told.exit_code == 1
    assert "as INGEST_URL says, does not answer" in told.stderr
    assert "0 rows are done" in told.stderr


def test_a_workbook_is_told_from_text(tmp_path: Path) -> None:
    told = rehearsed(written(tmp_path, b"PK\x03\x04\x14", "answers.xlsx"))
    assert told.exit_code == 2
    assert "save its sheet as CSV" in told.stderr
