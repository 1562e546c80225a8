"""`feedback config check` finds what would keep a service from starting."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.config_check import CHECKS, mistakes

CONFIG_DIR = Path("deploy/config")

BROKEN = {
    "rules.yaml": "rules: [{}]",
    "programs.yaml": "programs: [{id: a}]",
    "survey.yaml": "brand: {}",
    "themes.yaml": "version: 0\nthemes: []",
    "destinations.yaml": "pigeons: {}",
    "people.yaml": "teams: {}",
    "salesforce.yaml": "pigeons: {}",
    "salesforce_customers.yaml": "pigeons: {}",
    "digests.yaml": "digests: [{}]",
    "sources.yaml": "sources: {pigeons: {vendor: pigeon, secrets: [a]}}",
}


def test_the_shipped_files_are_in_order() -> None:
    result = CliRunner().invoke(app, ["config", "check", "--dir", str(CONFIG_DIR)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", CHECKS)
def test_a_mistake_is_named_with_file_and_line(name: str, tmp_path: Path) -> None:
    shutil.copytree(CONFIG_DIR, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_text(BROKEN[name])
    result = CliRunner().invoke(app, ["config", "check", "--dir", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{tmp_path / name}:1: " in result.output


def test_all_missing_files_are_named_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path)
    assert [any(name in mistake for mistake in found) for name in CHECKS] == [True] * len(CHECKS)
