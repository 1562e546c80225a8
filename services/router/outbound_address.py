"""Where a configured address may lead: to the public internet, or to a private host on a list. Pure.

The networks are those of IANA's special-purpose registries (RFC 6890):
https://www.iana.org/assignments/iana-ipv4-special-registry, .../iana-ipv6-special-registry
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2

IPAddress = IPv4Address | IPv6Address

_NOT_PUBLIC = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services, seen from inside of Azure
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Global unicast is all that IPv6 has assigned for the internet, less what only carries other addresses
# (Teredo and others, 6to4) and what is for documents. Mapped and NAT64 addresses lie outside of it.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_GLOBAL = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_PRIVATE = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)

_AUTHORITY = re.compile(r"^[a-z][a-z0-9+.-]*://(?P<authority>[^/?#]*)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?")
_LOOKS_NUMERIC = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart once, so that what was checked is what is called. `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: bytes
    is_listed: bool
    """Whether the host may be a private one."""


def target_of(url: str, private_hosts: Collection[str]) -> Target:
    """The parts of a URL that may be called.

    `private_hosts` are the names and addresses, lower-case and exactly as in the URL, that may be private and
    may be spoken to without TLS. Raises ValueError that says what is expected, without the URL.
    """
    parsed = _parsed(url)
    host = parsed.raw_host.decode("ascii").lower()
    is_listed = host in private_hosts
    if parsed.scheme not in _DEFAULT_PORTS or (parsed.scheme == "http" and not is_listed):
        raise ValueError("it does not begin with https:// (http:// is for a host in allow_private_hosts)")
    port = _DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 0 < port <= _LAST_PORT:
        raise ValueError("its port is not from 1 to 65535")
    literal = _literal(host)
    if literal is not None and not may_lead_to(literal, is_listed=is_listed):
        raise ValueError("its host is no public address and not in allow_private_hosts")
    return Target(
        scheme=parsed.scheme,
        host=host,
        port=port,
        path=parsed.raw_path,
        is_listed=is_listed,
    )


def may_lead_to(address: IPAddress, *, is_listed: bool) -> bool:
    """Whether a host may be at this address. Even one on the list is never link-local (the clouds' metadata),
    multicast, unspecified or an IPv6 address that carries another.
    """
    return is_public(address) or (is_listed and _is_in(address, _PRIVATE))


def is_public(address: IPAddress) -> bool:
    """Whether the address belongs to somebody on the internet."""
    if isinstance(address, IPv4Address):
        return not _is_in(address, _NOT_PUBLIC)
    return address in _GLOBAL_UNICAST and not _is_in(address, _NOT_GLOBAL)


def _parsed(url: str) -> httpx2.URL:
    found = _AUTHORITY.match(url)
    if found is None or "\\" in url:
        raise ValueError("it is not a URL")
    if "@" in found["authority"]:
        raise ValueError("it names a user: credentials have settings of their own")
    try:
        return httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise ValueError("it is not a URL") from None


def _literal(host: str) -> IPAddress | None:
    """The address a host spells out, None for a name.

    Raises ValueError for what is neither, such as the decimal, octal, hexadecimal and shortened forms of IPv4
    that some resolvers read as addresses.
    """
    if ":" in host:
        if "%" in host:
            raise ValueError("its host is an address of one machine's own network interface")
        return ip_address(host)
    if _LOOKS_NUMERIC.fullmatch(host):
        try:
            return IPv4Address(host)
        except ValueError:
            raise ValueError("its host is neither a name nor four decimal numbers") from None
    if not _NAME.fullmatch(host) or ".." in host:
        raise ValueError("its host is not a name")
    return None


def _is_in(address: IPAddress, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)
