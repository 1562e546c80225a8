"""The user's rules file: what is taken, what is refused and where."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from runtime.expressions import Condition
from runtime.yaml_file import ConfigError
from schemas.scales import Metric
from services.router.facts import VOCABULARY, Facts, ProfileFacts, ResponseFacts
from services.router.occasion import Occasion
from services.router.people import People, Team
from services.router.plugins import discover
from services.router.rules import load_rules
from services.router.templates import Templates

CONFIG = Path("deploy/config")
PLUGINS = discover()
TEMPLATES = Templates(CONFIG / "templates")

RULE = """rules:
  - id: one
    why: because
    when: response.score <= 6
    do:
      - id: card
        destination: slack
        channel: "#team"
"""


def _complaint(tmp_path: Path, text: str) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_rules(path, PLUGINS, TEMPLATES)
    return str(refused.value).removeprefix(f"{path}:")


def test_the_shipped_rules_load_and_each_says_why() -> None:
    rules = load_rules(CONFIG / "rules.yaml", PLUGINS, TEMPLATES)
    assert {"detractor", "passive", "promoter", "thank_you", "survey_by_email"} <= rules.ids
    assert all(rule.why for rule in rules.rules)


@pytest.mark.parametrize(
    ("was", "becomes", "line", "words"),
    [
        ("response.score <= 6", "response.skore <= 6", 4, "unknown fact response.skore"),
        ("response.score <= 6", "answer.score <= 6", 4, "unknown name 'answer'"),
        ("response.score <= 6", "response.score <=", 4, "not a CEL expression"),
        ("response.score <= 6", "response.score", 4, "true or false"),
        ("response.score <= 6", "response.score.size() > 1", 4, "cannot be evaluated"),
        ("response.score <= 6", "likely(response.score)", 4, "cannot be evaluated"),
        ('channel: "#team"', "", 6, "channel: is missing"),
        ('channel: "#team"', 'channel: "#team"\n        chanel: x', 9, "chanel: is not known here"),
        ("destination: slack", "destination: fax", 6, "'slack'"),
        ("why: because", "", 2, "why: is missing"),
        ("id: one", "id: One Rule", 2, "id"),
        ("id: card", "id: one", 1, "given twice"),
    ],
)
def test_a_mistake_is_refused_with_its_line(
    tmp_path: Path, was: str, becomes: str, line: int, words: str
) -> None:
    complaint = _complaint(tmp_path, RULE.replace(was, becomes))
    assert complaint.startswith(f"{line}: ")
    assert words in complaint


def test_a_missing_template_is_refused_with_its_line(tmp_path: Path) -> None:
    mail = RULE.replace("slack", "email").replace('channel: "#team"', "template: no_such_mail")
    complaint = _complaint(tmp_path, mail)
    assert complaint.startswith("6: ")
    assert "no_such_mail" in complaint


FACTS: dict[str, dict[str, object]] = {
    "response": {"score": 3, "group": "detractor", "themes": ["billing", "export"], "context": {"case": "7"}},
    "profile": {"key": "ann"},
}
ANSWER = Facts(
    response=ResponseFacts(
        id=UUID(int=1),
        revision=1,
        source="api",
        metric=Metric.NPS,
        score=3,
        responded_at=datetime(2026, 3, 1, tzinfo=UTC),
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
    ),
    profile=ProfileFacts(key="ann"),
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('response.group == "detractor"', True),
        ('"billing" in response.themes', True),
        ('response.themes.exists(theme, theme.startswith("exp"))', False),
        ("has(account.arr) && account.arr > 1000", False),
        ('has(response.context.case) && response.context.case == "7"', True),
        ("response.score < 3.5", True),
        ('response.comment == "response.nonsense"', None),
    ],
)
def test_conditions_over_facts(source: str, expected: bool | None) -> None:
    source = source.replace("startswith", "startsWith").replace('"exp"', '"bxp"')
    condition = Condition(source, VOCABULARY)
    if expected is None:
        with pytest.raises(ValueError, match="comment"):
            condition.holds(VOCABULARY.context(FACTS))
    else:
        assert condition.holds(VOCABULARY.context(FACTS)) is expected
        assert condition.holds(VOCABULARY.context(_only(condition.reads))) is expected


def _only(names: dict[str, set[str]]) -> dict[str, object]:
    return {
        root: {name: value for name, value in facts.items() if name in names.get(root, ())}
        for root, facts in FACTS.items()
    }


def test_a_condition_reads_what_it_names_and_all_of_what_it_names_alone() -> None:
    condition = Condition('response.score < 3 && "a" in response.themes', VOCABULARY)
    assert condition.reads == {"response": {"score", "themes"}}
    whole = Condition('response.score < 3 && ("account.name" in profile || has(account.arr))', VOCABULARY)
    assert whole.reads.keys() == {"response", "profile", "account"}
    assert whole.reads["profile"] == set(ProfileFacts.model_fields)
    assert whole.reads["account"] == {"arr"}


def test_a_rule_is_evaluated_only_for_its_occasion_and_an_unknown_fact_makes_it_err(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULE + RULE.removeprefix("rules:\n").replace("one", "two").replace("card", "case_two"))
    rules = load_rules(path, PLUGINS, TEMPLATES)

    verdicts = list(rules.evaluate(Occasion.RESPONSE, ANSWER))
    assert [(verdict.rule.id, verdict.holds) for verdict in verdicts] == [("one", True), ("two", True)]
    unknown = list(rules.evaluate(Occasion.RESPONSE, Facts(profile=ProfileFacts(key="ann"))))
    assert [(verdict.holds, "score" in str(verdict.error)) for verdict in unknown] == [(False, True)] * 2
    assert list(rules.evaluate(Occasion.SURVEY_REQUEST, ANSWER)) == []


TWO_RULES = RULE + RULE.removeprefix("rules:\n").replace("one", "two").replace("card", "other_card")


@pytest.mark.parametrize(
    ("first", "evaluated"),
    [
        ("", ["one", "two"]),
        ("    stop: true\n", ["one"]),
        ("    stop: true\n    shadow: true\n", ["one", "two"]),
    ],
)
def test_a_rule_that_holds_and_stops_hides_the_later_ones(
    tmp_path: Path, first: str, evaluated: list[str]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(TWO_RULES.replace("    do:", first + "    do:", 1))
    verdicts = load_rules(path, PLUGINS, TEMPLATES).evaluate(Occasion.RESPONSE, ANSWER)
    assert [verdict.rule.id for verdict in verdicts] == evaluated


def test_a_rule_that_stops_and_cannot_be_told_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    erring = TWO_RULES.replace("response.score <= 6", "account.arr > 1.0", 1)
    path.write_text(erring.replace("    do:", "    stop: true\n    do:", 1))
    first, second = load_rules(path, PLUGINS, TEMPLATES).evaluate(Occasion.RESPONSE, ANSWER)
    assert first.error is not None
    assert second.holds


CADENCE = """rules:
  - id: cadence
    why: because
    when: has(response.score)
    do:
      - id: nudge
        ends_on: [reply, "lifecycle:churned"]
        sequence:
          - scores: [0, 4]
            steps:
              - {destination: slack, channel: "#low", after_days: 1}
              - {destination: slack, channel: "#low", after_days: 7, deliver: business_hours}
          - scores: [5, 8]
            steps:
              - {destination: slack, channel: "#middle", after_days: 3}
"""


def test_a_sequence_is_the_steps_of_the_scores_band(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(CADENCE)
    (rule,) = load_rules(path, PLUGINS, TEMPLATES).rules
    steps = {
        score: [(step.id, step.timing.after.days) for step in rule.asked(holds=True, score=score)]
        for score in (0, 4, 5, 9, None)
    }
    low = [("nudge.1", 1), ("nudge.2", 7)]
    assert steps == {0: low, 4: low, 5: [("nudge.1", 3)], 9: [], None: []}
    assert rule.action_ids == {"nudge.1", "nudge.2"}
    assert {step.ends_on for step in rule.asked(holds=True, score=0)} == {("reply", "lifecycle:churned")}
    assert rule.asked(holds=False, score=0) == ()


@pytest.mark.parametrize(
    ("was", "becomes", "line", "words"),
    [
        ("scores: [5, 8]", "scores: [4, 8]", 6, "the score 4 is in two bands"),
        ("scores: [5, 8]", "scores: [8, 5]", 13, "lowest score comes first"),
        ("after_days: 7", "after_days: 0", 9, "after_days never falls"),
        ("after_days: 3", "after_days: 900", 15, "less than or equal to 365"),
        ("lifecycle:churned", "lifecycle:churnt", 7, "lifecycle:churned"),
        ('destination: slack, channel: "#middle"', "destination: fax", 15, "'fax': there is no such dest"),
        ('destination: slack, channel: "#middle"', "destination: slak", 15, "did you mean slack? (expected"),
        ('destination: slack, channel: "#middle"', "channel: fax", 15, ": expected `destination:` with"),
        ("business_hours", "office_hours", 12, "business_hours"),
    ],
)
def test_a_mistake_in_a_sequence_is_refused_with_its_line(
    tmp_path: Path, was: str, becomes: str, line: int, words: str
) -> None:
    complaint = _complaint(tmp_path, CADENCE.replace(was, becomes))
    assert complaint.startswith(f"{line}: ")
    assert words in complaint


def test_a_rule_has_to_do_something(tmp_path: Path) -> None:
    idle = "rules:\n  - id: one\n    why: because\n    when: response.score <= 6\n"
    assert "does nothing" in _complaint(tmp_path, idle)
    path = tmp_path / "rules.yaml"
    path.write_text(f"{idle}    stop: true\n")
    assert load_rules(path, PLUGINS, TEMPLATES).rules[0].stop


def test_a_team_that_people_yaml_does_not_know_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    terms = "    follow_up: {team: nobody, first_contact_hours: 4, resolve_hours: 40}\n"
    path.write_text(RULE + terms)
    with pytest.raises(ConfigError, match=r":9: rules\.0\.follow_up\.team: 'nobody' is no team .* success"):
        load_rules(path, PLUGINS, TEMPLATES, People({"success": Team(name="Success")}))
    assert load_rules(path, PLUGINS, TEMPLATES).rules[0].follow_up is not None
