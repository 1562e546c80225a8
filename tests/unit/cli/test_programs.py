"""`feedback programs`: check and test; what needs tables is tried in the integration tests."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.program_examples import Example, differences, read_examples
from services.scheduler.programs import load_programs

CONFIG = Path("deploy/config")
PROGRAMS = load_programs(CONFIG / "programs.yaml")
EXAMPLES = read_examples(CONFIG / "programs_test.yaml")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["programs", *arguments])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_shipped_programs_do_what_their_examples_say(example: Example) -> None:
    assert differences([example], PROGRAMS) == []


def test_an_example_that_comes_out_otherwise_is_told() -> None:
    (difference,) = differences([EXAMPLES[0].model_copy(update={"asked": ()})], PROGRAMS)
    assert difference.unexpected == ("new_customer_nps on 2026-02-04",)
    (difference,) = differences([EXAMPLES[0].model_copy(update={"days": 10})], PROGRAMS)
    assert difference.missing == ("new_customer_nps on 2026-02-04",)


def test_check_names_the_line_of_what_is_impossible(tmp_path: Path) -> None:
    assert _run("check").exit_code == 0
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    text = (CONFIG / "programs.yaml").read_text()
    (tmp_path / "programs.yaml").write_text(text.replace("every_days: 180", "every_days: 60"))
    line = text[: text.index("every_days: 180")].count("\n") + 1
    refused = _run("check", "--dir", str(tmp_path))
    assert refused.exit_code == 1
    assert f"programs.yaml:{line}: programs.8.trigger: asks every 60 days" in refused.output.replace(
        "\n", " "
    )


def test_tries_the_examples(tmp_path: Path) -> None:
    assert _run("test").exit_code == 0
    file = tmp_path / "other.yaml"
    text = (CONFIG / "programs_test.yaml").read_text()
    file.write_text(text.replace("day: 2026-02-04", "day: 2026-02-03"))
    wrong = _run("test", str(file))
    assert wrong.exit_code == 1
    assert "missing: new_customer_nps on 2026-02-03" in wrong.output
    assert "not expected: new_customer_nps on 2026-02-04" in wrong.output
