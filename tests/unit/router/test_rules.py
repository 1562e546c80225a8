"""The user's rules file: what is taken, what is refused and where."""

from pathlib import Path

import pytest

from runtime.yaml_file import ConfigError
from services.router.expressions import Condition, context_of
from services.router.plugins import discover
from services.router.rules import Occasion, load_rules
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


FACTS = {
    "response": {"score": 3, "group": "detractor", "themes": ["billing", "export"], "context": {"case": "7"}},
    "profile": {"key": "ann"},
}


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
    condition = Condition(source)
    if expected is None:
        with pytest.raises(ValueError, match="comment"):
            condition.holds(context_of(FACTS))
    else:
        assert condition.holds(context_of(FACTS)) is expected


def test_a_rule_is_evaluated_only_for_its_occasion_and_an_unknown_fact_makes_it_err(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULE + RULE.removeprefix("rules:\n").replace("one", "two").replace("card", "case_two"))
    rules = load_rules(path, PLUGINS, TEMPLATES)

    matched = rules.evaluate(Occasion.RESPONSE, FACTS)
    assert [rule.id for rule in matched.matched] == ["one", "two"]
    unknown = rules.evaluate(Occasion.RESPONSE, {"profile": {"key": "ann"}})
    assert (unknown.matched, set(unknown.erred)) == ((), {"one", "two"})
    assert rules.evaluate(Occasion.SURVEY_REQUEST, FACTS).matched == ()
