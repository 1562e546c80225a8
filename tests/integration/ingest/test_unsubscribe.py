"""Unsubscribing by a survey's own link, from outside."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.partitioner import murmur2
from typer.testing import CliRunner, Result

from cli.app import app
from runtime.migrations import migrate
from runtime.postgres import open_pool
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from schemas.topics import BY_NAME
from services.ingest.identity import customer_key
from services.scheduler import app as scheduler
from tests.integration.ingest.test_widget import offered
from tests.integration.ingest.world import KEY, PERSON_KEY_SECRET, Ingest, eventually, path
from tests.integration.scheduler.world import EPOCH, World, purchased

Feedback = Callable[..., Result]


def key_of(customer_id: str) -> str:
    return customer_key(PERSON_KEY_SECRET.encode(), customer_id)


def partition_of(person_key: str) -> int:
    return int(murmur2(person_key.encode())) % BY_NAME[SurveyRequested.TOPIC].partitions


TIRED = "c-tired"
# Of the same partition: once this one is asked, what the other was asked before has been read as well.
WILLING = next(
    name
    for name in (f"c-willing-{number}" for number in range(100))
    if partition_of(key_of(name)) == partition_of(key_of(TIRED))
)


@pytest.fixture(scope="module")
def askers(database: str) -> Iterator[World]:
    """The scheduler's tables beside ingest's."""
    migrate(database, "scheduler")
    with closing(open_pool(database, schema="scheduler", application="tests")) as pool:
        yield World(pool)


@pytest.fixture
def feedback(ingest: Ingest, database: str, monkeypatch: pytest.MonkeyPatch) -> Feedback:
    """The command line, told where everything is."""
    monkeypatch.setenv("INGEST_URL", ingest.url)
    monkeypatch.setenv("FEEDBACK_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("PERSON_KEY_SECRET", PERSON_KEY_SECRET)
    monkeypatch.setattr("cli.person_commands._READERS", frozenset({"ingest"}))
    return lambda *command: CliRunner().invoke(app, command)


def asked_in_the_product(ingest: Ingest) -> list[str]:
    """Whom of the two the widget asks what has just been asked of both."""
    for name in (TIRED, WILLING):
        request = ingest.ask(person_key=key_of(name), channel="in_app")
    address = path(request.request_id)
    eventually(lambda: ingest.http.get(address).status_code == 200)
    return [name for name in (TIRED, WILLING) if offered(ingest, name, tab=f"tab-of-{name}")]


def asked_by_mail(ingest: Ingest, askers: World) -> list[str]:
    """Whom of the two the scheduler asks, of all that Kafka tells it, after both bought something."""
    askers.forget()
    said = [scheduler.read(record) for record in ingest.records(ProfileChanged.TOPIC)]
    today = (datetime.now(UTC) - EPOCH) / timedelta(days=1)
    askers.say(*said, *(purchased(key_of(name), today) for name in (TIRED, WILLING)))
    askers.work_until(today + 40)
    return [name for name in (TIRED, WILLING) if key_of(name) in {key for key, _ in askers.asked()}]


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


def test_neither_an_import_nor_an_erasure_brings_back_who_unsubscribed(
    ingest: Ingest, askers: World, feedback: Feedback, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"customer_id,email\n{TIRED},tired@shop.example\n{WILLING},willing@shop.example\n")
    import_them = ("import", "profiles", str(people), "--yes")
    assert feedback(*import_them).exit_code == 0
    assert asked_in_the_product(ingest) == asked_by_mail(ingest, askers) == [TIRED, WILLING]

    address = path(ingest.ask(person_key=key_of(TIRED)).request_id)
    eventually(lambda: ingest.http.get(address).status_code == 200)
    assert ingest.http.post(f"{address}/unsubscribe", data={"List-Unsubscribe": "One-Click"}).is_success
    people.write_text(people.read_text().replace("tired@", "tired.anew@"))
    assert feedback(*import_them).exit_code == 0
    assert profiles(ingest, key_of(TIRED))[-1].email == "tired.anew@shop.example"
    assert asked_in_the_product(ingest) == asked_by_mail(ingest, askers) == [WILLING]

    assert feedback("person", "erase", "--customer-id", TIRED, "--yes").exit_code == 0
    told = feedback(*import_them)
    assert "1 of 2 rows were imported" in told.stdout
    assert asked_in_the_product(ingest) == asked_by_mail(ingest, askers) == [WILLING]
