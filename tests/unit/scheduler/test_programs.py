"""`programs.yaml`: the shipped file, and what is said about mistakes."""

from pathlib import Path

import pytest

from runtime.yaml_file import ConfigError, load_yaml, parse_yaml
from services.scheduler.programs import Programs

SHIPPED = Path("deploy/config/programs.yaml")


def test_the_shipped_file_asks_thirty_days_after_the_purchase() -> None:
    programs = load_yaml(SHIPPED, Programs)
    (program,) = programs.programs
    assert (program.trigger.lifecycle, program.trigger.delay_days) == ("purchased", 30)
    assert (programs.fatigue.gap_days, program.channels) == (180, ("email",))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"programs\.yaml:1: .*cannot be read"):
        load_yaml(tmp_path / "programs.yaml", Programs)


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("delay_days: 30", "delay_days: soon", r"programs\.0\.trigger\.delay_days: .*integer"),
        ("metric: nps", "metric: stars", r"programs\.0\.metric: expected 'nps', 'csat' or 'ces'"),
        ("gap_days: 180", "gap_days: 7", r"fatigue\.gap_days: .*30"),
        ("lifecycle: purchased", "lifecycle: bought", r"programs\.0\.trigger\.lifecycle: .*'purchased'"),
        ("channels: [email]", "channels: [pigeon]", r"programs\.0\.channels\.0: expected 'email'"),
        ("channels: [email]", "channels: []", r"programs\.0\.channels: expected at least one"),
        ("why_we_ask:", "because:", r"programs\.0\.survey\.because: is not known here"),
        ("owner: Customer Success", "owner: ''", r"programs\.0\.owner: "),
        ("- id: new_customer_nps", "- id: New customers", r"programs\.0\.id: "),
    ],
)
def test_a_mistake_is_named_with_its_line(right: str, wrong: str, complaint: str) -> None:
    text = SHIPPED.read_text()
    line = text[: text.index(right)].count("\n") + 1
    with pytest.raises(ConfigError, match=rf"(?m)^p:{line}: {complaint}") as refused:
        parse_yaml(text.replace(right, wrong), Programs, name="p")
    assert len(refused.value.complaints) <= 2


def test_a_program_without_a_follow_up_question_is_refused() -> None:
    lines = [line for line in SHIPPED.read_text().splitlines() if "follow_up_question" not in line]
    with pytest.raises(ConfigError, match=r"follow_up_question: is missing"):
        parse_yaml("\n".join(lines), Programs, name="p")


def test_two_programs_of_one_id_are_refused() -> None:
    text = SHIPPED.read_text()
    entry = text[text.index("  - id:") :]
    with pytest.raises(ConfigError, match=r"used twice: new_customer_nps"):
        parse_yaml(text + entry, Programs, name="p")
