"""What the pages read of the programs' file."""

from pathlib import Path

from services.insights.programs import load_purposes

SHIPPED = Path(__file__).parents[3] / "deploy" / "config" / "programs.yaml"


def test_every_program_has_its_goal_and_owner() -> None:
    purposes = load_purposes(SHIPPED)
    assert purposes["prospect_nps"].owner == "Marketing"
    assert all(one.goal for one in purposes.values())


def test_without_a_file_nothing_is_told(tmp_path: Path) -> None:
    assert load_purposes(tmp_path / "programs.yaml") == {}
