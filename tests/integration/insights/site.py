"""The pages on a real database with a year of answers, served to browsers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

import httpx2
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from runtime.postgres import Pool
from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.outcomes import FollowUpSnapshot, OutcomeKind, OutcomeRecorded
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStepOccurred
from services.insights.closed_loop_store import CONTACT
from services.insights.programs import Purpose
from services.insights.source import Source
from services.insights.web.add_pages import add_pages
from services.insights.web.settings import PageSettings
from tests.integration.insights.world import (
    EPOCH,
    UTC_ZONE,
    World,
    account,
    answered,
    hour,
    launched,
    outcome,
    profile,
    request_id,
    requested,
    sent,
)

PASSWORD = "a password for tests"  # noqa: S105 - of nothing but the tests' own pages
NOW = hour(24 * 90)
COMMENTS = {
    "onboarding": ("Setting it up took us two weeks and three calls.", "The first day was clear and quick."),
    "price": ("Too expensive since the last renewal.", "Fair price for what it does."),
    "support": ("Nobody answered for four days.", "Maria of your support saved our launch!"),
    "reporting": ("Exports time out on large accounts.", "The new reports are what my boss looks at first."),
}
SEGMENTS = ("enterprise", "mid_market", "small_business", "")
PURPOSES = {
    "yearly": Purpose(
        id="yearly", goal="Hear once a year whether they would come again.", owner="Customer success"
    )
}
OFFERS = (("review",), ("review", "referral"), (), ("case_study",), ())
ROLES = ("key_contact", "end_user", "buyer")


class Still:
    """Shows the day after the last answer."""

    def now(self) -> datetime:
        return NOW


def page_settings(**changes: object) -> PageSettings:
    given = {"session_secret": SecretStr("s" * 32), "local_password": SecretStr(PASSWORD), **changes}
    return PageSettings.model_validate(given)


def live_a_quarter(world: World, people: int = 420) -> None:
    """Answers of a company that gets better: twice from each, the second after a release in the middle."""
    chance = Random(8)  # noqa: S311 - the same figures in every run, no secret
    companies = [_company(n, 0) for n in range(40)]
    companies += [_company(n, 24 * day, version=2, stage="lost") for n, day in ((7, 50), (11, 20))]
    profiles, answers = [], []
    for n in range(people):
        person = f"person-{n}"
        segment = SEGMENTS[min(3, int(chance.random() ** 1.5 * 4))]
        profiles.append(
            profile(
                person,
                0,
                name=f"Person {n}",
                email=f"{person}@customer.test",
                account_id=f"acc-{n % 40}",
                segment=segment or None,
                role=chance.choice(ROLES),
                stage="prospect" if n % 20 == 0 else "customer",
                consents=[
                    {"topic": topic, "wording": "I would.", "given_at": hour(0)} for topic in OFFERS[n % 5]
                ],
            )
        )
        for number, mood in ((1, 0.0), (2, 1.2)):
            theme = chance.choice(list(COMMENTS))
            liking = 7.4 + mood + {"price": -2.5, "support": 1}.get(theme, 0) - SEGMENTS.index(segment) * 0.5
            score = min(10, max(0, round(chance.gauss(liking, 2.2))))
            bad, good = COMMENTS[theme]
            words = None if chance.random() < 0.3 else good if score > 6 else bad
            answers.append(
                answered(
                    person,
                    24 * (chance.randrange(44) + 45 * (number - 1)) + 9,
                    score,
                    number=number,
                    comment=words,
                    themes=(theme,) if words else (),
                    sentiment=("positive" if score > 6 else "negative") if words else None,
                    program="yearly_nps",
                    channel=chance.choice(("email", "in_app")),
                    request_id=request_id(n) if number == 2 and n % 3 else None,
                )
            )
    world.say(
        *companies,
        *profiles,
        *answers,
        *_asked(answers),
        *_heard_back(answers, chance),
        launched(24 * 44, "4.0"),
    )


def _asked(answers: list[ResponseClassified]) -> Iterator[SurveyRequested | SurveyStepOccurred]:
    """Everybody was sent a survey the second time, and a third of them did not come by it."""
    for answer in answers:
        person, number = answer.response.source_id.split()
        if number == "2":
            asked, at = int(person.removeprefix("person-")), _received(answer) - 20
            yield requested(person, asked, at)
            yield sent(person, asked, at)


def _company(n: int, at: float, *, version: int = 1, stage: str = "customer") -> AccountChanged:
    return account(
        f"acc-{n}",
        at,
        version,
        name=f"Company {n}",
        owner_email=f"owner-{n % 3}@ours.test",
        stage=stage,
        arr=1_000 * (1 + n % 9),
        currency="EUR",
        renewal_date=hour(24 * 60).date() if n % 2 else None,
    )


def _heard_back(answers: list[ResponseClassified], chance: Random) -> Iterator[OutcomeRecorded]:
    """A colleague contacts most of the unhappy, some of them late; a mail thanks others."""
    for answer in answers:
        response = answer.response
        person, number = response.source_id.split()
        received = _received(answer)
        if response.score is None:
            continue
        if response.score > 8 and int(person.removeprefix("person-")) % 4 == 0:
            told = {"action": "advocacy_ask", "reason": "invited" if response.score == 9 else "published"}
            yield outcome(person, int(number), received + 90, OutcomeKind.ADVOCACY_CHANGED, **told)
        if response.score > 6:
            continue
        is_contacted = chance.random() < 0.6
        yield _opened(answer, contacted_after=50 if is_contacted else None)
        if is_contacted:
            if chance.random() < 0.2:
                yield outcome(person, int(number), received + 48, OutcomeKind.SLA_BREACHED, reason=CONTACT)
            yield outcome(person, int(number), received + 50, OutcomeKind.CONTACTED)


def _opened(answer: ResponseClassified, *, contacted_after: float | None) -> OutcomeRecorded:
    """Every follow-up stays open; those of every third account wait for somebody to take them."""
    person, number = answer.response.source_id.split()
    received, owner = _received(answer), (None, "maya", "jonas")[int(person.removeprefix("person-")) % 3]
    snapshot = FollowUpSnapshot(
        version=1,
        owner=owner,
        team="customer_success",
        opened_at=hour(received),
        first_contact_due_at=hour(received + 8),
        resolve_due_at=hour(received + 80),
        contacted_at=hour(received + contacted_after) if contacted_after is not None else None,
    )
    return outcome(person, int(number), received, OutcomeKind.OPENED, follow_up=snapshot)


def _received(answer: ResponseClassified) -> float:
    return (answer.response.received_at - EPOCH) / timedelta(hours=1)


@contextmanager
def running(app: FastAPI, listening: socket.socket) -> Iterator[None]:
    """Serves the application on a socket that listens already."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def at_work(app: FastAPI) -> Iterator[str]:
    """The address of a running application."""
    with socket.create_server(("127.0.0.1", 0)) as listening, running(app, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def served(pool: Pool, settings: PageSettings | None = None) -> Iterator[str]:
    """The address of the running pages."""
    app = FastAPI()
    source = Source(pool=pool, clock=Still(), zone=UTC_ZONE)
    add_pages(app, source, settings or page_settings(), PURPOSES)
    with at_work(app) as address:
        yield address


@contextmanager
def visitor(address: str) -> Iterator[httpx2.Client]:
    """Somebody who has signed in with the password of a development machine."""
    with httpx2.Client(base_url=address, trust_env=False, follow_redirects=True) as client:
        told = {"token": token_on(client.get("/sign-in").text), "password": PASSWORD}
        assert client.post("/sign-in/password", data=told).status_code == 200
        yield client


def token_on(html: str) -> str:
    """What the forms of a page carry."""
    return html.split('name="token" value="')[1].split('"', maxsplit=1)[0]
