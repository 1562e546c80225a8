"""JSON lines that people give us: what is wrong is said line by line, and nothing is lost on the way."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from runtime.json_lines import load_json_lines
from runtime.yaml_file import ConfigError


class _Row(BaseModel):
    text: str


def test_rows_come_in_order_and_empty_lines_are_none(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "one"}\n\n{"text": "two\\u2028"}\n', encoding="utf-8")
    assert [row.text for row in load_json_lines(file, _Row)] == ["one", "two\u2028"]


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": 1}\n{"text": "good"}\nno JSON\n{"text": "odd"}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_json_lines(file, _Row, lambda row: "text: is odd" if row.text == "odd" else None)
    assert [one.removeprefix(f"{file}:")[:8] for one in error.value.complaints] == [
        "1: text:",
        "3: not J",
        "4: text:",
    ]


def test_a_file_that_cannot_be_read_is_a_complaint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_json_lines(tmp_path / "nowhere.jsonl", _Row)
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes('{"text": "schön"}'.encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_json_lines(latin, _Row)
