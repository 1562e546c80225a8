"""Rules edited while the router runs: good ones are taken up, broken ones change nothing."""

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from runtime.yaml_file import ConfigError
from services.router.plan import Playbook
from services.router.plugins import discover
from services.router.rules import load_rules
from services.router.rules_watch import RulesWatch
from services.router.templates import Templates

PLUGINS = {name: plugin for name, plugin in discover().items() if not plugin.is_named}
RULE = """\
rules:
  - id: thanks
    why: they took the time
    when: has(response.score)
    do: [{{id: auto_mail, destination: email, template: {template}}}]
"""


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "templates").mkdir()
        self.template("thanks", "Subject: Thank you\n\nThank you.")
        self.rules(RULE.format(template="thanks"))
        self.taken: list[Playbook] = []
        self.watch = RulesWatch(path, self.load)
        self.watch.tell(self.taken.append)

    def rules(self, text: str) -> None:
        (self.path / "rules.yaml").write_text(text)

    def template(self, name: str, text: str) -> None:
        (self.path / "templates" / f"{name}.txt.j2").write_text(text)
        (self.path / "templates" / f"{name}.html.j2").write_text("<p>Thank you.</p>")

    def load(self) -> Playbook:
        templates = Templates(self.path / "templates")
        return Playbook(load_rules(self.path / "rules.yaml", PLUGINS, templates), PLUGINS, templates)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def refused() -> float | None:
    return REGISTRY.get_sample_value("feedback_rules_refused")


def test_what_has_not_changed_is_not_read_again(folder: Folder) -> None:
    folder.watch.look()

    assert folder.taken == []


def test_edited_rules_and_templates_are_taken_up(folder: Folder) -> None:
    folder.rules(RULE.format(template="thanks") + "    shadow: true\n")
    folder.watch.look()
    folder.template("thanks", "Subject: Thanks a lot\n\nThank you.")
    folder.watch.look()
    folder.watch.look()

    assert [playbook.rules.rules[0].shadow for playbook in folder.taken] == [True, True]


@pytest.mark.parametrize(
    "broken",
    [
        "rules: [",
        "rules: []",
        RULE.format(template="missing"),
        RULE.format(template="thanks").replace("has(", "hase("),
        RULE,
    ],
)
def test_a_broken_file_leaves_the_last_good_rules_in_use_until_it_is_put_right(
    folder: Folder, broken: str
) -> None:
    good = RULE.format(template="thanks")
    folder.rules(broken)
    with pytest.raises(ConfigError):
        folder.load()

    folder.watch.look()
    assert (folder.taken, refused()) == ([], 1)

    folder.rules(good)
    folder.watch.look()
    assert (len(folder.taken), refused()) == (1, 0)


def test_files_that_are_gone_for_a_moment_change_nothing(folder: Folder) -> None:
    (folder.path / "rules.yaml").unlink()
    folder.watch.look()
    assert folder.taken == []
