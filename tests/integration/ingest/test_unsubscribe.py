"""Unsubscribing by a survey's own link, from outside."""

from datetime import UTC, datetime
from uuid import uuid4

from schemas.profiles import ProfileChanged
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from tests.integration.ingest.world import Ingest, eventually, path


def profiles(ingest: Ingest, person_key: str) -> list[ProfileChanged]:
    return [event for event in ingest.events(ProfileChanged) if event.person_key == person_key]


def test_one_click_ends_all_surveys_and_only_the_post_does(ingest: Ingest) -> None:
    request = ingest.ask(person_key="p-tired")
    address = path(request.request_id)
    eventually(lambda: ingest.http.get(address).status_code == 200)
    assert "Send me no more surveys" in ingest.http.get(f"{address}/unsubscribe").text
    assert ingest.http.head(f"{address}/unsubscribe").status_code == 200
    assert profiles(ingest, "p-tired") == []

    for _ in range(2):
        done = ingest.http.post(f"{address}/unsubscribe", data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert "no more surveys" in done.text
    eventually(lambda: bool(profiles(ingest, "p-tired")))
    (profile,) = profiles(ingest, "p-tired")
    assert profile.opted_out_of("any program")
    steps = [step for step in ingest.events(SurveyStepOccurred) if step.request_id == request.request_id]
    assert [step.step for step in steps] == [SurveyStep.UNSUBSCRIBED]


def test_surveys_of_one_program_can_be_ended_and_the_others_go_on(ingest: Ingest) -> None:
    request = ingest.ask(person_key="p-choosy", program="release_nps")
    address = path(request.request_id)
    eventually(lambda: ingest.http.get(address).status_code == 200)
    page = ingest.http.get(f"{address}/unsubscribe").text
    assert f'formaction="{address}/unsubscribe?of=program"' in page

    # As a mail program does, whose List-Unsubscribe names the program's own address.
    done = ingest.http.post(f"{address}/unsubscribe?of=program", data={"List-Unsubscribe": "One-Click"})

    assert "no more surveys like this one" in done.text
    eventually(lambda: bool(profiles(ingest, "p-choosy")))
    (profile,) = profiles(ingest, "p-choosy")
    assert profile.opted_out_of("release_nps")
    assert not profile.opted_out_of("relationship_nps")
    steps = [step for step in ingest.events(SurveyStepOccurred) if step.request_id == request.request_id]
    assert [step.step for step in steps] == [SurveyStep.DECLINED], "who hears UNSUBSCRIBED ends them all"

    assert ingest.http.post(f"{address}/unsubscribe").is_success
    eventually(lambda: len(profiles(ingest, "p-choosy")) == 2)
    assert profiles(ingest, "p-choosy")[-1].opted_out_of("relationship_nps")


def test_a_link_that_was_not_made_by_us_unsubscribes_nobody(ingest: Ingest) -> None:
    address = path(uuid4())
    assert ingest.http.post(f"{address[:20]}/unsubscribe").status_code == 404
    assert ingest.http.get(f"{address[:20]}/unsubscribe").status_code == 404
    assert ingest.http.post(f"{path(uuid4())}/unsubscribe").status_code == 503, "not projected yet"


def test_whoever_tells_a_colleague_gets_no_more_surveys_either(ingest: Ingest) -> None:
    said = SurveyStepOccurred(
        request_id=uuid4(),
        person_key="p-told-maya",
        program="nps",
        channel="slack",
        step=SurveyStep.UNSUBSCRIBED,
        reason="asked maya",
        occurred_at=datetime.now(UTC),
    )
    opened = said.model_copy(update={"step": SurveyStep.CLICKED, "person_key": "p-curious"})

    for event in (opened, said, said):
        ingest.publish(event)

    eventually(lambda: bool(profiles(ingest, "p-told-maya")))
    (profile,) = profiles(ingest, "p-told-maya")
    assert profile.opted_out_of("any program")
    assert profiles(ingest, "p-curious") == []
