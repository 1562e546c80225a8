"""Calls the addresses that users configure, and no other: what they resolve to is checked and then called.

A name is resolved once, by the connection itself, and the connection goes to an address that was checked, so
a name that changes its mind in between (DNS rebinding) gains nothing. Redirects are answers like any other,
proxies of the environment are not used, and TLS is verified for the name in the URL.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import httpcore2
import httpx2

from runtime.deadline import remaining, within
from services.router.destination import Ambiguous, Failed, Retry
from services.router.outbound_address import IPAddress, Target, may_lead_to, target_of

LONGEST_ANSWER_BYTES = 1_048_576
"""More of an answer is not read."""
KEEPALIVE_SECONDS = 5.0

Resolve = Callable[[str, int], list[IPAddress]]
ErrorTable = Mapping[int, type[Retry | Failed | Ambiguous]]
"""What a status other than 2xx means; one that is not in it means Retry."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of `headers` are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """2xx."""
        return self.status // 100 == 2  # noqa: PLR2004 - the first digit is the class (RFC 9110)


class AddressRefused(httpcore2.ConnectError):
    """None of the host's addresses may be called."""


def resolve(host: str, port: int) -> list[IPAddress]:
    """The addresses of a host, best first. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(entry[4][0])) for entry in found]


class Outbound:
    """A client for the addresses of one destination; used from several threads at once.

    `private_hosts` as in `outbound_address.target_of`. At most `connections` are open.
    """

    def __init__(
        self,
        *,
        private_hosts: Iterable[str],
        connections: int,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._private_hosts = frozenset(private_hosts)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls or httpx2.create_ssl_context(),
            max_connections=connections,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=_GuardedNetwork(self._private_hosts, resolver),
        )

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", seconds: float
    ) -> Answer | Retry | Ambiguous:
        """Make one call; every status is an answer, also a redirect.

        Retry when the request cannot have arrived, Ambiguous when it may have. Nothing is sent after
        `seconds`. Raises ValueError for a URL that may not be called.
        """
        target = target_of(url, self._private_hosts)
        try:
            return within(seconds, lambda: self._exchange(method, target, headers, body))
        except AddressRefused:
            return Retry("address_refused")
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            return Retry(_snake(error))
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            return Ambiguous(_snake(error))
        except TimeoutError:
            return Ambiguous("timeout")

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _exchange(self, method: str, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        given = [("host", _authority(target)), ("accept-encoding", "identity"), *headers.items()]
        options = {"timeout": {"pool": remaining()}}
        with self._pool.stream(method, url, headers=given, content=body, extensions=options) as response:
            taken = bytearray()
            for chunk in response.iter_stream():
                taken += chunk
                if len(taken) >= LONGEST_ANSWER_BYTES:
                    break
        return Answer(
            response.status,
            {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
            bytes(taken[:LONGEST_ANSWER_BYTES]),
        )


def verdict(answer: Answer, errors: ErrorTable) -> Retry | Failed | Ambiguous:
    """What an answer other than 2xx means for the effect, with the pause that the destination asks for."""
    cause = f"http_{answer.status}"
    meaning = errors.get(answer.status, Retry)
    if meaning is not Retry:
        return meaning(cause)
    wait = answer.headers.get("retry-after", "")
    return Retry(cause, float(wait) if wait.isdecimal() else None)


class _GuardedNetwork(httpcore2.NetworkBackend):
    """Opens connections to checked addresses, each step within the time left of the call."""

    def __init__(self, private_hosts: frozenset[str], resolver: Resolve) -> None:
        self._private_hosts = private_hosts
        self._resolve = resolver
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the call's own deadline holds
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = self._resolve(host, port)
        except OSError as error:
            raise httpcore2.ConnectError("the name is not known") from error
        is_listed = host in self._private_hosts
        addresses = [address for address in found if may_lead_to(address, is_listed=is_listed)]
        if not addresses:
            raise AddressRefused("no address that may be called")
        refusal: Exception | None = None
        for address in addresses:
            try:
                stream = self._network.connect_tcp(
                    str(address), port, _left(httpcore2.ConnectTimeout), local_address, socket_options
                )
            except httpcore2.ConnectError as error:
                refusal = error
            else:
                return _TimedStream(stream)
        raise httpcore2.ConnectError("no address answers") from refusal


class _TimedStream(httpcore2.NetworkStream):
    """A connection of which no operation outlives the call it serves."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - as above
        return self._stream.read(max_bytes, _left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as above
        self._stream.write(buffer, _left(httpcore2.WriteTimeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> httpcore2.NetworkStream:
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, _left(httpcore2.ConnectTimeout))
        )

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _left(too_late: type[httpcore2.TimeoutException]) -> float:
    try:
        return remaining()
    except TimeoutError:
        raise too_late("the deadline of this call has passed") from None


def _authority(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    is_default = (target.scheme, target.port) in {("https", 443), ("http", 80)}
    return host if is_default else f"{host}:{target.port}"


def _snake(error: Exception) -> str:
    """ReadTimeout becomes read_timeout."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__)
    return words.removeprefix("_")
