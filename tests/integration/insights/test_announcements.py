"""You said, we did: who is told, who lets it go, and that nobody is told twice."""

from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from json import dumps
from time import time
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx2
import pytest
from itsdangerous import TimestampSigner

from schemas.classified import ResponseClassified
from schemas.delivery_requests import DeliveryKind
from schemas.profiles import OptOut, ProfileChanged
from schemas.scales import Metric
from services.insights import announcement_store
from services.insights.announcements import LeftOut, Mail
from services.insights.announcing import NotSent, reached_by, send
from services.insights.filters import Dimension, Filter
from services.insights.source import Source
from tests.integration.insights.site import NOW, Still, served, token_on
from tests.integration.insights.test_erasure import erase
from tests.integration.insights.test_telling_teams import asked_for
from tests.integration.insights.world import UTC_ZONE, World, answer_id, answered, hour, profile

MAIL = Mail(subject="Your exports", words="They are done within a minute now.")
WANTED = Filter(Metric.NPS, hour(0).date(), NOW.date()).choosing(Dimension.THEME, "reporting")
PATH = "/you-said-we-did"


def asks(person: str, day: int = 1, number: int = 1, theme: str = "reporting") -> ResponseClassified:
    return answered(person, 24 * day, 3, number=number, comment="Slow.", themes=(theme,))


def customer(person: str, version: int = 1, **facts: object) -> ProfileChanged:
    return profile(person, 0, version, **{"email": f"{person}@customer.test", **facts})


def source(world: World) -> Source:
    return Source(pool=world.pool, clock=Still(), zone=UTC_ZONE)


def drafted(world: World) -> UUID:
    id_ = uuid4()
    with world.pool.connection() as connection:
        answers = urlencode(WANTED.parameters())
        announcement_store.draft(connection, id_, answers, MAIL, by="agent", at=NOW)
    return id_


def reached(world: World) -> tuple[list[str], dict[LeftOut, int]]:
    with world.pool.connection() as connection:
        found = reached_by(connection, source(world), WANTED)
    return [one.person for one in found.reached], dict(found.left_out)


@contextmanager
def staff(address: str, role: str) -> Iterator[httpx2.Client]:
    session = {"id": f"the {role}", "name": "V", "role": role, "until": time() + 600, "token": "t"}
    cookie = TimestampSigner("s" * 32).sign(b64encode(dumps(session).encode())).decode()
    with httpx2.Client(
        base_url=address, cookies={"insights": cookie}, trust_env=False, follow_redirects=True
    ) as client:
        yield client


def test_whoever_asked_for_it_is_told_unless_there_is_a_reason(world: World) -> None:
    refuses = OptOut(since=hour(0))
    world.say(
        *(customer("ann"), asks("ann"), asks("ann", 2, 2)),
        *(customer("bob"), asks("bob", theme="price")),
        *(customer("cyd", opt_outs=(refuses,)), asks("cyd")),
        *(customer("dan", email=None), asks("dan")),
        *(customer("eve", opt_outs=(OptOut(program="yearly_nps", since=hour(0)),)), asks("eve")),
        *(customer("ida", opt_outs=(OptOut(program="you_said_we_did", since=hour(0)),)), asks("ida")),
        *(customer("fay", internal=True), asks("fay")),
        *(customer("gus"), asks("gus")),
        *(customer("old", opt_outs=(refuses,)), customer("new"), asks("new")),
        customer("new", 2, merged_from=("old",)),
    )
    erase(world, 24 * 5, "gus")
    assert reached(world) == (["ann", "eve"], {LeftOut.REFUSES: 3, LeftOut.NO_ADDRESS: 1})


def test_whose_wishes_are_not_known_is_not_written_to(world: World) -> None:
    world.say(customer("ann"), asks("ann"))
    with world.pool.connection() as connection:
        connection.execute("DELETE FROM mail_wishes")
    assert reached(world) == ([], {LeftOut.UNKNOWN_WISH: 1})


def test_nobody_is_told_twice_by_two_who_approve_or_by_another_until_they_answer_again(world: World) -> None:
    world.say(customer("ann"), asks("ann"), customer("bob"), asks("bob"))
    first = drafted(world)
    with ThreadPoolExecutor(2) as both:
        tries = [both.submit(send, source(world), first, seen=2, by="admin") for _ in range(2)]
    assert sorted(str(one.exception() or one.result()) for one in tries) == [
        "2",
        "It was sent already, or thrown away.",
    ]
    requests = asked_for(world)
    assert [(one.person_key, one.kind, one.destination, one.team) for one in requests] == [
        (person, DeliveryKind.YOU_SAID_WE_DID, "email", None) for person in ("ann", "bob")
    ]
    assert requests[0].content == {
        "title": MAIL.subject,
        "text": MAIL.words,
        "response_id": str(answer_id("ann", 1)),
    }
    assert len({one.delivery_id for one in requests}) == 2

    assert reached(world) == ([], {LeftOut.TOLD: 2})
    with pytest.raises(NotSent, match="reach 0 people, not 2"):
        send(source(world), drafted(world), seen=2, by="admin")
    world.say(asks("bob", 91, 2))
    with world.pool.connection() as connection:
        later = WANTED.between(WANTED.since, hour(24 * 92).date())
        assert [one.person for one in reached_by(connection, source(world), later).reached] == ["bob"]


def test_an_agent_writes_an_admin_lets_it_go_and_a_reader_reads(world: World) -> None:
    world.say(customer("ann", name="Ann Lee"), asks("ann"))
    told = {"token": "t", "announcement_id": str(uuid4()), "answers": urlencode(WANTED.parameters())}
    written = told | {"subject": MAIL.subject, "words": MAIL.words}
    path = f"{PATH}/{told['announcement_id']}"
    with served(world.pool) as address, staff(address, "viewer") as reader, staff(address, "agent") as agent:
        assert reader.post(PATH, data=written).status_code == 403
        assert agent.post(PATH, data=written | {"token": "of somebody else"}).status_code == 403
        refused = agent.post(PATH, data=written | {"subject": " "})
        assert refused.status_code == 409
        assert MAIL.words in refused.text
        assert "waits for somebody with the role admin" in agent.post(PATH, data=written).text
        assert MAIL.words in reader.get(path).text
        assert "<form" not in reader.get(path).text.split("<main")[1]
        assert agent.post(f"{path}/approve", data={"token": "t", "seen": "1"}).status_code == 403
        assert asked_for(world) == []
        with staff(address, "admin") as admin:
            assert token_on(admin.get(path).text) == "t"
            assert admin.post(f"{path}/approve", data={"token": "t", "seen": "2"}).status_code == 409
            assert "for 1 person" in admin.post(f"{path}/approve", data={"token": "t", "seen": "1"}).text
            assert admin.post(f"{path}/discard", data={"token": "t"}).status_code == 409
            assert "Ann Lee" in admin.get(path).text
        listed = reader.get("/tables/announcements.csv").text.splitlines()
        assert [line.split(",")[1] for line in listed] == ["subject", MAIL.subject]
        assert listed[1].endswith(",1")
    assert [one.person_key for one in asked_for(world)] == ["ann"]


def test_whom_it_was_sent_to_is_forgotten_with_them(world: World) -> None:
    world.say(customer("ann"), asks("ann"))
    id_ = drafted(world)
    send(source(world), id_, seen=1, by="admin")
    asked_for(world)
    assert erase(world, 24 * 95, "ann")["announced"] == 1
    with world.pool.connection() as connection:
        assert announcement_store.told(connection, id_) == []
