"""A service of runtime's parts alone, as a process: `python -m … TOPIC DATABASE SCHEMA MODE PORT`."""

import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import psycopg

from runtime import logging, outbox
from runtime.cloudevents import decode
from runtime.consumer import Consumer, Delivered
from runtime.dead_letters import DeadLetters
from runtime.health import Health
from runtime.kafka import KafkaSettings
from runtime.messages import Message
from runtime.ops import ops_app
from runtime.postgres import open_pool, reachable
from runtime.relay import Relay
from runtime.service import run_service
from runtime.watchdog import Watchdog
from tests.integration.runtime.world import Counted

STALLED_SECONDS = 7


def main(topic: str, database: str, schema: str, mode: str, port: str) -> int:
    logging.configure("small")
    kafka = KafkaSettings(os.environ["BROKER"], "small", "1")
    pool = open_pool(database, schema=schema, application="small")

    def handle(connection: psycopg.Connection[Any], batch: Sequence[Delivered[Counted]]) -> None:
        if mode == "hangs":
            threading.Event().wait()
        if mode == "dies":
            raise psycopg.ProgrammingError
        numbers = [(delivered.event.number, topic) for delivered in batch]
        connection.cursor().executemany("INSERT INTO taken (number, topic) VALUES (%s, %s)", numbers)
        outbox.append(
            connection,
            [Message(f"{topic}.dlq", b"echo", one.record.value, one.record.headers) for one in batch],
        )

    consumer = Consumer(
        kafka=kafka,
        group=f"small-{topic}",
        topics=[topic],
        decode=lambda record: decode(record, {Counted.TYPE: Counted}),
        handle=handle,
        pool=pool,
        dead_letters=DeadLetters(kafka),
    )
    relay = Relay(pool=pool, kafka=kafka)
    watchdog = Watchdog(consumer.progress.standing, stalled_seconds=STALLED_SECONDS)
    health = Health()
    health.add("database", reachable(pool))
    health.add("consumer", consumer.check)
    health.add("relay", relay.check)
    code = run_service(
        "small",
        workers={"consumer": consumer.run, "relay": relay.run, "watchdog": watchdog.run},
        app=ops_app(health),
        host="127.0.0.1",
        port=int(port),
    )
    pool.close()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
