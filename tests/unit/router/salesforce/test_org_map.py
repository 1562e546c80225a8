from pathlib import Path
from typing import Any

import pytest

from runtime.yaml_file import ConfigError, load_yaml, parse_yaml
from services.router.salesforce.org_map import OrgMap, mappable, shown
from tests.contract.destinations.world import facts

SHIPPED = load_yaml(Path("deploy/config/salesforce.yaml"), OrgMap)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("fields: {Score__c: response.scor}", r"salesforce\.yaml:2: case\.fields\.Score__c: .*no fact"),
        ("fields: {Score__c: survey.program}", "no fact"),
        ("fields: {Who__c: profile.email}", "no fact"),
        ("fields: {Who__c: profile.traits}", "no fact"),
        ("fields: {Who__c: response.score.high}", "no fact"),
        ("fields: {'Id FROM User': response.score}", "String should match pattern"),
        ("record_type: 'x y'", "record_type"),
        ("colour: red", r"salesforce\.yaml:2: case\.colour: is not known here"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_field(line: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        parse_yaml(f"case:\n  {line}\n", OrgMap, name="salesforce.yaml")


def test_a_field_may_show_a_trait_or_what_the_question_was_about() -> None:
    fields = {"Plan__c": "profile.traits.plan", "Release__c": "response.context.release"}

    assert parse_yaml(f"case: {{fields: {fields}}}", OrgMap, name="x").case.fields == fields


def test_fields_show_what_is_known_in_the_orgs_own_words() -> None:
    about = facts(score=2)
    assert about.response is not None
    about = about.model_copy(
        update={"response": about.response.model_copy(update={"themes": ("export", "pricing")})}
    )
    org = SHIPPED.model_copy(update={"themes": {"export": "Data Export"}})

    values = shown(org.case.fields | {"Stage__c": "profile.stage"}, mappable(about), org)

    assert values["Feedback_Themes__c"] == "Data Export;pricing"
    assert (values["Feedback_Score__c"], values["Feedback_Group__c"]) == (2, "detractor")
    assert "Stage__c" not in values


def test_a_list_is_cut_at_a_whole_entry_to_fit_a_text_field() -> None:
    written = [f"theme_number_{number}" for number in range(40)]
    many: Any = {"response": {"themes": [*written]}}

    themes = shown({"Themes__c": "response.themes"}, many, SHIPPED)["Themes__c"]

    assert isinstance(themes, str)
    assert 200 < len(themes) <= 255
    assert set(themes.split(";")) < set(written)


def test_no_name_or_address_lies_in_what_fields_may_show() -> None:
    assert "Mirela" not in str(mappable(facts(comment=None)))
    assert "customer.test" not in str(mappable(facts(comment=None)))
