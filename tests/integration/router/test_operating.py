"""What operators see and change: over HTTP with their key, and with the `feedback` command."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from typer.testing import CliRunner

from cli.app import app as feedback
from services.router.destination import Ambiguous, Call, Delivered, Failed, Operation, Result, Retry
from services.router.pauses import Pauses
from tests.integration.router.api import Api
from tests.integration.router.world import EPOCH, World, answer, until


def refuse(cause: str) -> Callable[[Call], Result]:
    return lambda _call: Failed(cause)


def test_without_the_key_nothing_is_shown_or_changed(world: World, api: Api) -> None:
    world.say(answer(2))
    effect_id = api.only()

    for method, path in [
        ("GET", "/deliveries"),
        ("GET", f"/deliveries/{effect_id}"),
        ("POST", f"/deliveries/{effect_id}/retry"),
        ("POST", f"/deliveries/{effect_id}/cancel"),
        ("POST", "/deliveries/replay"),
        ("POST", "/destinations/box/pause"),
        ("POST", "/destinations/box/resume"),
    ]:
        asked = httpx2.request(method, f"{api.http.base_url}{path.removeprefix('/')}")
        assert asked.status_code == 401
    assert world.effects() == {"alert": "pending"}


def test_deliveries_are_found_by_each_filter_and_paged(world: World, api: Api) -> None:
    world.say(answer(2, person="ann"), answer(9, person="bob"))
    world.deliver_all()
    world.clock.time = EPOCH + timedelta(hours=1)
    world.say(answer(1, person="ann"))

    assert api.statuses() == ["pending", "delivered", "delivered"]
    assert api.statuses(status="pending") == ["pending"]
    assert [one["rule"] for one in api.page(rule="promoter")] == ["promoter"]
    assert [one["person_key"] for one in api.page(person="bob")] == ["bob"]
    assert len(api.page(since=(EPOCH + timedelta(minutes=1)).isoformat())) == 1
    assert api.page(destination="neighbour") == []
    subject = str(api.page(status="pending")[0]["subject"])
    assert api.statuses(subject=subject) == ["pending"]

    first = api.http.get("/deliveries", params={"limit": 2}).json()
    second = api.http.get("/deliveries", params={"limit": 2, "after": first["next"]}).json()
    assert len({one["effect_id"] for one in first["items"] + second["items"]}) == 3
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"), [({"after": "x"}, "after"), ({"status": "lost"}, "status"), ({"limit": "0"}, "limit")]
)
def test_a_wrong_filter_is_named(query: dict[str, str], field: str, api: Api) -> None:
    refused = api.http.get("/deliveries", params=query)

    assert refused.status_code == 422
    assert field in refused.json()["detail"]


def test_one_delivery_tells_what_is_sent_and_every_call(world: World, api: Api) -> None:
    world.box.answer = refuse("gone")
    world.say(answer(2, comment="late again"))
    world.deliver_all()

    shown = api.http.get(f"/deliveries/{api.only()}").json()

    assert shown["content"]["text"] == "late again"
    assert (shown["status"], shown["reason"]) == ("failed", "gone")
    (attempt,) = shown["attempts"]
    assert (attempt["request"], attempt["result"], attempt["cause"]) == (
        "create version 1 for ann@shop.test",
        "failed",
        "gone",
    )
    assert api.http.get(f"/deliveries/{uuid4()}").status_code == 404


def test_what_failed_is_delivered_when_it_is_retried(world: World, api: Api) -> None:
    world.box.answer = refuse("gone")
    world.say(answer(2))
    world.deliver_all()
    world.box.answer = world.box.accept

    assert api.http.post(f"/deliveries/{api.only()}/retry").json()["status"] == "pending"
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.CREATE]
    assert world.effects() == {"alert": "delivered"}
    assert world.outcomes() == ["planned", "failed", "delivered"]
    again = api.http.post(f"/deliveries/{api.only()}/retry")
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "It has not failed: nothing is to be done again.",
    )


def test_an_update_that_failed_is_made_again_and_creates_nothing(world: World, api: Api) -> None:
    first = uuid4()
    world.say(answer(2, of=first))
    world.deliver_all()
    world.box.answer = refuse("gone")
    world.say(answer(2, of=first, revision=2, comment="more"))
    world.deliver_all()
    world.box.answer = world.box.accept

    api.http.post(f"/deliveries/{api.only()}/retry").raise_for_status()
    world.deliver_all()

    assert world.box.operations == [Operation.CREATE, Operation.UPDATE, Operation.UPDATE]
    assert list(world.box.objects.values()) == ["more"]


def test_what_waits_for_its_next_try_is_tried_at_once(world: World, api: Api) -> None:
    world.box.answer = lambda _call: Retry("busy", 3600)
    world.say(answer(2))
    with world.delivering():
        until(lambda: world.count("pending", "failures = 1") == 1)
    world.box.answer = world.box.accept

    api.http.post(f"/deliveries/{api.only()}/retry").raise_for_status()
    world.deliver_all()

    assert world.effects() == {"alert": "delivered"}


def test_a_lost_call_that_may_still_arrive_is_not_looked_for_sooner(world: World, api: Api) -> None:
    world.say(answer(2))
    world.ask("UPDATE effects SET outside = 'unknown', changed_at = now()")
    world.ask("UPDATE pending SET failures = 1, due_at = now() + interval '1 hour'")
    effect_id = api.only()
    due_at = world.ask("SELECT due_at FROM pending")

    assert api.http.post(f"/deliveries/{effect_id}/retry").status_code == 409
    assert world.ask("SELECT due_at FROM pending") == due_at

    world.ask("UPDATE effects SET changed_at = changed_at - interval '1 hour'")
    assert api.http.post(f"/deliveries/{effect_id}/retry").is_success
    assert world.ask("SELECT due_at FROM pending") != due_at


def test_a_delivery_under_way_is_left_alone(world: World, api: Api) -> None:
    begun, release = threading.Event(), threading.Event()

    def slow(call: Call) -> Result:
        begun.set()
        release.wait(10)
        return world.box.accept(call)

    world.box.answer = slow
    world.say(answer(2))
    with world.delivering():
        assert begun.wait(10)
        effect_id = api.only()
        for what in ("retry", "cancel"):
            refused = api.http.post(f"/deliveries/{effect_id}/{what}")
            assert (refused.status_code, "under way" in refused.json()["detail"]) == (409, True)
        release.set()
        until(lambda: world.count("pending") == 0)
    assert world.effects() == {"alert": "delivered"}


def test_what_is_cancelled_is_never_sent_not_even_after_a_revision(world: World, api: Api) -> None:
    first = uuid4()
    world.say(answer(2, of=first))

    assert api.http.post(f"/deliveries/{api.only()}/cancel").json()["status"] == "withheld"
    world.say(answer(2, of=first, revision=2, comment="more"))
    world.deliver_all()

    assert world.box.calls == []
    assert world.outcomes() == ["planned", "withheld"]
    assert world.reason("alert") == "cancelled by an operator"
    assert api.http.post(f"/deliveries/{api.only()}/cancel").status_code == 409

    api.http.post(f"/deliveries/{api.only()}/retry").raise_for_status()
    world.deliver_all()
    assert len(world.box.calls) == 1, "what a person cancelled, a person may take back"


def test_cancelling_an_ambiguous_delivery_leaves_it_ambiguous(world: World, api: Api) -> None:
    def drop(call: Call) -> Result:
        world.box.accept(call)
        return Ambiguous("timeout")

    world.box.answer = drop
    world.say(answer(2))
    with world.delivering():
        until(lambda: world.count("pending", "failures = 1") == 1)

    assert api.statuses(status="ambiguous") == ["pending"]
    cancelled = api.http.post(f"/deliveries/{api.only()}/cancel").json()
    assert (cancelled["status"], cancelled["outside"], cancelled["is_ambiguous"]) == (
        "withheld",
        "unknown",
        True,
    )


def test_a_replay_makes_all_that_failed_since_again_and_nothing_else(world: World, api: Api) -> None:
    world.box.answer = refuse("gone")
    world.say(answer(1, person="old"))
    world.deliver_all()
    world.clock.time = EPOCH + timedelta(hours=1)
    world.say(*(answer(1, person=f"p{number}") for number in range(5)))
    world.deliver_all()
    world.box.answer = world.box.accept
    world.say(answer(1, person="fine"))
    world.deliver_all()
    world.box.calls.clear()

    since = (EPOCH + timedelta(minutes=30)).isoformat()
    replayed = api.http.post("/deliveries/replay", json={"destination": "box", "since": since})
    world.deliver_all()

    assert replayed.json() == {"replayed": 5}
    assert {str(call.content["person"]) for call in world.box.calls} == {f"p{n}" for n in range(5)}
    assert sorted(world.ask("SELECT status, count(*) FROM effects GROUP BY status")) == [
        ("delivered", 6),
        ("failed", 1),
    ]
    unknown = api.http.post("/deliveries/replay", json={"destination": "nobody", "since": since})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "/destination")


def test_a_paused_destination_gets_nothing_until_it_is_resumed_and_others_go_on(
    world: World, api: Api
) -> None:
    pauses, stop = Pauses(world.pool), threading.Event()
    listening = threading.Thread(target=pauses.run, args=(stop,))
    listening.start()
    world.is_paused = lambda: pauses.holds("box")
    try:
        paused = api.http.post("/destinations/box/pause", json={"because": "they move house"}).json()
        assert (paused["paused_because"], paused["paused_at"] is not None) == ("they move house", True)
        until(lambda: pauses.holds("box"), 5)
        world.say(answer(2))
        with world.delivering():
            threading.Event().wait(0.5)
            assert world.box.calls == []
            assert api.http.post("/destinations/box/resume").json()["paused_at"] is None
            until(lambda: world.count("pending") == 0, 5)
    finally:
        stop.set()
        listening.join(10)
    assert world.effects() == {"alert": "delivered"}
    assert api.http.post("/destinations/nobody/pause", json={"because": "x"}).status_code == 404


def test_the_command_lists_shows_retries_cancels_and_replays(world: World, api: Api) -> None:
    world.box.answer = refuse("gone")
    world.say(answer(2, comment="=HYPERLINK(1)"))
    world.deliver_all()
    effect_id = api.only()
    hours_ago = f"--since={(EPOCH - timedelta(hours=1)).isoformat()}"

    assert "gone" in api.run("deliveries", "list", "--status", "failed", hours_ago)
    assert "There are none." in api.run("deliveries", "list", "--status", "delivered", hours_ago)
    assert "create version 1" in api.run("deliveries", "show", effect_id)
    assert "HYPERLINK" not in api.run("deliveries", "show", effect_id)
    assert '"text": "=HYPERLINK(1)"' in api.run("deliveries", "show", effect_id, "--content")
    assert "pending" in api.run("deliveries", "retry", effect_id)
    assert "withheld" in api.run("deliveries", "cancel", effect_id)
    assert "nothing has failed" in api.run("deliveries", "replay", "--destination", "box", hours_ago)
    lines = api.run("deliveries", "list", "--csv", hours_ago).splitlines()
    assert lines[0].startswith("planned_at,destination,status")
    assert UUID(lines[1].rpartition(",")[2]) == UUID(effect_id)


def test_the_command_pauses_and_resumes_a_destination(api: Api) -> None:
    assert "box is paused" in api.run("destinations", "pause", "box", "--because", "they move house")
    assert "they move house" in api.run("destinations", "list")
    api.run("destinations", "resume", "box")
    assert "they move house" not in api.run("destinations", "list")


def test_the_command_lists_and_settles_whom_several_records_match(world: World, api: Api) -> None:
    world.box.answer = lambda _call: Delivered("case", review=("003A", "003B"))
    world.say(answer(2))
    world.deliver_all()

    assert "003A, 003B" in api.run("matches", "list")
    assert "Settled" in api.run("matches", "settle", "ann", "--destination", "box")
    assert "There are none." in api.run("matches", "list")


def test_the_command_says_what_went_wrong_in_plain_words(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = CliRunner().invoke(feedback, ["deliveries", "show", str(uuid4())])
    assert (unknown.exit_code, unknown.output.strip()) == (1, "There is no delivery with this id.")

    assert api.http.get("/destinations").is_success
    monkeypatch.setenv("ROUTER_OPERATOR_KEY", "wrong")
    refused = CliRunner().invoke(feedback, ["deliveries", "list"])
    assert "Authorization: Bearer" in refused.output
    monkeypatch.setenv("ROUTER_URL", "http://127.0.0.1:9")
    away = CliRunner().invoke(feedback, ["deliveries", "list"])
    assert "ROUTER_URL says where it is" in away.output
