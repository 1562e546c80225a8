"""Every page in a real browser: by mouse and by keyboard, wide and narrow, and by whoever cannot see it."""

import csv
import re
from base64 import b64decode
from collections.abc import Iterator
from html import unescape

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from runtime.postgres import Pool
from services.insights.web.table_routes import TABLES
from tests.chromium import chromium, complaints, fits, is_gone, picture, press, resize, violations
from tests.integration.insights.site import PASSWORD, live_a_quarter, served, visitor
from tests.integration.insights.world import World

PATIENCE_SECONDS = 20
PAGES = (
    *("Dashboard", "Inbox", "Answers", "Journey", "Themes", "Movement", "Response", "Closed loop"),
    *("Retention", "Review", "You said, we did"),
)
SHOWN = ("", "journey", "themes", "movement", "response", "closed-loop", "retention", "review")
"""Pages of figures."""


@pytest.fixture(scope="module")
def address(pool: Pool) -> Iterator[str]:
    world = World(pool)
    world.forget()
    live_a_quarter(world)
    with served(pool) as address:
        yield address


@pytest.fixture(scope="module")
def signed_in(address: str) -> Iterator[webdriver.Chrome]:
    with chromium() as browser:
        browser.get(f"{address}/movement")
        assert browser.title.startswith("Sign in")
        assert violations(browser) == []
        picture(browser, "sign-in")
        browser.find_element(By.NAME, "password").send_keys(PASSWORD)
        follow(browser, browser.find_element(By.CSS_SELECTOR, ".sign-in button"))
        assert browser.title.startswith("Movement")
        yield browser
        assert complaints(browser) == []


def follow(browser: webdriver.Chrome, element: webdriver.remote.webelement.WebElement) -> None:
    page = browser.find_element(By.ID, "main")
    element.click()
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda _: is_gone(page))


def in_address(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "-")


def figure(browser: webdriver.Chrome, selector: str) -> int:
    return int(browser.find_element(By.CSS_SELECTOR, selector).text.split()[0].replace(",", ""))


def scores_behind(browser: webdriver.Chrome) -> list[int]:
    """Of every answer that the list shows, through all its pages."""
    scores = [int(one.text) for one in browser.find_elements(By.CSS_SELECTOR, ".given")]
    older = browser.find_elements(By.LINK_TEXT, "Older answers")
    if older:
        follow(browser, older[0])
        scores += scores_behind(browser)
    return scores


@pytest.mark.parametrize("width", [320, 1440])
def test_each_page_fits_and_can_be_read_by_everybody(signed_in: webdriver.Chrome, width: int) -> None:
    resize(signed_in, width)
    for name in PAGES:
        follow(signed_in, signed_in.find_element(By.LINK_TEXT, name))
        picture(signed_in, f"{in_address(name)}-{width}")
        assert fits(signed_in), name
        assert violations(signed_in) == [], name


@pytest.mark.parametrize("width", [320, 1440])
def test_an_answer_leads_to_its_customer_and_account(
    signed_in: webdriver.Chrome, address: str, width: int
) -> None:
    resize(signed_in, width)
    signed_in.get(f"{address}/answers?group=detractor")
    for name, link in (
        ("answer", ".about time"),
        ("person", ".board p a[href^='/people/']"),
        ("account", ".facts a"),
    ):
        follow(signed_in, signed_in.find_element(By.CSS_SELECTOR, link))
        picture(signed_in, f"{name}-{width}")
        assert fits(signed_in), name
        assert violations(signed_in) == [], name
    assert signed_in.title.startswith("Company")


def test_who_answered_is_told_with_the_goal_of_the_program(address: str) -> None:
    with visitor(address) as client:
        told = client.get("/response").text
    assert "Hear once a year whether they would come again." in told
    assert told.count("immature") > 1


@pytest.mark.parametrize("width", [320, 1440])
def test_a_cell_of_movement_opens_who_moved(signed_in: webdriver.Chrome, address: str, width: int) -> None:
    resize(signed_in, width)
    signed_in.get(f"{address}/movement")
    follow(signed_in, signed_in.find_element(By.CSS_SELECTOR, ".matrix tbody tr:first-child td:last-child a"))
    picture(signed_in, f"who-moved-{width}")
    told = signed_in.find_element(By.ID, "main").text
    assert "detractor to promoter" in told
    assert "4.0" in told
    assert fits(signed_in)
    assert violations(signed_in) == []


def test_a_number_opens_the_answers_behind_it(signed_in: webdriver.Chrome, address: str) -> None:
    resize(signed_in, 1440)
    signed_in.get(f"{address}/")
    part, whole = figure(signed_in, ".legend .part1 .margin"), figure(signed_in, ".now p:nth-of-type(2) a")
    assert 0 < part < whole
    follow(signed_in, signed_in.find_element(By.LINK_TEXT, "detractors"))
    scores = scores_behind(signed_in)
    assert len(scores) == part
    assert max(scores) <= 6


def test_each_table_is_a_file_for_the_same_filter(address: str) -> None:
    found: dict[str, list[dict[str, str]]] = {}
    with visitor(address) as client:
        for page in (*SHOWN, "movement/people", "accounts/acc-1"):
            html = client.get(f"/{page}", params={"segment": "enterprise", "by": "channel"}).text
            for table in html.split("<table")[1:]:
                assert "/tables/" in table, page
            for link in re.findall(r'href="(/tables/[^"]+)"', html):
                answer = client.get(unescape(link))
                name = answer.url.path.removeprefix("/tables/").removesuffix(".csv")
                assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name}-nps-')
                found[name] = list(csv.DictReader(answer.text.splitlines()))
        shown = int(re.findall(r">([\d,]+) answers</a>", client.get("/?segment=enterprise").text)[0])
        assert client.get("/tables/people.csv").status_code == 404
    assert found.keys() == TABLES.keys() - {"announcements", "decisions"}
    assert all(found.values())
    for name in ("scores", "trend", "breakdown", "movement", "heard-back"):
        counted = "answered_of" if name == "heard-back" else "answers"
        assert sum(int(row[counted]) for row in found[name]) == shown, name
    assert {row["channel"] for row in found["breakdown"]} == {"email", "in_app"}


@pytest.mark.parametrize("page", SHOWN)
def test_each_number_opens_as_many_answers(address: str, page: str) -> None:
    with visitor(address) as client:
        html = client.get(f"/{page}").text
        for link, told in set(re.findall(r'<a href="/answers(\?[^"]+)">([\d,]+)(?: [^<]*)?</a>', html)):
            behind = csv.DictReader(client.get(f"/tables/scores.csv{unescape(link)}").text.splitlines())
            assert sum(int(row["answers"]) for row in behind) == int(told.replace(",", "")), link
    if page not in {"response", "retention", "review"}:  # they also count surveys and people
        without_links = re.sub(r"<a [^>]*>[^<]*</a>", "", html)
        assert not re.findall(r"[1-9][\d,]* of (?!100 )", without_links)


def test_a_release_is_marked_with_the_score_before_and_after(
    signed_in: webdriver.Chrome, address: str
) -> None:
    signed_in.get(f"{address}/")
    told = signed_in.find_element(By.CSS_SELECTOR, "[aria-label='Releases'] tbody tr").text
    assert told.startswith("4.0, 3 May 2026")
    assert told.count("±") == 3
    assert len(signed_in.find_elements(By.CSS_SELECTOR, "line.mark")) == 1


def test_the_unhappy_who_heard_nothing_are_one_click_away(signed_in: webdriver.Chrome, address: str) -> None:
    resize(signed_in, 1440)
    signed_in.get(f"{address}/closed-loop")
    unheard = signed_in.find_element(By.CSS_SELECTOR, "tbody tr:first-child td:last-child a")
    told = int(unheard.text.replace(",", ""))
    assert told > 0
    follow(signed_in, unheard)
    assert "heard_back=none" in signed_in.current_url
    assert len(scores_behind(signed_in)) == told


def test_a_month_is_one_sheet_of_paper_without_a_name(signed_in: webdriver.Chrome, address: str) -> None:
    signed_in.get(f"{address}/review")
    assert signed_in.title.startswith("May 2026")
    sheets = b64decode(signed_in.print_page())
    assert len(re.findall(rb"/Type\s*/Page\b", sheets)) == 1
    told = signed_in.find_element(By.ID, "main").text
    assert "Released on 3 May 2026: 4.0" in told
    assert "Price" in told.title()
    with visitor(address) as client:
        shown = client.get("/", params={"from": "2026-05-01", "to": "2026-05-31"}).text
        score = unescape(re.findall(r'class="score"><a[^>]*>([^<]+)', shown)[0])
        assert f"NPS {score} ±" in told
        html = client.get("/review").text
        assert not re.search(r"Person \d|Company \d|person-|acc-|ours\.test|launch!", html)
        assert client.get("/review?month=2026-13").status_code == 400
        assert client.get("/review?month=2026-07").status_code == 400


def test_those_who_asked_for_it_are_told_after_somebody_looked_at_it(
    signed_in: webdriver.Chrome, address: str
) -> None:
    resize(signed_in, 1440)
    signed_in.get(f"{address}/you-said-we-did")
    follow(signed_in, signed_in.find_element(By.PARTIAL_LINK_TEXT, "Reporting"))
    signed_in.find_element(By.NAME, "subject").send_keys("Your exports")
    signed_in.find_element(By.NAME, "words").send_keys("They are done within a minute now.\n\nThank you.")
    follow(signed_in, signed_in.find_element(By.XPATH, "//button[.='Look at it first']"))
    reached = figure(signed_in, "p.score")
    for width in (320, 1440):
        resize(signed_in, width)
        picture(signed_in, f"announcement-{width}")
        assert fits(signed_in)
        assert violations(signed_in) == []
    assert reached > 0
    follow(signed_in, signed_in.find_element(By.XPATH, "//button[.='Approve and send']"))
    told = signed_in.find_element(By.CSS_SELECTOR, "[role='status']").text
    assert f"for {reached} people" in told
    assert violations(signed_in) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_period_without_answers_says_so(signed_in: webdriver.Chrome, address: str, name: str) -> None:
    path = "" if name == "Dashboard" else in_address(name)
    signed_in.get(f"{address}/{path}?from=2020-01-01&to=2020-01-31&month=2020-01")
    told = signed_in.find_element(By.ID, "main").text
    assert any(word in told.split() for word in ("No", "Nobody", "0")), told
    assert violations(signed_in) == []


def test_by_keyboard_past_the_menu_into_the_filter(signed_in: webdriver.Chrome, address: str) -> None:
    resize(signed_in, 1440)
    signed_in.get(f"{address}/")
    press(signed_in, Keys.TAB, Keys.ENTER)
    assert signed_in.switch_to.active_element.get_attribute("id") == "main"
    press(signed_in, Keys.TAB)
    assert signed_in.switch_to.active_element.get_attribute("name") == "metric"
    press(signed_in, "C")
    while signed_in.switch_to.active_element.tag_name != "button":
        press(signed_in, Keys.TAB)
    page = signed_in.find_element(By.ID, "main")
    press(signed_in, Keys.ENTER)
    WebDriverWait(signed_in, PATIENCE_SECONDS).until(lambda _: is_gone(page))
    assert signed_in.title.startswith("CSAT")
    assert "metric=csat" in signed_in.current_url
