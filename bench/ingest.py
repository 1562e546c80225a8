"""Accepted requests a second with acks=all, beside the same route without the produce, and a bare route; and
signed webhooks likewise.

Batches of 500 answers are counted by the answer. One process serves all routes, another asks over keep-alive
connections, in alternating rounds; each rate is the median of its rounds.
"""

import argparse
import asyncio
import hmac
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

import httpx2
from fastapi import Request, Response
from psycopg_pool import ConnectionPool

from bench import report
from bench.http_load import Round, run_round
from bench.topic import records
from runtime.clock import WallClock
from runtime.health import Health
from runtime.messages import Message
from runtime.service import run_service
from runtime.topics import TopicSpec, ensure_topics
from sandbox.embedded_kafka import EmbeddedKafka
from sandbox.processes import free_port
from schemas.raw import WebhookReceived
from schemas.responses import ResponseRecorded
from schemas.topics import BY_NAME
from services.ingest.api import Api, api_routes
from services.ingest.api_keys import ApiKeys, digest_of
from services.ingest.app import build_app
from services.ingest.brand import Brand
from services.ingest.callers import Callers
from services.ingest.customers import Customers
from services.ingest.field_owners import Owned
from services.ingest.gone import Gone
from services.ingest.inbound_mail_routes import InboundMails
from services.ingest.languages import Languages
from services.ingest.mail_desk import MailDesk
from services.ingest.mail_event_routes import MailEvents, Outside
from services.ingest.pages import Site
from services.ingest.publisher import Publisher
from services.ingest.reply_desk import ReplyDesk
from services.ingest.sources import Configured
from services.ingest.survey_file import SurveyFile
from services.ingest.survey_routes import Surveys
from services.ingest.vendor import Source
from services.ingest.vendors import vendors
from services.ingest.webhook_routes import Webhooks, webhook_routes
from services.ingest.widget_routes import Widget

CONNECTIONS = 64
ACCEPTED, WITHOUT_PRODUCE, BARE = "/v1/responses", "/without-produce/v1/responses", "/bare"
WEBHOOK, WEBHOOK_WITHOUT_PRODUCE = "/v1/webhooks/bench", "/without-produce/v1/webhooks/bench"
BATCH = "/v1/responses/batch"
BATCH_ITEMS = 500
ANY_RATE = 10_000_000
BATCH_CONNECTIONS = 4
KEY = "fr_bench"
SECRET = b"a secret of the measurement alone"
WARM_UP_REQUESTS = 2_000
START_SECONDS = 60


class _Nowhere:
    """The produce left out."""

    def publish(self, *messages: Message) -> "asyncio.Future[None]":  # noqa: ARG002 - the protocol's
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    def check_room(self) -> None:
        """There is always room."""


def serve(bootstrap: str, port: int) -> int:
    """Serves the routes until a signal."""
    publisher = Publisher(bootstrap_servers=bootstrap, client_id="bench")
    keys = ApiKeys.parse(f"bench:{digest_of(KEY).hex()}")
    callers = Callers(keys, records_per_second=ANY_RATE)
    clock = WallClock()
    # None of the measured routes uses the database.
    pool = ConnectionPool("", open=False)

    def api(to: Publisher | _Nowhere) -> Api:
        return Api(
            publisher=to,
            callers=callers,
            gone=Gone(pool),
            customers=Customers(Owned()),
            clock=clock,
            pool=pool,
            person_key_secret=SECRET,
        )

    mails = MailDesk(pool=pool, clock=clock, token_secret=SECRET, person_key_secret=SECRET)
    replies = ReplyDesk(pool=pool, clock=clock, token_secret=SECRET, mail=mails)
    source = Source(vendor="delighted", secrets=("bench_secret",))
    configured = Configured("bench", source, vendors()["delighted"], (KEY,))

    def webhooks(to: Publisher | _Nowhere) -> Webhooks:
        return Webhooks(sources={"bench": configured}, publisher=to, clock=clock)

    brand = Brand(name="Bench")
    health = Health()
    health.add("kafka", publisher.check)
    surveys = Surveys(
        pool=pool,
        clock=clock,
        token_secret=SECRET,
        file=SurveyFile(brand=brand),
        site=Site(brand, Languages(), pictures=Path()),
    )
    app = build_app(
        api=api(publisher),
        webhooks=webhooks(publisher),
        mail_events=MailEvents(providers={}, desk=mails, outside=Outside()),
        inbound_mail=InboundMails(secrets=(), desk=replies),
        surveys=surveys,
        widget=Widget(surveys=surveys, person_key_secret=SECRET, secret=None, origins=()),
        health=health,
        background=publisher.run,
    )
    without = WITHOUT_PRODUCE.removesuffix(ACCEPTED)
    app.router.routes.extend(api_routes(api(_Nowhere()), without))
    app.router.routes.extend(webhook_routes(webhooks(_Nowhere()), without))

    @app.post(BARE)
    async def bare(_request: Request) -> Response:
        return Response(
            '{"response_id":"00000000-0000-0000-0000-000000000000"}', 202, media_type="application/json"
        )

    return run_service("bench", workers={}, app=app, host="127.0.0.1", port=port)


def ask(port: int, path: str, count: int, first: int, into: Path) -> None:
    """Sends `count` requests and writes what they took."""
    if path == BATCH:
        bodies = [
            [_answer(first + number) for number in range(start, start + BATCH_ITEMS)]
            for start in range(0, count, BATCH_ITEMS)
        ]
        requests = [_request(path, body) for body in bodies]
        took = run_round(port, requests, connections=BATCH_CONNECTIONS, ending=b"}]}")
    else:
        made = _webhook if path.endswith(WEBHOOK) else _single
        requests = [made(path, first + number) for number in range(count)]
        took = run_round(port, requests, connections=CONNECTIONS)
    into.write_text(json.dumps(asdict(took)))


def _answer(number: int) -> dict[str, object]:
    return {
        "source_id": f"answer-{number}",
        "metric": "nps",
        "score": number % 11,
        "comment": "Exports have been slow since the last release, and support took four days to answer.",
        "responded_at": "2026-11-20T09:30:00+01:00",
        "respondent": {
            "customer_id": f"c-{number % 5_000}",
            "email": f"person-{number % 5_000}@customer.example",
            "name": "Dana Whitfield",
        },
        "account_id": f"a-{number % 300}",
        "program": "relationship",
        "channel": "email",
    }


def _single(path: str, number: int) -> bytes:
    return _request(path, _answer(number))


def _request(path: str, sent: object) -> bytes:
    return _post(path, json.dumps(sent).encode(), f"Authorization: Bearer {KEY}")


def _webhook(path: str, number: int) -> bytes:
    body = json.dumps(
        {
            "event_type": "survey_response.updated",
            "event_id": f"event-{number}",
            "event_data": {
                "id": f"answer-{number}",
                "person": {"id": f"{number % 5_000}", "email": f"person-{number % 5_000}@customer.example"},
                "survey_type": "nps",
                "score": number % 11,
                "comment": "Exports have been slow since the last release, and support took four days.",
                "created_at": 1_795_000_000,
                "updated_at": 1_795_000_060,
            },
        }
    ).encode()
    signature = hmac.digest(KEY.encode(), body, sha256).hex()
    return _post(path, body, f"X-Delighted-Webhook-Signature: sha256={signature}")


def _post(path: str, body: bytes, proof: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{proof}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def _server(bootstrap: str) -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.ingest", "--serve", str(port), "--bootstrap", bootstrap],
        stdout=subprocess.DEVNULL,
    )
    try:
        _await_ready(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(15)


def _await_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _ready(port):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server is not ready after {START_SECONDS} s, exit code {server.poll()}")
        time.sleep(0.1)


def _ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/ready").is_success
    except httpx2.TransportError:
        return False


def _asked(port: int, path: str, count: int, first: int) -> Round:
    with NamedTemporaryFile() as file:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "bench.ingest",
                "--ask",
                path,
                str(port),
                str(count),
                str(first),
                file.name,
            ],
            check=True,
        )
        return Round(**json.load(file))


def measure(bootstrap: str, *, rounds: int, requests: int) -> int:
    """Runs the rounds and reports; the exit status."""
    topics = [BY_NAME[model.TOPIC] for model in (ResponseRecorded, WebhookReceived)]
    ensure_topics(bootstrap, [TopicSpec(topic.name, topic.partitions, topic.settings()) for topic in topics])
    records_before = records(bootstrap, ResponseRecorded.TOPIC)
    paths = (ACCEPTED, WITHOUT_PRODUCE, BARE, BATCH, WEBHOOK, WEBHOOK_WITHOUT_PRODUCE)
    results: dict[str, list[Round]] = {path: [] for path in paths}
    with _server(bootstrap) as port:
        for path in results:
            _asked(port, path, WARM_UP_REQUESTS, 0)
        for number in range(rounds):
            # Every other round in the opposite order, so that none always has the warmer machine.
            for path in list(results)[:: 1 if number % 2 else -1]:
                results[path].append(_asked(port, path, requests, WARM_UP_REQUESTS + number * requests))
                done = results[path][-1]
                print(
                    f"round {number + 1}: {path}: {done.per_second:,.0f}/s, "
                    f"p99 {done.latencies[len(done.latencies) * 99 // 100] * 1000:.0f} ms",
                    flush=True,
                )
    accepted = sum(len(done.latencies) for done in results[ACCEPTED])
    in_batches = BATCH_ITEMS * sum(len(done.latencies) for done in results[BATCH])
    rate = {path: statistics.median(done.per_second for done in of) for path, of in results.items()}
    latencies = sorted(latency for done in results[ACCEPTED] for latency in done.latencies)
    return report.publish(
        "ingest",
        figures={
            "ratio": rate[ACCEPTED] / rate[WITHOUT_PRODUCE],
            "per_second": rate[ACCEPTED],
            "without_produce_per_second": rate[WITHOUT_PRODUCE],
            "bare_per_second": rate[BARE],
            "webhook_ratio": rate[WEBHOOK] / rate[WEBHOOK_WITHOUT_PRODUCE],
            "webhook_per_second": rate[WEBHOOK],
            "p50_seconds": latencies[len(latencies) // 2],
            "p99_seconds": latencies[len(latencies) * 99 // 100],
            "batch_per_second": rate[BATCH] * BATCH_ITEMS,
            "unaccounted_records": accepted
            + in_batches
            + 2 * WARM_UP_REQUESTS
            - (records(bootstrap, ResponseRecorded.TOPIC) - records_before),
        },
        scale={
            "requests": accepted,
            "batch_items": BATCH_ITEMS,
            "connections": CONNECTIONS,
            "rounds": rounds,
        },
        reference="the same route without the produce",
        packages=("fastapi", "uvicorn", "uvloop", "pydantic", "aiokafka"),
        at_least={"ratio": 0.65, "webhook_ratio": 0.65, "batch_per_second": 15_000},
        at_most={"p99_seconds": 0.05, "unaccounted_records": 0},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=15_000, help="requests a round and route")
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"))
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--ask", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        return serve(given.bootstrap, given.serve)
    if given.ask:
        path, port, count, first, into = given.ask
        ask(int(port), path, int(count), int(first), Path(into))
        return 0
    if given.bootstrap:
        return measure(given.bootstrap, rounds=given.rounds, requests=given.requests)
    with EmbeddedKafka() as kafka:
        return measure(kafka.bootstrap_servers, rounds=given.rounds, requests=given.requests)


if __name__ == "__main__":
    sys.exit(main())
