"""What people do in the Slack double, and how the app hears of it: over signed HTTP and over Socket Mode."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from sandbox.client import Credentials, RunningSandbox

CARD: list[dict[str, Any]] = [
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "claim",
                "text": {"type": "plain_text", "text": "Claim"},
                "value": "e1",
            }
        ],
    },
]


def modal(title: str = "Resolve", **more: object) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "resolve",
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "how",
                "label": {"type": "plain_text", "text": "How"},
                "element": {
                    "type": "static_select",
                    "action_id": "it",
                    "options": [{"text": {"type": "plain_text", "text": "Fixed"}, "value": "fixed"}],
                },
            },
            {
                "type": "input",
                "block_id": "note",
                "optional": True,
                "label": {"type": "plain_text", "text": "Note"},
                "element": {"type": "plain_text_input", "action_id": "it", "max_length": 20},
            },
        ],
        **more,
    }


class App:
    """An app that verifies each callback, keeps it, and answers what it is told to."""

    def __init__(self, signing_secret: str) -> None:
        self.heard: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.answer: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda _: None
        verifier, app = SignatureVerifier(signing_secret), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_valid = verifier.is_valid_request(body, dict(self.headers))
                is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                payload = json.loads(parse_qs(body.decode())["payload"][0] if is_form else body)
                app.heard.put(payload)
                answer = json.dumps(app.answer(payload) or {}).encode()
                self.send_response(200 if is_valid else 401)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSandbox, App]]:
    credentials = Credentials.generate()
    app = App(credentials.slack_signing_secret)
    log = tmp_path_factory.mktemp("people") / "sandbox.log"
    urls = {"INTERACTIVITY_URL": app.url, "EVENTS_URL": app.url, "SANDBOX_RATE_FACTOR": "1000"}
    with RunningSandbox.start(credentials, log=log, environment=urls) as sandbox:
        yield sandbox, app
    app.close()


@pytest.fixture
def people(served: tuple[RunningSandbox, App]) -> "Desk":
    sandbox, app = served
    httpx2.delete(f"{sandbox.url}/received").raise_for_status()
    app.answer = lambda _: None
    while not app.heard.empty():
        app.heard.get()
    return Desk(sandbox, app)


class Desk:
    """Maya at her desk, and the app."""

    def __init__(self, sandbox: RunningSandbox, app: App) -> None:
        self.app = app
        self.url = sandbox.url
        self.slack = WebClient(
            token=sandbox.credentials.slack_bot_token, base_url=f"{sandbox.url}/slack/api/", retry_handlers=[]
        )
        self.maya = self.slack.users_lookupByEmail(email="maya.lindqvist@acme.test")["user"]["id"]

    def post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return httpx2.post(f"{self.url}{path}", json=body)

    def press(self) -> dict[str, Any]:
        """Press Claim on a new card; what the app heard."""
        posted = self.slack.chat_postMessage(channel="sales", text="3 of 10", blocks=CARD)
        order = {"channel": posted["channel"], "ts": posted["ts"], "action_id": "claim", "user": self.maya}
        assert self.post("/press", order).json()["status"] == 200
        return self.app.heard.get(timeout=5)

    def submit(self, **values: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.post("/submit", {"user": self.maya, "values": values}).json()
        return answer

    def modal(self) -> dict[str, Any] | None:
        shown: dict[str, Any] | None = httpx2.get(f"{self.url}/views/{self.maya}").json()["modal"]
        return shown


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def test_a_press_reaches_the_app_signed_and_its_answer_replaces_the_message(people: Desk) -> None:
    pressed = people.press()
    assert (pressed["type"], pressed["actions"][0]["value"]) == ("block_actions", "e1")

    answer = {"replace_original": True, "text": f"Claimed by {pressed['user']['name']}"}
    httpx2.post(pressed["response_url"], json=answer).raise_for_status()

    (item,) = httpx2.get(f"{people.url}/received/slack").json()["items"]
    assert item["text"] == "Claimed by maya.lindqvist"
    nothing = {"channel": item["channel_id"], "ts": item["ts"], "action_id": "nothing"}
    assert people.post("/press", nothing).status_code == 404
    assert people.post("/slack/response/unknown", {"text": "x"}).status_code == 404


def test_two_presses_at_once_are_two_callbacks(people: Desk) -> None:
    posted = people.slack.chat_postMessage(channel="sales", text="3 of 10", blocks=CARD)
    order = {"channel": posted["channel"], "ts": posted["ts"], "action_id": "claim", "user": people.maya}

    async def twice() -> list[httpx2.Response]:
        async with httpx2.AsyncClient() as client:
            calls = [client.post(f"{people.url}/press", json=order) for _ in range(2)]
            return await asyncio.gather(*calls)

    assert [answer.json()["status"] for answer in asyncio.run(twice())] == [200, 200]
    triggers = {people.app.heard.get(timeout=5)["trigger_id"] for _ in range(2)}
    assert len(triggers) == 2


def test_a_trigger_opens_one_view(people: Desk) -> None:
    trigger_id = people.press()["trigger_id"]
    opened = people.slack.views_open(trigger_id=trigger_id, view=modal())["view"]
    assert people.modal() == opened | {"errors": {}}
    again = error_of(lambda: people.slack.views_open(trigger_id=trigger_id, view=modal()))
    assert again == "exchanged_trigger_id"
    made_up = error_of(lambda: people.slack.views_open(trigger_id="1.2.3", view=modal()))
    assert made_up == "invalid_trigger_id"


@pytest.mark.parametrize(
    ("fault", "where"),
    [
        ({"title": {"type": "plain_text", "text": "x" * 25}}, "/view/title"),
        ({"submit": None}, "/view"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"type": "home"}, "/view"),
        ({"notes": []}, "/view/notes"),
    ],
)
def test_a_faulty_view_is_refused_where_it_is_faulty(people: Desk, fault: dict[str, Any], where: str) -> None:
    trigger_id = people.press()["trigger_id"]
    with pytest.raises(SlackApiError) as caught:
        people.slack.views_open(trigger_id=trigger_id, view=modal(**fault))
    data: Any = caught.value.response.data
    assert data["error"] == "invalid_arguments"
    assert any(f"[json-pointer:{where}" in message for message in data["response_metadata"]["messages"])


def test_a_form_is_filled_in_sent_and_closed(people: Desk) -> None:
    people.slack.views_open(trigger_id=people.press()["trigger_id"], view=modal(private_metadata="r1"))
    assert people.submit(note="x" * 21)["note"] == "Not everything is filled in."
    assert people.app.heard.empty(), "what Slack's own client stops does not reach the app"
    shown = people.modal()
    assert shown is not None
    assert set(shown["errors"]) == {"how", "note"}

    people.submit(how="fixed", note="restarted")

    sent = people.app.heard.get(timeout=5)
    assert (sent["type"], sent["view"]["private_metadata"]) == ("view_submission", "r1")
    values = sent["view"]["state"]["values"]
    assert values["how"]["it"]["selected_option"]["value"] == "fixed"
    assert values["note"]["it"]["value"] == "restarted"
    assert people.modal() is None


def test_the_app_may_answer_a_form_with_errors_another_view_or_one_on_top(people: Desk) -> None:
    people.slack.views_open(trigger_id=people.press()["trigger_id"], view=modal())
    people.app.answer = lambda _: {"response_action": "errors", "errors": {"note": "Too short"}}
    people.submit(how="fixed")
    assert (people.modal() or {})["errors"] == {"note": "Too short"}

    people.app.answer = lambda _: {"response_action": "push", "view": modal("Preview")}
    people.submit(how="fixed")
    on_top = people.modal()
    assert on_top is not None
    assert (on_top["title"]["text"], on_top["previous_view_id"]) == ("Preview", on_top["root_view_id"])

    people.slack.views_update(view_id=on_top["id"], hash=on_top["hash"], view=modal("Edited"))
    stale = error_of(
        lambda: people.slack.views_update(view_id=on_top["id"], hash=on_top["hash"], view=modal())
    )
    assert stale == "hash_conflict"

    people.app.answer = lambda _: {"response_action": "errors", "errors": {"elsewhere": "x"}}
    assert people.post("/submit", {"user": people.maya, "values": {"how": "fixed"}}).status_code == 404
    people.app.answer = lambda _: {"response_action": "clear"}
    people.submit(how="fixed")
    assert people.modal() is None


def test_opening_the_home_tab_is_an_event_and_its_buttons_work(people: Desk) -> None:
    assert httpx2.post(f"{people.url}/home", params={"user": people.maya}).json()["status"] == 200
    event = people.app.heard.get(timeout=5)["event"]
    assert (event["type"], event["user"], event["tab"]) == ("app_home_opened", people.maya, "home")

    people.slack.views_publish(user_id=people.maya, view={"type": "home", "blocks": CARD})
    home = httpx2.get(f"{people.url}/views/{people.maya}").json()["home"]
    people.post("/press", {"view_id": home["id"], "action_id": "claim", "user": people.maya})
    pressed = people.app.heard.get(timeout=5)
    assert (pressed["container"]["type"], pressed["view"]["type"]) == ("view", "home")
    stranger = error_of(lambda: people.slack.views_publish(user_id="U0", view={"type": "home", "blocks": []}))
    assert stranger == "user_not_found"


def test_the_page_draws_the_form_and_sends_it(people: Desk) -> None:
    people.slack.views_open(trigger_id=people.press()["trigger_id"], view=modal())
    page = httpx2.get(people.url, params={"as": people.maya}).text
    assert 'role="dialog"' in page
    assert '<option value="fixed"' in page
    other = next(id_ for id_ in page.split('option value="')[1:] if not id_.startswith(people.maya))
    assert 'role="dialog"' not in httpx2.get(people.url, params={"as": other.partition('"')[0]}).text

    httpx2.post(f"{people.url}/page/submit", data={"user": people.maya, "field:how": "fixed"})

    assert people.app.heard.get(timeout=5)["view"]["state"]["values"]["how"]
    assert people.modal() is None


@pytest.fixture
def socket(people: Desk, served: tuple[RunningSandbox, App]) -> Iterator[SocketModeClient]:
    client = SocketModeClient(
        app_token=served[0].credentials.slack_app_token,
        web_client=WebClient(base_url=f"{people.url}/slack/api/", retry_handlers=[]),
    )
    client.connect()
    yield client
    client.close()


def test_over_socket_mode_presses_and_forms_take_the_same_way(people: Desk, socket: SocketModeClient) -> None:
    heard: SimpleQueue[SocketModeRequest] = SimpleQueue()

    def listen(client: Any, request: SocketModeRequest) -> None:  # noqa: ANN401 - the SDK's base class
        heard.put(request)
        is_form = request.payload["type"] == "view_submission"
        answer = {"response_action": "errors", "errors": {"note": "ä" * 200}} if is_form else None
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))

    socket.socket_mode_request_listeners.append(listen)
    posted = people.slack.chat_postMessage(channel="sales", text="x", blocks=CARD)
    order = {"channel": posted["channel"], "ts": posted["ts"], "action_id": "claim", "user": people.maya}

    assert people.post("/press", order).json()["note"] == "Acknowledged."
    pressed = heard.get(timeout=5)
    assert (pressed.type, pressed.payload["actions"][0]["action_id"]) == ("interactive", "claim")
    people.slack.views_open(trigger_id=pressed.payload["trigger_id"], view=modal())
    people.submit(how="fixed")
    assert (people.modal() or {})["errors"] == {"note": "ä" * 200}
    httpx2.post(f"{people.url}/home", params={"user": people.maya})
    heard.get(timeout=5)
    assert heard.get(timeout=5).type == "events_api"
    assert people.app.heard.empty()


def test_socket_mode_takes_the_apps_own_token_only(people: Desk) -> None:
    client = WebClient(base_url=f"{people.url}/slack/api/", retry_handlers=[])
    wrong = error_of(lambda: client.apps_connections_open(app_token="xapp-wrong"))  # noqa: S106 - wrong on purpose
    assert wrong == "invalid_auth"
