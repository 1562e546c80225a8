"""Batches of an import travel side by side, and never past one that is about the same."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cli.import_file import Row
from cli.import_sender import Batch, Sender

OVERTAKES_WITHIN_SECONDS = 0.3


class Ingest(ThreadingHTTPServer):
    """Answers the first call about acme late: once globex has come, and nobody overtakes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answered: list[str] = []
        self.other_came, self.second_came = threading.Event(), threading.Event()

    def take(self, name: str) -> None:
        if name == "Globex":
            self.other_came.set()
        elif name == "Acme Inc.":
            self.second_came.set()
        else:
            assert self.other_came.wait(timeout=30), "unrelated batches travel side by side"
            self.second_came.wait(OVERTAKES_WITHIN_SECONDS)
        self.answered.append(name)


class _Handler(BaseHTTPRequestHandler):
    server: Ingest

    def do_POST(self) -> None:
        bodies = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.take(bodies[0]["name"])
        answer = json.dumps({"results": [{"status": 200} for _ in bodies]}).encode()
        self.send_response(207)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def batch(number: int, account_id: str, name: str) -> Batch:
    return Batch([Row(number, number, {})], [{"account_id": account_id, "name": name}], [None])


def test_the_later_row_about_an_account_is_sent_when_the_earlier_one_is_answered(ingest: Ingest) -> None:
    batches = [batch(1, "acme", "Acme"), batch(2, "globex", "Globex"), batch(3, "acme", "Acme Inc.")]
    url = f"http://127.0.0.1:{ingest.server_port}"
    with Sender(url, "key", "/v1/accounts/batch", named_by=("account_id",)) as sender:
        sent = list(sender.send(batches))
    assert [one.rows[0].number for one in sent] == [1, 2, 3]
    assert ingest.answered == ["Globex", "Acme", "Acme Inc."]
