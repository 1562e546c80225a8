"""The in-app widget: what its server lets it do, and what it does in a real browser under a strict policy."""

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import jwt
import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from schemas.event import Effects
from schemas.requests import SurveyRequested
from schemas.responses import ResponseRecorded
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.ingest.identity import customer_key
from tests.chromium import chromium, complaints, fits, picture, press, resize, violations
from tests.integration.ingest.product import Product
from tests.integration.ingest.world import PERSON_KEY_SECRET, WIDGET_SECRET, Ingest, eventually

LARGEST_GZIPPED_BYTES = 12 * 1024
ELIGIBILITY = "/v1/widget/eligibility"


def identity(customer_id: str, **claims: object) -> str:
    """Who is signed in, as the product's server signs it."""
    said = {"sub": customer_id, "exp": datetime.now(UTC) + timedelta(hours=1), "aud": "feedback-widget"}
    return jwt.encode(said | claims, WIDGET_SECRET, algorithm="HS256")


def bearer(customer_id: str, **claims: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {identity(customer_id, **claims)}"}


def ask(ingest: Ingest, customer_id: str, **changes: object) -> SurveyRequested:
    """A survey that waits in the product for a customer, and is known here."""
    person_key = customer_key(PERSON_KEY_SECRET.encode(), customer_id)
    request = ingest.ask(**{"person_key": person_key, "channel": "in_app"} | changes)
    eventually(lambda: offered(ingest, customer_id, tab=uuid4().hex) is not None)
    return request


def offered(ingest: Ingest, customer_id: str, *, tab: str) -> str | None:
    """Id of the request that a tab of this customer may show."""
    answer = ingest.http.get(ELIGIBILITY, params={"tab": tab}, headers=bearer(customer_id)).raise_for_status()
    survey = answer.json()["survey"]
    return survey["request_id"] if survey else None


def post(ingest: Ingest, path: str, customer_id: str, **said: object) -> httpx2.Response:
    body = {name: str(value) if isinstance(value, UUID) else value for name, value in said.items()}
    return ingest.http.post(f"/v1/widget/{path}", json=body, headers=bearer(customer_id))


def steps(ingest: Ingest, request: SurveyRequested) -> list[SurveyStep]:
    return [one.step for one in ingest.events(SurveyStepOccurred) if one.request_id == request.request_id]


def answers(ingest: Ingest, request: SurveyRequested) -> list[tuple[int | None, str | None, bool]]:
    return [
        (one.score, one.comment, one.provisional)
        for one in ingest.events(ResponseRecorded)
        if one.request_id == request.request_id
    ]


def test_the_script_is_small_and_needs_nothing_that_a_strict_policy_forbids(ingest: Ingest) -> None:
    script = ingest.http.get("/widget/v1.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert len(gzip.compress(script.content)) <= LARGEST_GZIPPED_BYTES
    for forbidden in ("eval(", "Function(", "innerHTML", "outerHTML", ".style", "document.cookie", "import("):
        assert forbidden not in script.text.partition("*/")[2]
    unchanged = ingest.http.get("/widget/v1.js", headers={"If-None-Match": script.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize(
    "token",
    [
        "not-a-token",
        identity("c-1", exp=datetime.now(UTC) - timedelta(minutes=5)),
        identity("c-1", aud="another-service"),
        jwt.encode({"sub": "c-1", "aud": "feedback-widget"}, WIDGET_SECRET, algorithm="HS256"),
        jwt.encode(
            {"sub": "c-1", "exp": datetime.now(UTC) + timedelta(hours=1), "aud": "feedback-widget"},
            "somebody else's secret, as long as ours",
            algorithm="HS256",
        ),
    ],
    ids=["garbage", "expired", "for another", "without an end", "signed by another"],
)
def test_only_the_company_says_who_is_signed_in(ingest: Ingest, token: str) -> None:
    refused = ingest.http.get(
        ELIGIBILITY, params={"tab": uuid4().hex}, headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 401
    assert "The identity cannot be used" in refused.json()["detail"]


def test_a_survey_is_shown_to_whom_it_asks_and_nobody_else(ingest: Ingest) -> None:
    request = ask(ingest, "c-asked")
    by_mail = ingest.ask(person_key=customer_key(PERSON_KEY_SECRET.encode(), "c-mailed"))
    later = ask(ingest, "c-later", requested_at=datetime.now(UTC))
    assert by_mail.request_id != later.request_id
    for other in ("c-other", "c-mailed"):
        assert offered(ingest, other, tab=uuid4().hex) is None
        shown = post(ingest, "shows", other, request_id=request.request_id, tab=uuid4().hex)
        said = {"request_id": request.request_id, "score": 0, "finished": True}
        assert (shown.status_code, post(ingest, "answers", other, **said).status_code) == (404, 404)
    wrong = post(ingest, "answers", "c-asked", request_id=request.request_id, score=11, finished=True)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "/score")
    assert answers(ingest, request) == []


def test_of_many_tabs_and_devices_one_shows_it(ingest: Ingest) -> None:
    request = ask(ingest, "c-tabs")
    tabs = [uuid4().hex for _ in range(8)]

    def show(tab: str) -> bool:
        answer = post(ingest, "shows", "c-tabs", request_id=request.request_id, tab=tab)
        return bool(answer.raise_for_status().json()["granted"])

    with ThreadPoolExecutor(8) as devices:
        granted = dict(zip(tabs, devices.map(show, tabs), strict=True))
    (holder,) = [tab for tab, is_granted in granted.items() if is_granted]
    assert show(holder), "the same tab shows it on its next page, too"
    assert [tab for tab in tabs if offered(ingest, "c-tabs", tab=tab)] == [holder]
    eventually(lambda: steps(ingest, request) == [SurveyStep.SHOWN])
    for _ in range(2):
        post(ingest, "declines", "c-tabs", request_id=request.request_id, tab=holder).raise_for_status()
    eventually(lambda: steps(ingest, request) == [SurveyStep.SHOWN, SurveyStep.DECLINED])
    assert not show(holder)


def test_a_visitor_s_answer_is_recorded_and_causes_nothing(ingest: Ingest) -> None:
    said = {"answer_id": str(uuid4()), "score": 2, "comment": "Prices", "finished": True}
    for origin in (None, "https://elsewhere.example"):
        headers = {"Origin": origin} if origin else {}
        assert ingest.http.post("/v1/widget/visitors-answers", json=said, headers=headers).status_code == 403
    ingest.http.post(
        "/v1/widget/visitors-answers", json=said, headers={"Origin": ingest.product}
    ).raise_for_status()

    def visitors() -> list[ResponseRecorded]:
        return [one for one in ingest.events(ResponseRecorded) if one.program == "website_visitors"]

    eventually(lambda: len(visitors()) == 1)
    (response,) = visitors()
    assert (response.effects, response.score, response.comment) == (Effects.RECORD, 2, "Prices")
    assert response.person_key == str(response.response_id)


@pytest.fixture(scope="module")
def product(ingest: Ingest) -> Iterator[Product]:
    with closing(Product(ingest.product, ingest.url)) as running:
        yield running


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[webdriver.Chrome]:
    with chromium() as started:
        yield started


@pytest.fixture
def browser(shared_browser: webdriver.Chrome, ingest: Ingest, product: Product) -> Iterator[webdriver.Chrome]:
    """The module's browser on a page of the product, as nobody who was there before."""
    del product  # it has to be there
    resize(shared_browser, 1200)
    shared_browser.get(f"{ingest.product}/")
    shared_browser.execute_script("sessionStorage.clear(); localStorage.clear()")
    complaints(shared_browser)
    yield shared_browser
    assert complaints(shared_browser) == []


@pytest.fixture
def visit(browser: webdriver.Chrome, ingest: Ingest, product: Product) -> Callable[..., None]:
    """Opens a page of the product, as a customer who is signed in, else as a visitor."""

    def open_page(customer_id: str | None, path: str = "/home", *, attributes: str = "") -> None:
        product.attributes = f' data-identity="{identity(customer_id)}"' if customer_id else attributes
        browser.get(f"{ingest.product}{path}")

    return open_page


FIND_ALL = """
return [...document.querySelectorAll('body > div')].flatMap(
  (host) => [...host.shadowRoot.querySelectorAll(arguments[0])]
)
"""


def within(browser: webdriver.Chrome, selector: str) -> list[WebElement]:
    """Elements of the widget, where it is shown."""
    return list(browser.execute_script(FIND_ALL, selector))


def one(browser: webdriver.Chrome, selector: str) -> WebElement:
    eventually(lambda: bool(within(browser, selector)))
    return within(browser, selector)[0]


def is_shown(browser: webdriver.Chrome) -> bool:
    return bool(within(browser, "section"))


def stays_away(browser: webdriver.Chrome) -> bool:
    """Whether nothing is shown once the widget has asked the server and looked at the page."""
    eventually(lambda: bool(browser.execute_script("return 'feedbackRouter' in window")))
    browser.execute_async_script("feedbackRouter.check().then(arguments[0])")
    return not is_shown(browser)


def test_by_mouse_under_a_strict_policy(
    ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]
) -> None:
    request = ask(ingest, "c-mouse", program="new_customer_nps")
    visit("c-mouse")
    one(browser, "label:has([value='9'])")
    picture(browser, "20-widget")
    assert violations(browser) == []
    one(browser, "label:has([value='9'])").click()
    eventually(lambda: answers(ingest, request) == [(9, None, True)])
    assert one(browser, ".question").text.startswith("What do you like best?")
    one(browser, "textarea").send_keys("It is quick")
    picture(browser, "21-widget-follow-up")
    assert violations(browser) == []
    one(browser, ".send").click()
    assert one(browser, "h2").text == "Thank you"
    picture(browser, "22-widget-thanks")
    assert violations(browser) == []
    eventually(lambda: answers(ingest, request)[-1:] == [(9, "It is quick", False)])
    one(browser, ".close").click()
    assert not is_shown(browser)
    visit("c-mouse")
    assert stays_away(browser)
    assert steps(ingest, request) == [SurveyStep.SHOWN]


def test_by_keyboard_alone(ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]) -> None:
    request = ask(ingest, "c-keys")
    visit("c-keys")
    one(browser, "section")
    assert browser.switch_to.active_element.tag_name == "body", "it takes nobody's place"
    press(browser, Keys.TAB, Keys.TAB, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    picture(browser, "23-widget-keyboard")
    press(browser, Keys.TAB, "Too slow", Keys.TAB, Keys.ENTER)
    assert one(browser, "h2").text == "Thank you"
    eventually(lambda: answers(ingest, request)[-1:] == [(3, "Too slow", False)])
    press(browser, Keys.ESCAPE)
    assert not is_shown(browser)
    assert SurveyStep.DECLINED not in steps(ingest, request)


def test_who_declines_is_left_alone(
    ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]
) -> None:
    request = ask(ingest, "c-declines")
    visit("c-declines")
    one(browser, ".close").click()
    eventually(lambda: steps(ingest, request) == [SurveyStep.SHOWN, SurveyStep.DECLINED])
    visit("c-declines")
    assert stays_away(browser)
    assert answers(ingest, request) == []


def test_it_follows_its_tab_and_appears_in_no_second_one(
    ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]
) -> None:
    request = ask(ingest, "c-two-tabs")
    visit("c-two-tabs")
    one(browser, "label:has([value='6'])").click()
    eventually(lambda: answers(ingest, request) == [(6, None, True)])
    visit("c-two-tabs", "/another-page")
    assert one(browser, "label:has([value='6']) input").is_selected()
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    try:
        visit("c-two-tabs")
        assert stays_away(browser)
    finally:
        browser.close()
        browser.switch_to.window(first)
    assert is_shown(browser)
    eventually(lambda: steps(ingest, request) == [SurveyStep.SHOWN])


def test_pages_and_moments_where_nobody_is_asked(
    ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]
) -> None:
    request = ask(ingest, "c-busy")
    visit("c-busy", "/billing/invoices")
    assert stays_away(browser)
    browser.execute_script("history.pushState(null, '', '/reports')")
    one(browser, "section")
    browser.execute_script("feedbackRouter.suppress()")
    eventually(lambda: not is_shown(browser))
    browser.execute_script("feedbackRouter.suppress(false)")
    one(browser, "section")
    browser.execute_script("history.pushState(null, '', '/messages/7/send')")
    eventually(lambda: not is_shown(browser))
    browser.execute_script("feedbackRouter.identify('')")
    browser.execute_script("history.pushState(null, '', '/reports')")
    assert stays_away(browser)
    assert steps(ingest, request) == [SurveyStep.SHOWN]


def test_small_and_in_arabic(ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]) -> None:
    resize(browser, 320, 700)
    request = ask(
        ingest,
        "c-arabic",
        language="ar",
        question="ما مدى احتمال أن توصي بنا؟",
        why_we_ask="مضى شهر على بدايتك.",
    )
    visit("c-arabic")
    one(browser, "label:has([value='10'])").click()
    assert one(browser, ".question").text.startswith("ما أكثر ما يعجبك؟")
    assert fits(browser)
    assert min(label.size["width"] for label in within(browser, ".scale label")) >= 24
    picture(browser, "24-widget-small-arabic")
    assert violations(browser) == []
    one(browser, ".send").click()
    assert one(browser, "h2").text == "شكرًا لك"
    eventually(lambda: answers(ingest, request)[-1:] == [(10, None, False)])


def test_a_visitor_is_asked_once(
    ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]
) -> None:
    visit(None)
    assert stays_away(browser), "not without being told to"
    visit(None, attributes=" data-anonymous")
    one(browser, "label:has([value='4'])").click()
    picture(browser, "25-widget-visitor")
    one(browser, "textarea").send_keys("A price list")
    one(browser, ".send").click()

    def has_come() -> bool:
        return any(
            (event.score, event.comment) == (4, "A price list") for event in ingest.events(ResponseRecorded)
        )

    eventually(has_come)
    visit(None, attributes=" data-anonymous")
    assert stays_away(browser)


def test_the_product_notices_no_outage_and_nothing_typed_is_lost(
    ingest: Ingest, browser: webdriver.Chrome, visit: Callable[..., None]
) -> None:
    request = ask(ingest, "c-outage")
    visit("c-outage")
    one(browser, "label:has([value='5'])").click()
    one(browser, "textarea").send_keys("Keep me")
    eventually(lambda: len(answers(ingest, request)) == 1)
    browser.set_network_conditions(offline=True, latency=0, throughput=0)
    one(browser, ".send").click()
    eventually(lambda: one(browser, ".trouble").text == "Not sent. Please try again.")
    picture(browser, "26-widget-not-sent")
    browser.set_network_conditions(offline=False, latency=0, throughput=-1)
    complaints(browser)
    one(browser, ".send").click()
    eventually(lambda: answers(ingest, request)[-1:] == [(5, "Keep me", False)])
