"""What is done on the pages goes on through Kafka: to the classifier's lessons, to the customer's mail."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli import theme_comments
from runtime.consumer import Delivered
from runtime.kafka import KafkaSettings
from runtime.messages import Record
from runtime.migrations import migrate
from runtime.postgres import Pool
from runtime.relay import Relay
from schemas.delivery_requests import DeliveryRequested
from schemas.scales import Metric
from services.classifier import past
from services.insights import figures
from services.insights.announcing import send
from services.insights.filters import Filter
from services.router import bulletins
from services.router.bulletins import Bulletins
from services.router.destinations import email
from tests.integration.ingest.archiver import Archiver
from tests.integration.ingest.world import eventually, records
from tests.integration.insights import test_inbox
from tests.integration.insights.site import NOW, visitor
from tests.integration.insights.test_announcements import MAIL, asks, customer, drafted, source
from tests.integration.insights.test_inbox import Desk, fill
from tests.integration.insights.test_service import publish
from tests.integration.insights.world import World, hour
from tests.integration.router.world import profile

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
router_pool = test_inbox.router_pool
desk = test_inbox.desk


@contextmanager
def relaying(pool: Pool, bootstrap: str) -> Iterator[None]:
    """A service's relay at work."""
    stop = threading.Event()
    relay = Relay(pool=pool, kafka=KafkaSettings(bootstrap, "relay"))
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_theme_put_right_in_the_inbox_is_counted_and_is_what_the_classifier_learns_from(
    desk: Desk, topics: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database, "ingest")
    monkeypatch.setenv("DATABASE_URL", database)
    publish(topics, [desk.answer])
    with (
        visitor(desk.address) as client,
        relaying(desk.router.pool, topics),
        Archiver(topics, database, tmp_path),
    ):
        assert "Done." in fill(client, desk, "themes", **{"theme support": "on"}).text
        eventually(lambda: bool(theme_comments.corrections(LONG_AGO) and theme_comments.answers(LONG_AGO)))
    corrections = theme_comments.corrections(LONG_AGO)
    answers = theme_comments.answers(LONG_AGO)

    lessons = list(past.corrected_examples(answers, past.latest(corrections), {"support", "price"}))
    assert [(one.text, [label.theme for label in one.labels]) for one in lessons] == [
        ("Nobody answers.", ["support"])
    ]
    desk.insights.say(*corrections)
    told = figures.themes(desk.insights.counting(), Filter(Metric.NPS, hour(0).date(), NOW.date()))
    assert [(one.theme, one.volume.part) for one in told] == [("support", 1)]


def test_what_an_admin_lets_go_is_the_mail_that_the_router_will_send(
    desk: Desk, world: World, topics: str
) -> None:
    router, plugins = desk.router, {"email": email.PLUGIN}
    router.project(profile("ann"))
    world.say(customer("ann"), asks("ann"))
    assert send(source(world), drafted(world), seen=1, by="admin") == 1

    def asked() -> list[Record]:
        return records(topics, DeliveryRequested.TOPIC)

    with relaying(world.pool, topics):
        eventually(lambda: bool(asked()))
    handler = Bulletins(plugins, router.people, router.clock)
    for _ in range(2):
        with router.pool.connection() as connection:
            handler.take(connection, [Delivered(one, bulletins.decode(one)) for one in asked()])
    effects: list[tuple[Any, ...]] = router.ask(
        "SELECT person_key, destination, content ->> 'subject', content::text LIKE %s FROM effects"
        " WHERE subject LIKE 'digest:%%'",
        f"%{MAIL.words}%",
    )
    assert effects == [("ann", "email", MAIL.subject, True)]
