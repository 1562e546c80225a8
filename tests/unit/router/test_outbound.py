"""The guarded client against servers of our own: what it pins, follows, reads and how long it waits."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from services.router.destination import Ambiguous, Failed, Retry
from services.router.outbound import LONGEST_ANSWER_BYTES, Answer, Outbound, Resolve, resolve, verdict
from services.router.outbound_address import IPAddress

Serve = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


class Server:
    """Does `serve` with every connection, after it read a request."""

    def __init__(self, serve: Serve) -> None:
        self.requests: list[bytes] = []
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65_536))
                try:
                    self._serve(connection)
                except OSError:
                    continue  # the client had enough

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@contextmanager
def serving(serve: Serve) -> Iterator[Server]:
    server = Server(serve)
    try:
        yield server
    finally:
        server.close()


def says(answer: bytes) -> Serve:
    return lambda connection: connection.sendall(answer)


@contextmanager
def client(*private_hosts: str, resolver: Resolve = resolve) -> Iterator[Outbound]:
    outbound = Outbound(private_hosts=private_hosts, connections=2, resolver=resolver)
    try:
        yield outbound
    finally:
        outbound.close()


def knows(*addresses: str) -> Resolve:
    """A name server that gives one address after another, and the last one from then on."""
    left = [ip_address(address) for address in addresses]

    def answer(_host: str, _port: int) -> list[IPAddress]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return answer


def test_a_listed_private_host_is_called_and_named() -> None:
    with serving(says(OK)) as server, client("crm.internal", resolver=knows("127.0.0.1")) as outbound:
        answer = outbound.send(
            "POST", f"http://crm.internal:{server.port}/hook?a=b", headers={"x-a": "1"}, body=b"{}", seconds=5
        )

        assert isinstance(answer, Answer)
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"ok", "2")
        (request,) = server.requests
        assert request.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
        assert f"host: crm.internal:{server.port}\r\n".encode() in request.lower()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
    ],
)
def test_a_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    with client(resolver=knows(address)) as outbound:
        assert outbound.send("POST", "https://hooks.example.com/", headers={}, seconds=5) == Retry(
            "address_refused"
        )


def test_a_listed_name_does_not_lead_to_the_clouds_metadata() -> None:
    with client("crm.internal", resolver=knows("169.254.169.254")) as outbound:
        assert outbound.send("GET", "http://crm.internal/", headers={}, seconds=5) == Retry("address_refused")


def test_a_name_that_changes_its_mind_is_asked_once_for_each_connection() -> None:
    """Rebinding: a public address for the check, an inner one for the connection."""
    asked: list[str] = []
    answers = knows("93.184.215.14", "127.0.0.1")

    def counting(host: str, port: int) -> list[IPAddress]:
        asked.append(host)
        return answers(host, port)

    with serving(says(OK)) as server, client(resolver=counting) as outbound:
        first = outbound.send("GET", f"https://hooks.example.com:{server.port}/", headers={}, seconds=0.3)
        second = outbound.send("GET", f"https://hooks.example.com:{server.port}/", headers={}, seconds=5)

        assert isinstance(first, Retry)
        assert first.cause != "address_refused", "the checked address was called"
        assert second == Retry("address_refused")
        assert len(asked) == 2
        assert server.requests == []


def test_of_a_public_and_an_inner_address_only_the_public_one_is_called() -> None:
    with serving(says(OK)) as server:
        inner, public = ip_address("127.0.0.1"), ip_address("93.184.215.14")
        with client(resolver=lambda _host, _port: [inner, public]) as outbound:
            assert isinstance(
                outbound.send("GET", f"https://hooks.example.com:{server.port}/", headers={}, seconds=0.3),
                Retry,
            )
        assert server.requests == []


def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    with serving(says(OK)) as server:
        dead, alive = ip_address("127.0.0.2"), ip_address("127.0.0.1")
        with client("crm.internal", resolver=lambda _host, _port: [dead, alive]) as outbound:
            answer = outbound.send("GET", f"http://crm.internal:{server.port}/", headers={}, seconds=5)
        assert isinstance(answer, Answer)


@pytest.mark.parametrize("location", ["http://169.254.169.254/", "https://hooks.example.com/", "/elsewhere"])
def test_a_redirect_is_an_answer_and_goes_nowhere(location: str) -> None:
    moved = f"HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()
    with serving(says(moved)) as server, client("127.0.0.1") as outbound:
        answer = outbound.send("POST", f"http://127.0.0.1:{server.port}/", headers={}, seconds=5)

        assert isinstance(answer, Answer)
        assert verdict(answer, {}) == Retry("http_307")
        assert len(server.requests) == 1


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(OK)) as proxy, serving(says(OK)) as server, client("127.0.0.1") as outbound:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert isinstance(
            outbound.send("GET", f"http://127.0.0.1:{server.port}/", headers={}, seconds=5), Answer
        )
        assert proxy.requests == []


def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    with serving(pour) as server, client("127.0.0.1") as outbound:
        answer = outbound.send("GET", f"http://127.0.0.1:{server.port}/", headers={}, seconds=10)

        assert isinstance(answer, Answer)
        assert len(answer.body) == LONGEST_ANSWER_BYTES


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"])
def test_an_answer_that_drips_ends_at_the_deadline(start: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with serving(drip) as server, client("127.0.0.1") as outbound:
        began = time.monotonic()
        result = outbound.send(
            "POST", f"http://127.0.0.1:{server.port}/", headers={}, body=b"{}", seconds=0.5
        )

        assert isinstance(result, Ambiguous)
        assert time.monotonic() - began < 0.8


def test_nobody_listening_and_an_unknown_name_did_not_get_it() -> None:
    def unknown(_host: str, _port: int) -> list[IPAddress]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with client("127.0.0.1") as outbound:
        assert outbound.send("GET", "http://127.0.0.1:9/", headers={}, seconds=5) == Retry("connect_error")
    with client(resolver=unknown) as outbound:
        assert outbound.send("GET", "https://no.example/", headers={}, seconds=5) == Retry("connect_error")


def test_a_cut_connection_leaves_doubt() -> None:
    with serving(lambda _connection: None) as server, client("127.0.0.1") as outbound:
        result = outbound.send("POST", f"http://127.0.0.1:{server.port}/", headers={}, body=b"{}", seconds=5)

        assert isinstance(result, Ambiguous)


def test_a_certificate_of_somebody_else_is_no_connection() -> None:
    with serving(says(b"this is no TLS")) as server, client("127.0.0.1") as outbound:
        assert outbound.send("GET", f"https://127.0.0.1:{server.port}/", headers={}, seconds=5) == Retry(
            "connect_error"
        )


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "https://user@hooks.example.com/", "https://10.0.0.1/"])
def test_an_address_that_may_not_be_called_is_a_mistake_of_the_caller(url: str) -> None:
    with client() as outbound, pytest.raises(ValueError, match=r"^it"):
        outbound.send("GET", url, headers={}, seconds=5)


def test_what_a_status_means() -> None:
    def answered(status: int, **headers: str) -> Answer:
        return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")

    assert verdict(answered(429, retry_after="30"), {}) == Retry("http_429", 30)
    assert verdict(answered(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), {}) == Retry("http_503")
    assert verdict(answered(410), {410: Failed}) == Failed("http_410")
