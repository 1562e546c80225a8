"""`feedback rules`: check, test and explain; what needs the ledger is tried in the integration tests."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.playbook import load_playbook
from cli.rule_examples import Example, differences, facts_of, plan_of, read_examples
from services.router.facts import OpenFollowUps
from services.router.templates import VARIABLES

if TYPE_CHECKING:
    from pydantic import BaseModel

CONFIG = Path("deploy/config")
GUIDE = Path("docs/rules.md").read_text()
PLAYBOOK = load_playbook(CONFIG)
EXAMPLES = read_examples(CONFIG / "rules_test.yaml")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rules", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_shipped_rules_do_what_their_examples_say(example: Example) -> None:
    assert differences([example], PLAYBOOK) == []


def test_every_shipped_action_has_an_example() -> None:
    tried = {action for example in EXAMPLES for action in example.actions}
    assert tried == {action for rule in PLAYBOOK.rules.rules for action in rule.action_ids}


def test_every_shipped_rule_says_why_and_where_that_comes_from() -> None:
    rules = PLAYBOOK.rules.rules
    assert all(rule.why for rule in rules)
    assert [rule.id for rule in rules if not rule.source] == [
        "survey_by_email",
        "survey_reminder_by_email",
        "survey_last_reminder_by_email",
    ]


def test_an_automatic_mail_is_never_beside_a_comment_and_never_twice() -> None:
    for score in range(11):
        for comment in (None, "words"):
            response = {"score": score} | ({"comment": comment} if comment else {})
            facts = facts_of({"response": response, "profile": {"email": "ann@shop.example"}})
            mails = [one for one in plan_of(facts, PLAYBOOK).wanted if one.destination == "email"]
            assert len(mails) == (comment is None)


def test_what_the_page_about_rules_shows_holds(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    shown = [block for block in blocks if block.startswith("rules:")]
    (examples,) = [block for block in blocks if block.startswith("examples:")]
    playbooks = []
    for number, block in enumerate(shown):
        path = tmp_path / f"{number}.yaml"
        path.write_text(block)
        playbooks.append(load_playbook(CONFIG, path))
    path = tmp_path / "examples.yaml"
    path.write_text(examples)
    assert len(shown) + 1 == len(blocks)
    assert differences(read_examples(path), playbooks[0]) == []


def test_the_page_about_rules_names_only_facts_there_are() -> None:
    table = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", GUIDE.partition("## Actions")[0], re.MULTILINE))
    models: dict[str, type[BaseModel]] = {**VARIABLES, "open_follow_ups": OpenFollowUps}
    assert table.keys() == models.keys()
    for name, told in table.items():
        assert set(re.findall(r"`(\w+)`", told)) <= models[name].model_fields.keys(), name


def test_check_counts_the_rules_and_names_a_mistake_with_its_line(folder: Path) -> None:
    good = _run("check", "--dir", str(folder))
    assert (good.exit_code, "rules with" in good.output) == (0, True)
    rules = folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("template: tips", "template: tricks"))
    bad = _run("check", "--dir", str(folder))
    assert bad.exit_code == 1
    assert "rules.yaml:" in bad.output
    assert "tricks.txt.j2" in bad.output


def test_an_example_that_does_not_come_out_names_what_is_missing_and_what_is_not_expected(
    folder: Path,
) -> None:
    rules = folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("id: billing_card", "id: invoice_card"))
    tried = _run("test", "--dir", str(folder))
    assert tried.exit_code == 1
    assert "  missing: billing_card" in tried.output
    assert "  not expected: invoice_card" in tried.output
    assert f"{len(EXAMPLES) - 1} of {len(EXAMPLES)} examples" in tried.output


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{response: {skore: 3}}", "response.skore is no fact"),
        ("{answer: {score: 3}}", "answer is no fact"),
        ("{response: {score: 11}}", "scores from 0 to 10"),
        ("{response: {metric: stars}}", "stars"),
    ],
)
def test_an_example_with_what_is_no_fact_is_refused_with_its_line(
    folder: Path, given: str, words: str
) -> None:
    file = folder / "mine.yaml"
    file.write_text(f"examples:\n  - name: one\n    given: {given}\n    actions: []\n")
    tried = _run("test", str(file), "--dir", str(folder))
    assert tried.exit_code == 1
    assert "mine.yaml:3: " in tried.output
    assert words in tried.output


def _explained(folder: Path, facts: object) -> Sequence[str]:
    file = folder / "facts.json"
    file.write_text(json.dumps(facts))
    done = _run("explain", str(file), "--dir", str(folder))
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_explain_says_of_each_rule_why_it_did_or_did_not_do_something(folder: Path) -> None:
    said = _explained(folder, {"response": {"score": 7}, "profile": {"email": "ann@shop.example"}})
    assert "tips: holds" in said
    assert "  → auto_mail: email" in said
    assert "detractor: does not hold" in said
    assert '   no  response.group in ["detractor", "negative"]   [response.group = \'passive\']' in said
    thanks = said[said.index("thank_you: holds") :]
    assert "  → auto_mail: not planned here" in thanks


def test_explain_tells_a_rule_that_cannot_be_told_and_one_that_was_not_looked_at(folder: Path) -> None:
    rules = folder / "rules.yaml"
    first = "rules:\n  - id: vip\n    why: because\n    when: profile.traits.vip == true\n    stop: true\n"
    rules.write_text(rules.read_text().replace("rules:\n", first, 1))
    unknown = _explained(folder, {"response": {"score": 7}})
    assert "vip: cannot be told" in unknown
    stopped = _explained(folder, {"response": {"score": 7}, "profile": {"traits": {"vip": True}}})
    assert "record: was not looked at" in stopped
    assert "  because vip holds and stops" in stopped


def test_explain_refuses_what_is_neither_an_id_nor_a_file(folder: Path) -> None:
    done = _run("explain", "yesterday", "--dir", str(folder))
    assert done.exit_code == 2
