"""Addresses that a user may have been talked into configuring: refused before anything is sent."""

from ipaddress import ip_address

import pytest

from services.router.outbound_address import is_public, may_lead_to, target_of

INTERNAL = [
    # Loopback and "this host", in every notation that some resolver or URL parser takes.
    "https://127.0.0.1/",
    "https://127.8.9.10:8443/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.1./",
    "https://0x/",
    "https://127%2e0.0.1/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    # The clouds' metadata.
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::a9fe:a9fe]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://168.63.129.16/",
    "https://100.100.100.200/",
    # Private networks.
    "https://10.0.0.5/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    # IPv4 carried by IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo.
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    # Not of one machine, or of none.
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://[2001:db8::1]/",
]
NOT_TO_BE_CALLED = [
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "//hooks.example.com/",
    "hooks.example.com",
    "https:///nowhere",
    "https://user:secret@hooks.example.com/",
    "https://@hooks.example.com/",
    "https://hooks.example.com@10.0.0.5/",
    "https://hooks.example.com\\@10.0.0.5/",
    "https://hooks.example.com:99999/",
    "https://hooks.example.com\r\nhost: 10.0.0.5/",
    "https://hooks..example.com/",
    "https://hooks.example.com./",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://127\u30020\u30020\u30021/",
    "https://hooks.example.com:0/",
    "https://[127.0.0.1]/",
]


@pytest.mark.parametrize("url", [*INTERNAL, *NOT_TO_BE_CALLED])
def test_it_is_refused_and_the_reason_does_not_repeat_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(it|its) ") as refused:
        target_of(url, ())
    assert url.rpartition("://")[2].strip("/") not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.example.com/catch/1?a=b", "hooks.example.com", 443, b"/catch/1?a=b"),
        ("https://HOOKS.Example.com:8443", "hooks.example.com", 8443, b"/"),
        ("https://93.184.215.14/x#y", "93.184.215.14", 443, b"/x"),
        ("https://[2606:4700::6810:84e5]/", "2606:4700::6810:84e5", 443, b"/"),
        ("https://b\u00fccher.example/", "xn--bcher-kva.example", 443, b"/"),
        ("https://hooks.example.com/a@b", "hooks.example.com", 443, b"/a@b"),
    ],
)
def test_a_public_address_is_taken_apart(url: str, host: str, port: int, path: bytes) -> None:
    found = target_of(url, ())

    assert (found.scheme, found.host, found.port, found.path) == ("https", host, port, path)
    assert not found.is_listed


@pytest.mark.parametrize("host", ["sandbox", "localhost", "127.0.0.1", "10.0.0.5", "[::1]", "crm.internal"])
def test_a_listed_host_may_be_private_and_without_tls(host: str) -> None:
    assert target_of(f"http://{host}:8090/hook", {host.strip("[]")}).is_listed


@pytest.mark.parametrize("url", ["http://10.0.0.6/", "https://10.0.0.6/", "http://sub.sandbox/"])
def test_only_the_host_on_the_list_may(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(it|its) "):
        target_of(url, {"10.0.0.5", "sandbox"})


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::1", "fd12::1", "192.168.0.9", "100.64.0.1"])
def test_a_listed_name_may_resolve_to_a_private_address(address: str) -> None:
    assert may_lead_to(ip_address(address), is_listed=True)
    assert not may_lead_to(ip_address(address), is_listed=False)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "fe80::1",
        "::",
        "ff02::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
    ],
)
def test_not_even_a_listed_name_resolves_to_metadata_multicast_or_an_address_in_disguise(
    address: str,
) -> None:
    assert not may_lead_to(ip_address(address), is_listed=True)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2a00:1450::8a"]
)
def test_what_is_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))
