"""The hosted survey in a real browser: by mouse, by keyboard, small, mirrored, and without scripts."""

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.responses import ResponseRecorded
from tests.chromium import chromium, complaints, fits, is_gone, picture, press, resize, violations
from tests.integration.ingest.world import PATIENCE_SECONDS, Ingest, eventually, path

LEAST_TARGET_PX = 24
"""WCAG 2.2, success criterion 2.5.8."""


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[webdriver.Chrome]:
    with chromium() as started:
        yield started


@pytest.fixture
def browser(shared_browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The module's browser, wide, with a console that was read."""
    resize(shared_browser, 1200)
    complaints(shared_browser)
    yield shared_browser
    assert complaints(shared_browser) == []


def ask(ingest: Ingest, browser: webdriver.Chrome, *, query: str = "", **changes: object) -> SurveyRequested:
    request = ingest.ask(program="new_customer_nps", **changes)
    address = path(request.request_id)
    eventually(lambda: ingest.http.get(address).status_code == 200)
    browser.get(f"{ingest.url}{address}{query}")
    return request


def last_answer(ingest: Ingest, request: SurveyRequested) -> ResponseRecorded | None:
    answers = [event for event in ingest.events(ResponseRecorded) if event.request_id == request.request_id]
    return answers[-1] if answers else None


def answered(ingest: Ingest, request: SurveyRequested, *expected: object) -> None:
    """Waits until score, comment and whether it is provisional are these."""

    def is_there() -> bool:
        answer = last_answer(ingest, request)
        return answer is not None and (answer.score, answer.comment, answer.provisional) == expected

    eventually(is_there)


def send(browser: webdriver.Chrome) -> None:
    """Presses the button and waits for the page it leads to."""
    button = browser.find_element(By.TAG_NAME, "button")
    button.click()
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda _: is_gone(button))


def heading(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "h1").text


def small_targets(browser: webdriver.Chrome) -> list[str]:
    """What can be pressed and is smaller than a finger needs; links within sentences may be."""
    return [
        element.get_attribute("outerHTML") or ""
        for element in browser.find_elements(By.CSS_SELECTOR, "label, button, footer a, .button, input")
        if min(element.size["width"], element.size["height"]) < LEAST_TARGET_PX
    ]


def test_by_mouse_from_the_score_to_the_favours(ingest: Ingest, browser: webdriver.Chrome) -> None:
    request = ask(ingest, browser, person_key="p-mouse")
    picture(browser, "1-score")
    assert violations(browser) == []
    browser.find_element(By.CSS_SELECTOR, "label:has([value='9'])").click()
    send(browser)
    answered(ingest, request, 9, None, True)
    assert browser.find_element(By.CSS_SELECTOR, "label[for=comment]").text.startswith(
        "What do you like best?"
    )
    browser.find_element(By.ID, "comment").send_keys("The people")
    browser.find_element(By.ID, "further").send_keys("Fewer surprises")
    picture(browser, "2-follow-up")
    assert violations(browser) == []
    send(browser)
    assert heading(browser) == "Thank you"
    answered(ingest, request, 9, "The people", False)
    answer = last_answer(ingest, request)
    assert answer
    assert [(one.question, one.answer) for one in answer.further_answers] == [
        ("What did you hope to achieve with us?", "Fewer surprises")
    ]
    picture(browser, "3-thanks-promoter")
    assert violations(browser) == []
    browser.find_element(By.CSS_SELECTOR, "label:has([value=reference])").click()
    send(browser)
    assert browser.find_element(By.CSS_SELECTOR, "[role=status]").text.startswith("Saved.")
    picture(browser, "4-saved")
    assert violations(browser) == []
    eventually(lambda: any(one.person_key == "p-mouse" for one in ingest.events(ProfileChanged)))
    profiles = [one for one in ingest.events(ProfileChanged) if one.person_key == "p-mouse"]
    assert [one.topic for one in profiles[-1].consents] == ["reference"]


def test_the_question_follows_the_score_that_is_chosen(ingest: Ingest, browser: webdriver.Chrome) -> None:
    ask(ingest, browser, query="?score=9")
    label = browser.find_element(By.CSS_SELECTOR, "label[for=comment]")
    for score, question in (
        (9, "What do you like best?"),
        (7, "What would make it a 10?"),
        (2, "What is the one"),
    ):
        browser.find_element(By.CSS_SELECTOR, f"label:has([value='{score}'])").click()
        assert label.text.startswith(question)
    picture(browser, "5-clicked-in-mail")


def test_by_keyboard_alone(ingest: Ingest, browser: webdriver.Chrome) -> None:
    request = ask(ingest, browser)
    press(browser, Keys.TAB, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    focused = browser.switch_to.active_element
    assert focused.get_attribute("value") == "2"
    ring = browser.find_element(By.CSS_SELECTOR, "label:has([value='2'])")
    assert ring.value_of_css_property("outline-style") == "solid"
    picture(browser, "6-keyboard")
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.value_of_css_property("outline-style") == "solid"
    press(browser, Keys.ENTER)
    answered(ingest, request, 2, None, True)
    eventually(lambda: bool(browser.find_elements(By.ID, "comment")))
    press(browser, Keys.TAB, Keys.TAB, "Too slow", Keys.TAB, Keys.TAB, Keys.ENTER)
    answered(ingest, request, 2, "Too slow", False)
    eventually(lambda: bool(browser.find_elements(By.LINK_TEXT, "Get help now")))
    picture(browser, "7-thanks-detractor")
    assert violations(browser) == []


def test_a_mistake_comes_back_with_what_was_typed(ingest: Ingest, browser: webdriver.Chrome) -> None:
    ask(ingest, browser, query="?score=3")
    comment = browser.find_element(By.ID, "comment")
    browser.execute_script("arguments[0].maxLength = 6000; arguments[0].value = 'x'.repeat(5001)", comment)
    send(browser)
    assert "shorten" in browser.find_element(By.CSS_SELECTOR, "[role=alert]").text
    assert browser.title.startswith("Please check your answer")
    picture(browser, "8-mistake")
    assert violations(browser) == []
    # The browser itself names the status of the page.
    complaints(browser)


@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_on_a_small_screen(ingest: Ingest, browser: webdriver.Chrome, metric: str) -> None:
    resize(browser, 320, 800)
    request = ask(ingest, browser, metric=metric)
    assert fits(browser)
    assert small_targets(browser) == []
    picture(browser, f"9-small-{metric}")
    browser.find_element(By.CSS_SELECTOR, "label:has([value='5'])").click()
    send(browser)
    assert fits(browser)
    send(browser)
    assert heading(browser) == "Thank you"
    assert fits(browser)
    assert small_targets(browser) == []
    assert violations(browser) == []
    answered(ingest, request, 5, None, False)


def test_in_arabic(ingest: Ingest, browser: webdriver.Chrome) -> None:
    request = ask(
        ingest,
        browser,
        language="ar",
        question="ما مدى احتمال أن توصي بنا لصديق أو زميل؟",
        follow_up_question="ما السبب؟",
        why_we_ask="لقد بدأت استخدام منتجنا قبل شهر.",
    )
    page = browser.find_element(By.TAG_NAME, "html")
    assert (page.get_attribute("lang"), page.get_attribute("dir")) == ("ar", "rtl")
    first, last = browser.find_elements(By.CSS_SELECTOR, ".scale label")[::10]
    assert first.location["x"] > last.location["x"]
    picture(browser, "10-arabic")
    assert violations(browser) == []
    last.click()
    send(browser)
    assert "ما أكثر ما يعجبك؟" in browser.find_element(By.CSS_SELECTOR, "label[for=comment]").text
    browser.find_element(By.ID, "comment").send_keys("كل شيء")
    picture(browser, "11-arabic-follow-up")
    send(browser)
    assert heading(browser) == "شكرًا لك"
    picture(browser, "12-arabic-thanks")
    assert violations(browser) == []
    answered(ingest, request, 10, "كل شيء", False)


def test_without_javascript(ingest: Ingest) -> None:
    with chromium(javascript=False) as browser:
        browser.get("data:text/html,<title>off</title><script>document.title='on'</script>")
        assert browser.title == "off"
        request = ask(ingest, browser)
        browser.find_element(By.CSS_SELECTOR, "label:has([value='7'])").click()
        send(browser)
        assert browser.find_element(By.CSS_SELECTOR, "label[for=comment]").text.startswith(
            "What would make it"
        )
        browser.find_element(By.ID, "comment").send_keys("An export")
        send(browser)
        assert heading(browser) == "Thank you"
        answered(ingest, request, 7, "An export", False)
