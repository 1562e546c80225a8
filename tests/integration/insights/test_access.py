"""What stands between a browser and the pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from services.insights.web.add_pages import add_pages
from services.insights.web.settings import PageSettings
from tests.integration.insights.site import PASSWORD, page_settings, served, token_on, visitor
from tests.integration.insights.world import World, account, answer_id, answered, profile

PAGES = (
    *("/", "/inbox", "/answers.csv", "/journey", "/themes", "/movement", "/movement/people", "/response"),
    *("/closed-loop", "/retention", "/review", "/you-said-we-did"),
)


@contextmanager
def pages(**changes: object) -> Iterator[httpx2.Client]:
    nothing: Any = None  # no page that asks the database is reached here
    with (
        served(nothing, page_settings(**changes)) as address,
        httpx2.Client(base_url=address, trust_env=False) as client,
    ):
        yield client


def token_of(client: httpx2.Client, asked: str = "/") -> str:
    return token_on(client.get("/sign-in", params={"next": asked}).text)


def test_whoever_is_not_signed_in_is_sent_to_do_so() -> None:
    with pages() as client:
        answer = client.get("/answers?group=detractor")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=%2Fanswers%3Fgroup%3Ddetractor"


def test_nobody_signs_in_where_no_way_is_configured() -> None:
    with pages(local_password=None) as client:
        assert "Nobody can sign in yet" in client.get("/sign-in").text
        given = {"token": "", "password": ""}
        assert client.post("/sign-in/password", data=given).status_code == 403


def test_a_wrong_password_and_a_form_that_is_not_ours_are_refused() -> None:
    with pages() as client:
        token = token_of(client)
        assert client.post("/sign-in/password", data={"token": token, "password": "no"}).status_code == 403
        assert client.post("/sign-in/password", data={"password": PASSWORD}).status_code == 403
        assert client.get("/").status_code == 303


def test_signing_in_leads_to_no_other_site() -> None:
    with pages() as client:
        for asked in ("//evil.test", "/\\evil.test", "https://evil.test", "/\tevil"):
            token = token_of(client, asked)
            answer = client.post("/sign-in/password", data={"token": token, "password": PASSWORD})
            assert (answer.status_code, answer.headers["location"]) == (303, "/"), asked


def test_over_tls_the_cookie_is_bound_to_the_host_and_scripts_never_see_it() -> None:
    with pages(insights_url="https://feedback.example.com") as client:
        cookie = client.get("/sign-in").headers["set-cookie"].lower()
    assert cookie.startswith("__host-insights=")
    assert all(flag in cookie for flag in ("secure", "httponly", "samesite=lax", "path=/"))
    assert "domain" not in cookie


@pytest.mark.parametrize("address", ["/sign-in", "/", "/nothing-here"])
def test_every_answer_carries_the_policy_that_lets_no_script_run(address: str) -> None:
    with pages() as client:
        policy = client.get(address).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy
    assert "unsafe" not in policy


def test_without_a_secret_there_are_no_pages() -> None:
    app = FastAPI()
    nothing: Any = None
    before = len(app.routes)
    add_pages(app, nothing, PageSettings())
    assert len(app.routes) == before


def test_who_saw_which_page_is_noted_and_nothing_of_whom_it_was_about(world: World) -> None:
    world.say(
        account("acme", 0, name="Acme"),
        profile("ann", 0, name="Ann Lee", email="ann@acme.test", account_id="acme"),
        answered("ann", 1, 3, comment="Call Bob Ray."),
    )
    seen = {
        "/people/ann": "/people/{key}",
        "/accounts/acme": "/accounts/{account_id:path}",
        "/answers?owner=olga@ours.test": "/answers",
        f"/answers/{answer_id('ann', 1)}": "/answers/{response_id:uuid}",
        "/tables/people-of-account.csv?about=acme": "/tables/{name}.csv",
        **{page: page for page in PAGES},
    }
    with served(world.pool) as address, visitor(address) as client, capture_logs() as noted:
        for path in seen:
            assert client.get(path).status_code == 200, path
    assert [(one["event"], one["page"], one["method"], one["staff"]) for one in noted] == [
        ("page seen", page, "GET", "local") for page in seen.values()
    ]
    assert not re.search(r"ann\b|acme|lee|\bray|olga|@", str(noted), re.IGNORECASE)
