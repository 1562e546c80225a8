from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runtime.yaml_file import load_yaml
from services.router.salesforce.contents import Earlier, ResponseContent
from services.router.salesforce.org_map import OrgMap
from services.router.salesforce.roll_up import Fate, rolled_up

ORG = load_yaml(Path("deploy/config/salesforce.yaml"), OrgMap)
AT = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)


def answer(score: int = 3, *, at: datetime = AT, earlier: Earlier | None = None) -> ResponseContent:
    told = {"metric": "nps", "score": score, "group": "detractor", "responded_at": at.isoformat()}
    return ResponseContent(
        person_key="k", response_id="r", responded_at=at, earlier=earlier, facts={"response": told}
    )


def shows(at: datetime) -> dict[str, Any]:
    return {"Feedback_Responded_At__c": at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")}


def score_of(fields: Any) -> Any:  # noqa: ANN401 - any JSON value
    return fields and fields["Feedback_Score__c"]


def roll(content: ResponseContent, row: dict[str, Any], *, fate: Fate = Fate.STANDS) -> Any:  # noqa: ANN401
    return rolled_up(content, ORG.contact.fields, row, ORG, fate=fate)


def test_a_later_answer_is_never_overwritten_by_an_earlier_one() -> None:
    assert roll(answer(), shows(AT + timedelta(seconds=1))) == {}
    assert score_of(roll(answer(), shows(AT - timedelta(days=90)))) == 3
    assert score_of(roll(answer(), {})) == 3


def test_an_edit_of_the_answer_that_is_shown_is_written() -> None:
    assert score_of(roll(answer(9), shows(AT))) == 9


def test_a_withdrawn_answer_gives_way_to_the_one_before() -> None:
    before = Earlier(score=8, group="passive", responded_at=AT - timedelta(days=90))

    fields = roll(answer(earlier=before), shows(AT), fate=Fate.WITHDRAWN)

    assert (fields["Feedback_Score__c"], fields["Feedback_Group__c"], fields["Feedback_Metric__c"]) == (
        8,
        "passive",
        "nps",
    )
    assert set(roll(answer(), shows(AT), fate=Fate.WITHDRAWN).values()) == {None}


def test_withdrawing_an_answer_that_is_not_shown_changes_nothing() -> None:
    assert roll(answer(), shows(AT + timedelta(days=1)), fate=Fate.WITHDRAWN) == {}
    assert roll(answer(), {}, fate=Fate.WITHDRAWN) == {}


def test_nothing_of_a_person_who_is_forgotten_counts_again() -> None:
    before = Earlier(score=8, group="passive", responded_at=AT - timedelta(days=90))

    assert set(roll(answer(earlier=before), shows(AT), fate=Fate.FORGOTTEN).values()) == {None}
    assert roll(answer(earlier=before), shows(AT + timedelta(days=1)), fate=Fate.FORGOTTEN) == {}
