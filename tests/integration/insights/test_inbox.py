"""The inbox and an answer's page, with the router's own API behind their forms."""

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from time import time
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from itsdangerous import TimestampSigner
from pydantic import SecretStr
from selenium.webdriver.common.by import By

from runtime.migrations import migrate
from runtime.operator import Operator
from runtime.postgres import Pool, open_pool
from runtime.problems import add_problem_handlers
from schemas.classified import ResponseClassified
from services.router import answer_api, follow_up_api, follow_up_store
from services.router.answer_api import Answers
from services.router.delivery import Connected
from services.router.destinations import email
from services.router.follow_up import FollowUp
from services.router.ledger import PLANS_BY_KEY
from services.router.letters import Letters
from services.router.upkeep import ensure_partitions
from tests.chromium import chromium, complaints, fits, picture, resize, violations
from tests.integration.insights.site import PASSWORD, at_work, page_settings, served, token_on, visitor
from tests.integration.insights.test_pages_in_browser import follow
from tests.integration.insights.world import World, hour
from tests.integration.router.test_follow_ups import RULES
from tests.integration.router.world import World as RouterWorld
from tests.integration.router.world import answer

KEY = "o" * 32
ANN = "ann@acme.test"


@dataclass(frozen=True)
class Desk:
    """An unhappy answer that both services know, and the address of the pages."""

    answer: ResponseClassified
    insights: World
    router: RouterWorld
    address: str

    @property
    def path(self) -> str:
        return f"/answers/{self.answer.response.response_id}"

    def follow_up(self) -> FollowUp:
        subject = f"response:{self.answer.response.response_id}"
        with self.router.pool.connection() as connection:
            return follow_up_store.of_subjects(connection, [subject])[subject]

    def hear(self) -> None:
        """Tells insights what the router said."""
        self.insights.say(*self.router.said())


@pytest.fixture(scope="module")
def router_pool(database: str) -> Iterator[Pool]:
    migrate(database, "router")
    pool = open_pool(database, schema="router", application="tests", options=PLANS_BY_KEY)
    with pool.connection() as connection:
        ensure_partitions(connection)
    yield pool
    pool.close()


@pytest.fixture
def desk(world: World, router_pool: Pool, tmp_path: Path) -> Iterator[Desk]:
    router = RouterWorld(router_pool, tmp_path)
    router.forget()
    router.use_rules(RULES)
    router.clock.time = hour(24 * 80)
    unhappy = answer(2, comment="Nobody answers.", responded_at=hour(24 * 80))
    router.say(unhappy)
    world.say(unhappy)
    with ExitStack() as stack:
        url = stack.enter_context(at_work(_api(router)))
        given = {"router_url": url, "router_operator_key": SecretStr(KEY), "local_email": ANN}
        yield Desk(unhappy, world, router, stack.enter_context(served(world.pool, page_settings(**given))))


def _api(router: RouterWorld) -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)
    operator = Operator(SecretStr(KEY), "ROUTER_OPERATOR_KEY")
    known: dict[str, Any] = {"desk": router.desk, "pool": router.pool, "clock": router.clock}
    letters = Letters(router.desk, router.clock, Connected(email.PLUGIN, None, None), router.policy)
    answers = Answers(**known, plugins=router.plugins, letters=letters, themes={"support": "Support"})
    app.include_router(answer_api.routes(answers, operator))
    app.include_router(follow_up_api.routes(**known, operator=operator))
    return app


def fill(client: httpx2.Client, desk: Desk, name: str, **fields: str) -> httpx2.Response:
    """Sends a form of the answer's page, as it stands there."""
    page = client.get(desk.path).text
    form = re.search(rf'action="{desk.path}/{name}">(.*?)</form>', page, re.DOTALL)
    assert form is not None, page
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', form[1]))
    return client.post(f"{desk.path}/{name}", data=hidden | fields)


def test_whoever_takes_it_has_it_and_what_they_did_is_told_on_the_page(desk: Desk) -> None:
    with visitor(desk.address) as client:
        assert "heard nothing" in client.get("/inbox").text.lower()
        assert "Nobody answers." in client.get("/inbox").text
        assert "Done." in fill(client, desk, "claim").text
        assert desk.follow_up().owner_id == "ann"
        fill(client, desk, "contact", how="phone")
        assert desk.follow_up().contacted_how == "phone"
        desk.hear()
        assert "Nobody answers." not in client.get("/inbox").text
        told = client.get("/inbox?heard_back=contacted").text
        assert "Ann was in contact" in told
        fill(client, desk, "resolve", resolution="fixed", root_cause="a queue", note="")
        desk.hear()
        assert "closed the follow-up" in client.get(desk.path).text
        assert desk.follow_up().root_cause == "a queue"


def test_a_mail_is_written_once_however_often_its_form_is_sent(desk: Desk) -> None:
    with visitor(desk.address) as client:
        page = client.get(desk.path).text
        hidden = dict(re.findall(r'type="hidden" name="(token|letter_id)" value="([^"]+)"', page))
        letter = hidden | {"subject": "Your question", "text": "Dear customer,\n\nwe are sorry."}
        for _ in range(2):
            assert "Done." in client.post(f"{desk.path}/write", data=letter).text
    assert desk.router.count("effects", "destination = 'email'") == 1
    assert desk.follow_up().owner_id == "ann"


def test_a_mail_that_is_refused_is_not_to_be_typed_again(desk: Desk) -> None:
    with visitor(desk.address) as client:
        refused = fill(client, desk, "write", subject="", text="Dear customer, <we> are sorry.")
    assert refused.status_code == 409
    assert "Dear customer, &lt;we&gt; are sorry.</textarea>" in refused.text


def test_a_theme_is_put_right_and_the_answer_sent_to_another_team(desk: Desk) -> None:
    with visitor(desk.address) as client:
        fill(client, desk, "themes", **{"theme support": "on"})
        fill(client, desk, "route", team="cs")
        refused = client.post(f"{desk.path}/route", data={"token": token_on(client.get(desk.path).text)})
    rows = desk.router.ask("SELECT count(*) FROM outbox WHERE topic = 'feedback.corrected.v1'")
    assert rows == [(1,)]
    assert refused.status_code == 409
    assert "team: expected" in refused.text


def test_a_form_from_elsewhere_and_a_reader_change_nothing(desk: Desk) -> None:
    with visitor(desk.address) as client:
        assert client.post(f"{desk.path}/claim", data={"follow_up_id": "1"}).status_code == 403
    session = {"id": "v", "name": "V", "role": "viewer", "email": ANN, "until": time() + 600, "token": "t"}
    cookie = TimestampSigner("s" * 32).sign(b64encode(dumps(session).encode())).decode()
    with httpx2.Client(base_url=desk.address, cookies={"insights": cookie}, trust_env=False) as reader:
        assert "What can be done" not in reader.get(desk.path).text
        assert reader.post(f"{desk.path}/claim", data={"token": "t"}).status_code == 403
    assert desk.follow_up().owner_id is None


def test_without_the_router_answers_are_still_read(desk: Desk) -> None:
    away = {"router_url": "http://127.0.0.1:9", "router_operator_key": SecretStr(KEY), "local_email": ANN}
    for changes, obstacle in (
        (away, "The router does not answer"),
        ({}, "ROUTER_OPERATOR_KEY is not set"),
        (away | {"local_email": None}, "does not tell your e-mail address"),
    ):
        with (
            served(desk.insights.pool, page_settings(**changes)) as address,
            visitor(address) as client,
        ):
            page = client.get(desk.path).text
            assert "Nobody answers." in page
            assert obstacle in page


def test_an_answer_is_taken_by_mouse_and_its_page_can_be_read_by_everybody(desk: Desk) -> None:
    with chromium() as browser:
        browser.get(f"{desk.address}{desk.path}")
        browser.find_element(By.NAME, "password").send_keys(PASSWORD)
        follow(browser, browser.find_element(By.CSS_SELECTOR, ".sign-in button"))
        follow(browser, browser.find_element(By.XPATH, "//button[.='I take it']"))
        assert "Ann has the follow-up" in browser.find_element(By.ID, "main").text
        for summary in browser.find_elements(By.TAG_NAME, "summary"):
            summary.click()
        for width in (320, 1440):
            resize(browser, width, 1700)
            picture(browser, f"answer-at-work-{width}")
            assert fits(browser)
            assert violations(browser) == []
        assert complaints(browser) == []
    assert desk.follow_up().owner_id == "ann"
