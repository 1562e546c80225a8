import json
from pathlib import Path

from typer.testing import CliRunner

from cli.app import app

THEMES = """
version: 1
themes:
  - id: speed
    name: Speed
    description: What is slow.
    function: Product
    keywords: {en: [slow]}
"""


def _run(folder: Path, given: str) -> tuple[int, str, str]:
    (folder / "themes.yaml").write_text(THEMES)
    options = ["--themes", str(folder / "themes.yaml"), "--people", str(folder / "nobody.yaml")]
    result = CliRunner().invoke(app, ["classify", *options], input=given)
    return result.exit_code, result.stdout, result.stderr


def test_lines_come_back_with_what_was_understood(tmp_path: Path) -> None:
    given = {"text": "It is terribly slow", "score": 10, "language": "en", "id": 7}

    code, out, _ = _run(tmp_path, json.dumps(given) + "\n\n" + json.dumps({"text": ""}))

    first, second = map(json.loads, out.splitlines())
    assert code == 0
    assert first.items() >= given.items()
    assert [(tag["theme"], tag["polarity"]) for tag in first["themes"]] == [("speed", -1)]
    assert (first["sentiment"], first["score_text_mismatch"], first["functions"]) == (
        "negative",
        True,
        ["Product"],
    )
    assert second["themes"] == []


def test_a_line_that_is_no_comment_is_named(tmp_path: Path) -> None:
    code, out, errors = _run(tmp_path, '{"text": "slow"}\n["slow"]\n')

    assert (code, out) == (1, "")
    assert "line 2: expected an object" in errors
