"""What the sample reverse proxy lets through: a real nginx in front of stand-ins that name themselves."""

import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox.processes import free_port, spawn, stop, wait_until

SAMPLE = Path(__file__).parents[3] / "deploy" / "proxy" / "nginx.conf"
HOST = "feedback.example.com"
MAIN = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/sample.conf;
}}
"""


class Backend:
    """A server that answers with its name."""

    def __init__(self, name: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def certificate(folder: Path) -> None:
    """A self-signed one, in the files that the sample names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(private)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx2.Client, Path]]:
    """A client of nginx, which runs the sample with other ports and files; and its folder."""
    program = shutil.which("nginx", path=f"{os.defpath}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: nginx)")
    folder = tmp_path_factory.mktemp("nginx")
    certificate(folder)
    ingest, router = Backend("ingest"), Backend("router")
    plain, tls = free_port(), free_port()
    sample = SAMPLE.read_text()
    for theirs, ours in {
        "127.0.0.1:8000": f"127.0.0.1:{ingest.port}",
        "127.0.0.1:8002": f"127.0.0.1:{router.port}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl": f"listen 127.0.0.1:{tls} ssl",
        f"/etc/letsencrypt/live/{HOST}": str(folder),
        "/var/log/nginx": str(folder),
    }.items():
        assert theirs in sample
        sample = sample.replace(theirs, ours)
    (folder / "sample.conf").write_text(sample)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    log = folder / "output"
    # nginx's workers belong to `nobody` when root starts it, and must reach their files.
    folder.chmod(0o755)
    process = spawn(
        [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
        log=log,
    )

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", tls)) == 0

    wait_until(listens, process, log=log, timeout_seconds=20)
    with httpx2.Client(
        base_url=f"https://127.0.0.1:{tls}",
        headers={"Host": HOST},
        verify=False,
        trust_env=False,
    ) as client:
        client.headers["x-plain"] = f"http://127.0.0.1:{plain}"
        yield client, folder
    stop(process, signal.SIGQUIT)
    ingest.close()
    router.close()


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/s/some-token", "ingest"),
        ("/s/some-token/unsubscribe", "ingest"),
        ("/widget/v1.js", "ingest"),
        ("/v1/widget/eligibility", "ingest"),
        ("/v1/webhooks/delighted", "ingest"),
        ("/v1/slack/interactions", "router"),
        ("/v1/slack/events", "router"),
        ("/v1/callbacks/marketing", "router"),
    ],
)
def test_the_outside_reaches_what_it_must(proxy: tuple[httpx2.Client, Path], path: str, service: str) -> None:
    answer = proxy[0].get(path)
    assert (answer.status_code, answer.text) == (200, service)
    assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/health/ready",
        "/docs",
        "/openapi.json",
        "/v1/responses",
        "/v1/profiles/1",
        "/v1/deliveries",
        "/v1/destinations",
        "/v1/callbacks",
        "/v1/callbacks/marketing/../../deliveries",
        "/s/../metrics",
        "/v1/slack/%2e%2e/deliveries",
        "/s",
    ],
)
def test_the_outside_reaches_nothing_else(proxy: tuple[httpx2.Client, Path], path: str) -> None:
    answer = proxy[0].get(path)
    assert answer.status_code in {301, 404}
    assert answer.text not in {"ingest", "router"}


def test_a_survey_s_address_is_not_logged(proxy: tuple[httpx2.Client, Path]) -> None:
    client, folder = proxy
    client.get("/s/secret-token")
    client.get("/v1/webhooks/marker")
    logged = (folder / "feedback.log").read_text()
    assert "/v1/webhooks/marker" in logged
    assert "secret-token" not in logged
    assert "/s/-" in logged


def test_plain_http_is_sent_to_https(proxy: tuple[httpx2.Client, Path]) -> None:
    client, _ = proxy
    answer = client.get(client.headers["x-plain"] + "/s/some-token")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://{HOST}/s/some-token"
