"""What only a webhook does: a receiver of our own answers as it likes."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.router.destination import Delivered, Failed, Operation, Result, Retry
from tests.contract.destinations.world import PLUGINS, Connect, call, content_of, facts


class Receiver(ThreadingHTTPServer):
    """Answers every POST with `status` and `answer`, and counts all requests."""

    status = 200
    answer: dict[str, str] = {}  # noqa: RUF012 - replaced whole by each test
    requests = 0


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.requests += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.server.status)
        for name, value in self.server.answer.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - http.server's naming

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> Iterator[Receiver]:
    del connect  # sets the environment, of which the address is replaced here
    server = Receiver(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("MARKETING_URL", f"http://127.0.0.1:{server.server_port}/hook")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def content() -> dict[str, Any]:
    return content_of(PLUGINS["marketing"], {"campaign": "referral"}, facts())


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (400, {}, Failed("http_400")),
        (410, {}, Failed("http_410")),
        (413, {}, Failed("http_413")),
        (422, {}, Failed("http_422")),
        (301, {"location": "/elsewhere"}, Retry("http_301")),
        (307, {"location": "http://169.254.169.254/"}, Retry("http_307")),
        (401, {}, Retry("http_401")),
        (404, {}, Retry("http_404")),
        (429, {"retry-after": "30"}, Retry("http_429", 30)),
        (503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, Retry("http_503")),
    ],
)
def test_what_a_status_means(
    status: int, answer: dict[str, str], expected: Result, receiver: Receiver, connect: Connect
) -> None:
    receiver.status, receiver.answer = status, answer

    assert connect("marketing").deliver(call(Operation.CREATE, content(), uuid4())) == expected
    assert receiver.requests == 1, "a redirect is never followed"


def test_news_of_an_effect_has_an_id_of_its_own_and_a_withdrawal_names_nobody(
    connect: Connect, world: httpx2.Client
) -> None:
    marketing, effect_id = connect("marketing"), uuid4()
    for operation, version in ((Operation.CREATE, 1), (Operation.UPDATE, 2), (Operation.RETRACT, 3)):
        asked = call(operation, content(), effect_id, version=version, external_id=str(effect_id))
        assert marketing.deliver(asked) == Delivered(str(effect_id))

    created, updated, withdrawn = world.get("/received/marketing").json()["items"]

    assert [one["webhook_id"] for one in (created, updated, withdrawn)] == [
        str(effect_id),
        f"{effect_id}.2",
        f"{effect_id}.3",
    ]
    assert created["body"]["type"] == "feedback.shared"
    assert created["body"]["data"]["person"]["email"] == "mirela@customer.test"
    assert "export has been" not in str(created), "the comment stays inside"
    assert withdrawn["body"]["type"] == "feedback.withdrawn"
    assert "mirela" not in str(withdrawn).lower()
    assert withdrawn["body"]["data"]["effect_id"] == str(effect_id)
