"""`programs.yaml`: the shipped file, and what is said about mistakes."""

from datetime import timedelta
from pathlib import Path

import pytest

from runtime.expressions import Condition
from runtime.yaml_file import ConfigError
from services.scheduler.audience import VOCABULARY
from services.scheduler.fatigue import Fatigue
from services.scheduler.programs import load_programs, parse_programs

SHIPPED = Path("deploy/config/programs.yaml")
SAMPLE = Path("sandbox/sample/programs.yaml")
"""One program with what every program needs."""


def test_the_shipped_file_has_a_program_for_each_segment_of_the_lifecycle() -> None:
    programs = load_programs(SHIPPED)
    assert {program.id for program in programs.programs} >= {
        *("prospect_nps", "trial_not_converted_nps", "new_customer_nps", "renewal_nps", "advocate_nps"),
        *("churn_nps", "onboarding_ces", "case_csat"),
    }
    assert all(program.survey.follow_up_question for program in programs.programs)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"programs\.yaml: .*cannot be read"):
        load_programs(tmp_path / "programs.yaml")


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("delay_days: 30", "delay_days: soon", r"programs\.0\.trigger\.happened\.delay_days: .*integer"),
        ("metric: nps", "metric: stars", r"programs\.0\.metric: expected 'nps', 'csat' or 'ces'"),
        ("gap_days: 180", "gap_days: 7", r"fatigue\.gap_days: .*30"),
        (
            "lifecycle: purchased",
            "lifecycle: bought",
            r".*happened\.lifecycle\.0: .*'purchased'",
        ),
        ("channels: [email]", "channels: [pigeon]", r"programs\.0\.channels\.0: expected 'email'"),
        ("channels: [email]", "channels: []", r"programs\.0\.channels: expected at least one"),
        ("why_we_ask:", "because:", r"programs\.0\.survey\.because: is not known here"),
        (
            "owner: Customer Success",
            "priorty: 1\n    owner: Us",
            r"programs\.0\.priorty: .*did you mean `priority`",
        ),
        ("delay_days:", "delay_day:", r"programs\.0\.trigger\..*delay_day: .*did you mean `delay_days`"),
        ("owner: Customer Success", "owner: ''", r"programs\.0\.owner: "),
        ("- id: new_customer_nps", "- id: New customers", r"programs\.0\.id: "),
    ],
)
def test_a_mistake_is_named_with_its_line(right: str, wrong: str, complaint: str) -> None:
    text = SAMPLE.read_text()
    line = text[: text.index(right)].count("\n") + 1
    with pytest.raises(ConfigError, match=rf"(?m)^p:{line}: {complaint}") as refused:
        parse_programs(text.replace(right, wrong), name="p")
    assert len(refused.value.complaints) <= 2


def test_a_program_without_a_follow_up_question_is_refused() -> None:
    lines = [line for line in SAMPLE.read_text().splitlines() if "follow_up_question" not in line]
    with pytest.raises(ConfigError, match=r"follow_up_question: is missing"):
        parse_programs("\n".join(lines), name="p")


def test_two_programs_of_one_id_are_refused() -> None:
    text = SAMPLE.read_text()
    entry = text[text.index("  - id:") :]
    with pytest.raises(ConfigError, match=r"used twice: new_customer_nps"):
        parse_programs(text + entry, name="p")


TRIGGER = SAMPLE.read_text().partition("    trigger:")[2].partition("    channels:")[0]


@pytest.mark.parametrize(
    ("trigger", "more", "complaint"),
    [
        ("{ every_days: 90 }", "", r"programs\.0\.trigger: asks every 90 days, .* more often than every 180"),
        ("{ every_days: 180 }", "", None),
        ('{ dates: ["03-01", "05-01"] }', "", r"programs\.0\.trigger: asks every 61 days"),
        ('{ dates: ["03-01", "09-01"] }', "", None),
        ('{ dates: ["03-32"] }', "", r"trigger\.wave\.dates\.0: '03-32' is no date; .* such as"),
        ("{ follow_up: resolved }", "", r"programs\.0\.trigger: .*expected `gap: once`"),
        ("{ follow_up: resolved }", "gap: once", None),
        ("{ before_renewal_days: 20 }", "", r"ask_within_days: asks after the event itself: .* at most 20"),
        ("{ lifecycle: release_launched, delay_days: 4 }", "", r"delay_days of at least 5"),
        ("{ whenever: true }", "", r"trigger: expected one of .*`every_days:`"),
        ("{ every_days: 180 }", "fallback_after_days: 3", r"fallback_after_days: there is no second channel"),
        (
            "{ every_days: 180 }",
            "reminders: { after_days: [30] }",
            r"reminders: reminds of .* after 30",
        ),
        ("{ every_days: 180 }", "audience: profile.rolle == 'x'", r"audience: unknown fact profile\.rolle"),
        ("{ every_days: 180 }", "audience: profile.role", r"audience: expected .* true or false"),
    ],
)
def test_what_contradicts_itself_is_refused(trigger: str, more: str, complaint: str | None) -> None:
    text = SAMPLE.read_text().replace(TRIGGER, f" {trigger}\n    {more}\n")
    if complaint is None:
        assert parse_programs(text, name="p").programs
        return
    with pytest.raises(ConfigError, match=complaint):
        parse_programs(text, name="p")


def test_two_files_that_say_the_same_have_one_digest() -> None:
    text = SHIPPED.read_text()
    digest = parse_programs(text, name="p").digest
    assert parse_programs(text + "\n# a remark\n", name="q").digest == digest
    assert parse_programs(text.replace("delay_days: 90", "delay_days: 91"), name="p").digest != digest


@pytest.mark.parametrize(
    ("audience", "days"),
    [
        (None, 90),
        ('profile.role != "end_user"', 90),
        ('history.converted && !(has(profile.role)   && profile.role == "end_user")', 180),
        ('history.converted || !(has(profile.role) && profile.role == "end_user")', 90),
        ('!(has(profile.role) && profile.role == "end_user" && history.converted)', 90),
    ],
)
def test_a_cohort_counts_unless_the_audience_leaves_it_out(audience: str | None, days: int) -> None:
    users = {"who": 'has(profile.role) && profile.role == "end_user"', "gap_days": 90}
    fatigue = Fatigue.model_validate({"gap_days": 180, "cohorts": [users]})
    condition = Condition(audience, VOCABULARY) if audience else None
    assert fatigue.least_gap(condition) == timedelta(days=days)
