"""docs/programs.md: its example is a file the scheduler starts with, and it names every gate in its place."""

import re
from pathlib import Path

from services.scheduler.gates import gates
from services.scheduler.programs import load_programs

PAGE = (Path(__file__).parents[3] / "docs" / "programs.md").read_text(encoding="utf-8")


def test_the_example_is_right(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "programs.yaml").write_text(example, encoding="utf-8")
    [program] = load_programs(tmp_path / "programs.yaml").programs
    assert program.id == "first_month_nps"


def test_gates_stand_in_their_order() -> None:
    table = PAGE.partition("| gate |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [name for name, _ in gates()]
