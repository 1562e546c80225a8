from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from runtime.yaml_file import ConfigError, load_yaml, parse_yaml


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Mail(Strict):
    kind: Literal["mail"]
    to: str


class Post(Strict):
    kind: Literal["post"]
    channel: str


class Rule(Strict):
    id: str
    weight: int = Field(default=1, ge=1)
    do: list[Annotated[Mail | Post, Field(discriminator="kind")]] = []

    @field_validator("id")
    @classmethod
    def _is_a_word(cls, value: str) -> str:
        if " " in value:
            raise ValueError("expected one word")
        return value


class Rules(Strict):
    version: int
    rules: list[Rule]


GOOD = """\
version: 1
rules:
  - id: detractors
    do:
      - kind: post
        channel: "#cs"
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        parse_yaml(text, Rules, name="rules.yaml")
    return refused.value.complaints


def test_a_good_file_becomes_its_model(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(GOOD)
    rules = load_yaml(tmp_path / "rules.yaml", Rules)
    assert rules.rules[0].do == [Post(kind="post", channel="#cs")]


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("version: 1", "version: one", "rules.yaml:1: version: expected a valid integer"),
        (
            "    do:",
            "    weight: 0\n    do:",
            "rules.yaml:4: rules.0.weight: expected greater than or equal to 1",
        ),
        (
            "    do:",
            "    wieght: 2\n    do:",
            "rules.yaml:4: rules.0.wieght: is not known here; did you mean `weight`?",
        ),
        ("  - id: detractors\n    do:", "  - do:", "rules.yaml:3: rules.0.id: is missing"),
        ("id: detractors", "id: two words", "rules.yaml:3: rules.0.id: expected one word"),
        ('channel: "#cs"', "channel: 5", "rules.yaml:6: rules.0.do.0.post.channel: expected a valid string"),
        (
            "kind: post",
            "kind: fax",
            "rules.yaml:5: rules.0.do.0: Input tag 'fax' found using 'kind' does not match",
        ),
        ("    do:", "    id: again\n    do:", "rules.yaml:4: id: is given twice"),
        ("version: 1", "version: [1", "rules.yaml:2: not YAML: "),
        (
            "version: 1",
            "version: !!python/name:os.system",
            "rules.yaml:1: not YAML: could not determine a constructor",
        ),
        (GOOD, "", "rules.yaml:1: version: is missing"),
        (GOOD, "just words", "rules.yaml:1: the file: expected a valid dictionary"),
        ("detractors", "det\x00ractors", "rules.yaml:3: not YAML: "),
    ],
)
def test_a_bad_file_is_refused_with_line_field_and_expectation(
    was: str, becomes: str, complaint: str
) -> None:
    assert complaints(GOOD.replace(was, becomes, 1))[0].startswith(complaint)


def test_every_complaint_is_told_at_once() -> None:
    assert len(complaints("version: x\nrules: y\n")) == 2


def test_a_misspelt_field_is_one_mistake_and_what_was_meant_is_told() -> None:
    assert complaints(GOOD.replace("version: 1", "verson: 1")) == [
        "rules.yaml:1: verson: is not known here; did you mean `version`?"
    ]
    told = complaints(GOOD.replace("version: 1", "colour: 1"))
    assert told == ["rules.yaml:1: version: is missing", "rules.yaml:1: colour: is not known here"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules\.yaml: the file cannot be read: No such file"):
        load_yaml(tmp_path / "rules.yaml", Rules)


def test_what_is_wrong_between_parts_is_named_with_its_line_too() -> None:
    def check(rules: Rules) -> list[tuple[tuple[int | str, ...], str]]:
        return [(("rules", 0, "id"), f"{rule.id!r} is reserved") for rule in rules.rules]

    with pytest.raises(ConfigError) as refused:
        parse_yaml(GOOD, Rules, check, name="rules.yaml")
    assert refused.value.complaints == ["rules.yaml:3: rules.0.id: 'detractors' is reserved"]
    assert parse_yaml(GOOD, Rules, lambda _rules: (), name="rules.yaml").version == 1
