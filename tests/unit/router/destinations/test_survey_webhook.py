"""A webhook that asks a survey vendor to send."""

from pathlib import Path
from typing import Any
from uuid import UUID

from cli.rule_examples import survey_facts
from services.router.destination import Call, Operation
from services.router.destinations.webhook import PLUGIN, Action, payload
from services.router.facts import Facts
from services.router.templates import Templates

SHIPPED = Templates(Path("deploy/config/templates"))


def told(operation: Operation, facts: Facts, **action: str) -> dict[str, Any]:
    content = PLUGIN.render(Action.model_validate(action), facts, SHIPPED)
    assert content is not None
    call = Call(UUID(int=1), operation, 1, None, content.model_dump(mode="json"), 5.0)
    return payload(call)


def test_the_vendor_is_told_all_it_needs_to_ask_and_no_more_when_it_is_withdrawn() -> None:
    facts = survey_facts(
        {"program": "user_nps", "channel": "webhook", "question": "How likely?", "reminder": 1}
    )
    asked = told(Operation.CREATE, facts)
    assert asked["type"] == "survey.requested"
    data = asked["data"]
    assert (data["program"], data["question"], data["reminder"]) == ("user_nps", "How likely?", 1)
    assert data["person"]["email"] == "ann@example.org"
    assert {"request_id", "url", "follow_up_question", "why_we_ask", "closes_at"} <= data.keys()

    withdrawn = told(Operation.RETRACT, facts)
    assert withdrawn["type"] == "survey.withdrawn"
    assert withdrawn["data"].keys() == {"effect_id", "version", "request_id"}


def test_a_person_may_stay_unnamed() -> None:
    person = told(Operation.CREATE, survey_facts({}), person="pseudonymous")["data"]["person"]
    assert (person["email"], person["name"]) == (None, None)
    assert person["key"]
