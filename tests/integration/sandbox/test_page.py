"""The page over HTTP, and in a real browser where there is one."""

import smtplib
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

import httpx2
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from slack_sdk import WebClient

from sandbox.client import RunningSandbox
from tests.chromium import chromium

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture
def slack(sandbox: RunningSandbox, world: httpx2.Client) -> WebClient:
    del world  # only cleared
    return WebClient(
        token=sandbox.credentials.slack_bot_token, base_url=f"{sandbox.url}/slack/api/", retry_handlers=[]
    )


def test_the_product_s_page_lets_in_the_widget_and_nothing_else(world: httpx2.Client) -> None:
    first, second = world.get("/product"), world.get("/product")
    policies = [answer.headers["content-security-policy"] for answer in (first, second)]
    assert policies[0] != policies[1], "a nonce of its own each time"
    assert "default-src 'none'" in policies[0]
    assert "unsafe" not in policies[0]
    assert "connect-src http://ingest.test;" in policies[0]
    nonce = policies[0].split("'nonce-")[1].split("'")[0]
    assert f'<script src="http://ingest.test/widget/v1.js" nonce="{nonce}" data-anonymous' in first.text


def post(slack: WebClient, text: str, channel: str = "sales") -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": "claim", "text": {"type": "plain_text", "text": "Claim"}}
            ],
        },
    ]
    slack.chat_postMessage(channel=channel, text=text, blocks=blocks)


def send_mail(sandbox: RunningSandbox, html: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@acme.test", "b@acme.test", f"Hello {HOSTILE}"
    message["Date"], message["Message-ID"] = formatdate(), "<1@acme.test>"
    message.set_content("Hello")
    message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=5) as client:
        client.send_message(message)


def test_the_page_shows_what_came_and_runs_none_of_it(
    sandbox: RunningSandbox, slack: WebClient, world: httpx2.Client
) -> None:
    post(slack, f"*Detractor* {HOSTILE}")
    send_mail(sandbox, f"<p>{HOSTILE}</p>")
    page = world.get("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "<b>Detractor</b>" in page.text
    assert "b@acme.test" in page.text
    assert "onerror=alert(1)&gt;" in page.text
    assert "<img" not in page.text
    assert "<script>" not in page.text
    frame = world.get("/mail/" + page.text.partition('src="mail/')[2].partition('"')[0])
    assert frame.headers["content-security-policy"].startswith("sandbox allow-popups")
    assert "script-src" not in frame.headers["content-security-policy"]


def test_the_page_opens_on_the_busiest_channel_and_survives_a_wrong_address(
    slack: WebClient, world: httpx2.Client
) -> None:
    post(slack, "one", "kudos")
    assert "<h3># kudos</h3>" in world.get("/").text
    odd = world.get("/", params={"channel": "nowhere", "object": "Nothing", "as": "U0", "show": 10**9})
    assert odd.status_code == 200


def test_its_forms_work_without_javascript(world: httpx2.Client) -> None:
    form = {"double": "slack", "kind": "hang", "count": "2", "seconds": "1", "probability": "0.5"}
    answer = world.post("/page/faults?back=%3Fchannel%3Dsales", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?channel=sales#faults")
    fault = world.get("/faults").json()[0]
    assert (fault["kind"], fault["count"]) == ("hang", 2)
    world.post(f"/page/faults/{fault['id']}/lift")
    assert world.get("/faults").json() == []
    world.post("/page/limits", data={"factor": "1"})
    assert world.get("/limits").json() == {"factor": 1}


def test_orders_from_another_site_are_refused(world: httpx2.Client) -> None:
    foreign = {"sec-fetch-site": "cross-site"}
    assert world.post("/page/forget", headers=foreign).status_code == 403
    assert world.post("/page/forget", headers={"sec-fetch-site": "same-origin"}).status_code == 303


def test_without_a_database_the_clock_says_what_to_do(world: httpx2.Client) -> None:
    answer = world.post("/clock", data={"days": 30})
    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "There is no business clock to turn: set DATABASE_URL.",
    )
    assert world.post("/clock", data={"days": -1}).status_code == 422


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    with chromium() as started:
        yield started


def until(holds: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_in_a_browser_it_stays_fresh_without_losing_the_place(
    sandbox: RunningSandbox, slack: WebClient, browser: webdriver.Chrome
) -> None:
    for number in range(12):
        post(slack, f"message {number}")
    send_mail(sandbox, '<p><a href="https://acme.test/s/tok">Open the survey</a></p>')
    browser.get(f"{sandbox.url}/")
    browser.find_element(By.CSS_SELECTOR, "details.mail summary").click()
    conversation = browser.find_element(By.CSS_SELECTOR, ".conversation")
    browser.execute_script("arguments[0].scrollTop = 400", conversation)
    reading = browser.find_elements(By.CSS_SELECTOR, ".message")[6]
    at = reading.rect["y"]

    post(slack, "news")

    until(lambda: "news" in conversation.text)
    assert browser.find_elements(By.CSS_SELECTOR, ".message")[7] == reading
    assert abs(reading.rect["y"] - at) < 3
    mail = browser.find_element(By.CSS_SELECTOR, "details.mail")
    assert mail.get_attribute("open") is not None
    browser.switch_to.frame(mail.find_element(By.TAG_NAME, "iframe"))
    browser.find_element(By.LINK_TEXT, "Open the survey")


def test_in_a_narrow_browser_nothing_sticks_out(
    sandbox: RunningSandbox, slack: WebClient, browser: webdriver.Chrome
) -> None:
    post(slack, "x" * 400)
    device = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    browser.get(f"{sandbox.url}/")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
