"""`feedback sources try` shows what a body becomes, before a vendor sends the first one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from tests.contract.vendors.samples import SAMPLES

SOURCES = """
sources:
  delighted: {vendor: delighted, secrets: [delighted_key]}
  monkey: {vendor: surveymonkey, secrets: [a, b], api_token: t, score: "11", metric: nps}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sources.yaml").write_text(SOURCES)
    return tmp_path


def attempt(folder: Path, vendor: str, source: str) -> tuple[int, str]:
    sample = folder / "sample.json"
    sample.write_text(json.dumps(SAMPLES[vendor].body))
    result = CliRunner().invoke(
        app, ["sources", "try", str(sample), "--source", source, "--dir", str(folder)]
    )
    return result.exit_code, result.output


def test_an_answer_is_shown_as_the_event_it_becomes(folder: Path) -> None:
    code, output = attempt(folder, "delighted", "delighted")
    assert code == 0, output
    assert json.loads(output)["score"] == 9
    assert "person_key" not in output


def test_a_thin_call_names_what_is_fetched(folder: Path) -> None:
    code, output = attempt(folder, "surveymonkey", "monkey")
    assert (code, "/surveys/123456789/responses/987654321/details" in output) == (0, True)


def test_another_vendors_body_is_nothing(folder: Path) -> None:
    assert attempt(folder, "pendo", "delighted") == (0, "nothing (other_event)\n")


def test_an_unknown_source_is_answered_with_those_there_are(folder: Path) -> None:
    code, output = attempt(folder, "pendo", "pigeon")
    assert (code, "delighted, monkey" in output) == (1, True)


def test_every_source_is_listed_with_its_address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIGHTED_KEY", "long enough")
    output = CliRunner().invoke(app, ["sources", "list", "--dir", str(folder)]).output
    assert "/v1/webhooks/delighted" in output
    assert ("there" in output, "missing" in output) == (True, True)
