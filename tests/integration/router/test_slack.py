"""Slack with people in it: what they press, fill in and read, on a real database and over real HTTP."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx2
import pytest

from runtime.cloudevents import Undecodable, to_message
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.postgres import Pool
from runtime.tracing import new_traceparent
from sandbox.client import Credentials, RunningSandbox
from sandbox.processes import free_port
from sandbox.slack_callbacks import sign
from schemas.accounts import AccountChanged
from schemas.delivery_requests import DeliveryKind, DeliveryRequested
from schemas.erasures import ErasureRequested
from schemas.outcomes import OutcomeKind
from services.router import bulletins, erasures, follow_up_store
from services.router.bulletins import Bulletins
from services.router.clearance import DeliveryMode, Policy
from services.router.follow_up import FollowUp, State
from tests.integration.router.slack_world import OPERATOR_KEY, PEOPLE, SlackWorld
from tests.integration.router.world import EPOCH, answer, profile, until

PORT = free_port()
RECORD = Record("delivery.requests.v1", 0, 0, b"", b"", (), EPOCH)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    urls = {
        "INTERACTIVITY_URL": f"http://127.0.0.1:{PORT}/v1/slack/interactions",
        "EVENTS_URL": f"http://127.0.0.1:{PORT}/v1/slack/events",
        "SANDBOX_RATE_FACTOR": "10000",
        "DATABASE_URL": "",
    }
    log = tmp_path_factory.mktemp("slack") / "sandbox.log"
    with RunningSandbox.start(Credentials.generate(), log=log, environment=urls) as running:
        yield running


@pytest.fixture
def slack(pool: Pool, tmp_path: Path, sandbox: RunningSandbox) -> Iterator[SlackWorld]:
    """A detractor's card in #customer-success, and everybody at work."""
    httpx2.delete(f"{sandbox.url}/received").raise_for_status()
    world = SlackWorld(pool, tmp_path, sandbox)
    world.forget()
    with world.at_work(PORT):
        yield world


@pytest.fixture
def maya(slack: SlackWorld) -> str:
    return slack.user("maya.lindqvist@acme.test")


@pytest.fixture
def jonas(slack: SlackWorld) -> str:
    return slack.user("jonas.weber@acme.test")


def detractor(slack: SlackWorld, comment: str = "The export is broken.") -> UUID:
    id_ = uuid4()
    slack.say(answer(2, of=id_, comment=comment))
    slack.card()
    return id_


def follow_up(slack: SlackWorld, id_: UUID) -> FollowUp:
    with slack.pool.connection() as connection:
        return follow_up_store.of_subjects(connection, [f"response:{id_}"])[f"response:{id_}"]


def emitted(slack: SlackWorld, topic: str) -> list[dict[str, Any]]:
    rows = slack.ask("SELECT value FROM outbox WHERE topic = %s ORDER BY id", topic)
    return [json.loads(bytes(value)) for (value,) in rows]


def test_a_claim_is_shown_on_the_card_told_in_its_thread_and_said_to_the_product(
    slack: SlackWorld, maya: str
) -> None:
    id_ = detractor(slack)
    assert "*Open*" in str(slack.card()["blocks"])

    pressed = slack.press("claim", maya)

    assert pressed["seconds"] < 3
    until(lambda: "*Claimed by Maya Lindqvist*" in str(slack.card()["blocks"]))
    assert f"Owner: <@{maya}>" in str(slack.card()["blocks"])
    assert "https://calendar.test/maya" in str(slack.card()["blocks"])
    until(lambda: slack.thread() == ["Maya Lindqvist took this."])
    assert follow_up(slack, id_).owner_id == "maya"
    claimed = [one for one in emitted(slack, "feedback.outcomes.v1") if one["kind"] == OutcomeKind.CLAIMED]
    assert [one["actor"] for one in claimed] == ["maya"]


def test_of_clicks_at_once_one_claims_and_whoever_lost_is_told_who_has_it(
    slack: SlackWorld, maya: str, jonas: str
) -> None:
    detractor(slack)
    card = slack.card()
    orders = [
        {"channel": card["channel_id"], "ts": card["ts"], "action_id": "claim", "user": user}
        for user in (maya, maya, jonas, jonas)
    ]

    async def at_once() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(timeout=10) as client:
            return await asyncio.gather(*(client.post(f"{slack.url}/press", json=order) for order in orders))

    assert {answer.json()["status"] for answer in asyncio.run(at_once())} == {200}
    until(lambda: len(slack.hints()) == 2)
    until(lambda: len(slack.thread()) == 1)
    (winner,) = {line.removesuffix(" took this.") for line in slack.thread()}
    assert set(slack.hints()) == {f"{winner} has it already."}
    kinds = [one["kind"] for one in emitted(slack, "feedback.outcomes.v1")]
    assert kinds.count(OutcomeKind.CLAIMED) == 1


def test_a_late_comment_does_not_redraw_a_claimed_card_as_unclaimed(slack: SlackWorld, maya: str) -> None:
    id_ = detractor(slack)
    slack.press("claim", maya)
    until(lambda: "Claimed by" in str(slack.card()["blocks"]))

    slack.say(answer(2, of=id_, revision=2, comment="It never worked, to be frank."))

    until(lambda: "to be frank" in str(slack.card()["blocks"]))
    assert "*Claimed by Maya Lindqvist*" in str(slack.card()["blocks"])


def test_the_forms_take_a_follow_up_from_contact_to_resolution_and_back(slack: SlackWorld, maya: str) -> None:
    id_ = detractor(slack)
    slack.press("contacted", maya)
    assert slack.form(maya)["callback_id"] == "contacted"
    slack.submit(maya, how="phone", note="They want a call on Monday.")
    until(lambda: "Contacted (phone) by Maya Lindqvist" in str(slack.card()["blocks"]))

    slack.press("resolve", maya)
    slack.form(maya)
    slack.submit(maya, resolution="fixed", root_cause="export timed out", note="Deployed.")
    until(lambda: "Resolved: fixed, cause: export timed out" in str(slack.card()["blocks"]))
    it = follow_up(slack, id_)
    assert (it.state, it.resolved_by, it.root_cause) == (State.RESOLVED, "maya", "export timed out")

    slack.press("reopen", maya)
    slack.form(maya)
    slack.submit(maya, why="It broke again.")
    until(lambda: "*Open*" in str(slack.card()["blocks"]))
    until(lambda: len(slack.thread()) == 4)
    assert slack.thread()[1] == "Maya Lindqvist: They want a call on Monday."
    steps = [OutcomeKind.CONTACTED, OutcomeKind.RESOLVED, OutcomeKind.REOPENED]
    said = [one["kind"] for one in emitted(slack, "feedback.outcomes.v1")]
    assert [kind for kind in said if kind in steps] == steps


def test_it_can_be_given_to_somebody_to_a_team_and_put_off(slack: SlackWorld, maya: str, jonas: str) -> None:
    id_ = detractor(slack)
    slack.press("reassign", maya)
    slack.form(maya)
    slack.submit(maya, to="jonas")
    until(lambda: f"Owner: <@{jonas}>" in str(slack.card()["blocks"]))

    slack.press("snooze", jonas)
    proposed = slack.form(jonas)["blocks"][0]["element"]["initial_date"]
    assert proposed == (EPOCH + timedelta(days=1)).date().isoformat()
    slack.submit(jonas, until="2020-01-01")
    assert slack.form(jonas)["errors"] == {"until": "The time to be reminded at has passed already."}
    slack.submit(jonas, until="2026-03-04")
    until(lambda: "Snoozed until" in str(slack.card()["blocks"]))

    slack.press("hand_over", jonas)
    assert slack.form(jonas)["blocks"][0]["element"]["initial_option"]["value"] == "product"
    slack.submit(jonas, team="product", note="The importer is yours.")
    until(lambda: follow_up(slack, id_).team == "product")
    until(lambda: "Team: Product" in str(slack.card()["blocks"]))
    shown_to_product = slack.card("product-feedback")
    assert "The export is broken." in str(shown_to_product["blocks"])

    slack.press("claim", maya, "product-feedback")
    slack.say(answer(2, of=id_, revision=2, comment="The importer is fine, the export is not."))
    for channel in ("customer-success", "product-feedback"):
        for words in ("*Claimed by Maya Lindqvist*", "the export is not"):
            until(lambda: words in str(slack.card(channel)["blocks"]))  # noqa: B023 - called at once
    slack.say(answer(9, of=id_, revision=3))
    until(lambda: "does not count any more" in str(slack.card("product-feedback")["blocks"]))


def test_a_reply_is_edited_seen_once_more_and_mailed_and_lands_in_the_thread(
    slack: SlackWorld, maya: str
) -> None:
    id_ = detractor(slack)
    slack.press("reply", maya)
    draft = {block.get("block_id"): block for block in slack.form(maya)["blocks"]}
    assert "> The export is broken." in draft["text"]["element"]["initial_value"]

    slack.submit(maya, **{name: draft[name]["element"]["initial_value"] for name in ("subject", "text")})
    refused = slack.form(maya)
    assert "(Say here what happens next.)" in refused["errors"]["text"]
    assert slack.count("slack_drafts") == 0, "what a template says to the writer reaches no customer"

    slack.submit(maya, subject="Your export", text="Dear Ann,\n\nit works again.")
    preview = slack.form(maya)
    assert preview["title"]["text"] == "Send this mail?"
    assert "it works again." in str(preview["blocks"])
    assert not slack.ask("SELECT 1 FROM effects WHERE destination = 'email'"), "nothing is sent yet"
    slack.submit(maya)

    until(lambda: slack.count("effects", "destination = 'email' AND status = 'delivered'") == 1)
    (mail,) = httpx2.get(f"{slack.url}/received/mail").json()["items"]
    assert (mail["subject"], mail["to"]) == ("Your export", ["ann@shop.test"])
    assert "it works again." in mail["text"]
    assert not slack.has_form(maya)
    assert dict(mail["headers"])["Reply-To"] == "Maya Lindqvist <maya.lindqvist@acme.test>"
    until(lambda: follow_up(slack, id_).contacted_how == "email")
    until(lambda: any("Dear Ann" in line for line in slack.thread()))


def test_a_reply_that_is_refused_for_good_is_no_contact_and_its_writer_is_told(
    slack: SlackWorld, maya: str
) -> None:
    id_ = detractor(slack)
    fault = {"double": "mail", "kind": "refused", "code": "550", "count": 1}
    httpx2.post(f"{slack.url}/faults", json=fault).raise_for_status()
    slack.press("reply", maya)
    slack.form(maya)
    slack.submit(maya, subject="Your export", text="It works again.")
    slack.form(maya)
    slack.submit(maya)

    until(lambda: any("Maya Lindqvist's mail did not leave" in line for line in slack.thread()))

    (told,) = [line for line in slack.thread() if "did not leave" in line]
    assert told.startswith(f"<@{maya}> ")
    it = follow_up(slack, id_)
    assert (it.state, it.owner_id, it.contacted_at) == (State.CLAIMED, "maya", None)


def test_a_reply_that_is_sent_twice_is_one_mail(slack: SlackWorld, maya: str) -> None:
    detractor(slack)
    slack.press("reply", maya)
    slack.form(maya)
    slack.submit(maya, subject="Your export", text="It works again.")
    preview = slack.form(maya)
    payload = {
        "type": "view_submission",
        "user": {"id": maya},
        "view": {**preview, "state": {"values": {}}},
    }

    answers = [signed(slack, payload).json() for _ in range(2)]

    assert answers == [{"response_action": "clear"}] * 2
    assert slack.count("effects", "destination = 'email'") == 1


def test_asking_can_be_stopped_and_what_was_wrong_is_put_right(slack: SlackWorld, maya: str) -> None:
    id_ = detractor(slack)
    slack.press("stop_asking", maya)
    assert "ann" in str(slack.form(maya)["blocks"]) or "This person" in str(slack.form(maya)["blocks"])
    slack.submit(maya)
    (step,) = emitted(slack, "survey.events.v1")
    assert (step["step"], step["person_key"], step["reason"]) == ("unsubscribed", "ann", "asked maya")

    slack.press("not_useful", maya)
    slack.form(maya)
    slack.submit(maya, reason="wrong_theme", themes=["export"], sentiment="negative", note="Not ours.")
    stated = {one["field"]: one for one in emitted(slack, "feedback.corrected.v1")}
    assert stated["usefulness"]["after"] == ["not_useful", "wrong_theme"]
    assert (stated["themes"]["before"], stated["themes"]["after"]) == ([], ["export"])
    assert stated["sentiment"]["after"] == ["negative"]
    assert {one["response_id"] for one in stated.values()} == {str(id_)}
    assert {one["corrected_by"] for one in stated.values()} == {"maya"}
    until(lambda: len(slack.thread()) == 2)
    assert "no more surveys" in slack.thread()[0]


def test_a_card_without_a_follow_up_is_answered_corrected_and_tells_its_thread(
    slack: SlackWorld, maya: str
) -> None:
    slack.say(answer(8, comment="Nice, but slow."))
    channel = "product-feedback"
    slack.press("reply", maya, channel)
    slack.form(maya)
    slack.submit(maya, subject="Speed", text="It is faster now.")
    slack.submit(maya)
    until(lambda: any("It is faster now." in line for line in slack.thread(channel)))
    slack.press("not_useful", maya, channel)
    slack.form(maya)
    slack.submit(maya, reason="known_already")
    until(lambda: "Maya Lindqvist: Not useful. We knew it already" in slack.thread(channel))


def test_where_no_mail_may_leave_that_is_said_before_anything_is_written(
    pool: Pool, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    httpx2.delete(f"{sandbox.url}/received").raise_for_status()
    world = SlackWorld(pool, tmp_path, sandbox)
    world.forget()
    world.policy = Policy(DeliveryMode.PILOT, frozenset({"customer-success"}))
    maya = world.user("maya.lindqvist@acme.test")
    with world.at_work(PORT):
        id_ = detractor(world)
        world.press("reply", maya)
        world.form(maya)
        world.submit(maya, subject="Your export", text="It works again.")
        assert "not on the pilot's allow-list" in str(world.form(maya)["blocks"])
    assert world.count("slack_drafts") == 0
    assert follow_up(world, id_).contacted_at is None


def test_a_card_is_claimed_and_a_form_sent_by_clicks_on_the_sandboxs_page(
    slack: SlackWorld, maya: str
) -> None:
    id_ = detractor(slack)
    clicked(slack, maya, "claim")
    until(lambda: "*Claimed by Maya Lindqvist*" in str(slack.card()["blocks"]))
    until(lambda: "Claimed by Maya Lindqvist" in page(slack, maya))

    clicked(slack, maya, "contacted")
    until(lambda: 'role="dialog"' in page(slack, maya))
    filled = {"user": maya, "field:how": "meeting", "field:note": "At their office."}
    assert httpx2.post(f"{slack.url}/page/submit", data=filled).status_code == 303

    until(lambda: follow_up(slack, id_).contacted_how == "meeting")
    until(lambda: "At their office." in page(slack, maya))


def page(slack: SlackWorld, user: str) -> str:
    return httpx2.get(slack.url, params={"as": user, "channel": "customer-success"}).text


def clicked(slack: SlackWorld, user: str, verb: str) -> None:
    """Send the page's form around a button, as a browser does."""
    until(lambda: f'value="{verb}"' in page(slack, user))
    form = next(part for part in page(slack, user).split("<form") if f'value="{verb}"' in part)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    assert fields["user"] == user
    assert httpx2.post(f"{slack.url}/page/press", data=fields).status_code == 303


def test_the_home_tab_lists_mine_and_my_teams_by_due_time(slack: SlackWorld, maya: str) -> None:
    first = detractor(slack, "Mine to do.")
    slack.press("claim", maya)
    until(lambda: follow_up(slack, first).owner_id == "maya")
    slack.say(answer(1, comment="Nobody's yet.", person="bob"))
    slack.settled()

    httpx2.post(f"{slack.url}/home", params={"user": maya}).raise_for_status()

    def home() -> dict[str, Any] | None:
        shown: dict[str, Any] | None = httpx2.get(f"{slack.url}/views/{maya}").json()["home"]
        return shown

    until(lambda: home() is not None)
    shown = home()
    assert shown is not None
    texts = [block["text"]["text"] for block in shown["blocks"] if "text" in block]
    assert (texts[0], texts[2]) == ("Mine (1)", "My team's (1)")
    assert "Mine to do." in texts[1]
    assert "Claimed by Maya Lindqvist · First contact due <!date^" in texts[1]
    assert "Nobody's yet." in texts[3]
    assert "https://sandbox.slack.test/archives/C" in str(shown["blocks"])

    claim = {"view_id": shown["id"], "action_id": "claim", "user": maya}
    assert httpx2.post(f"{slack.url}/press", json=claim).json()["status"] == 200
    until(lambda: "Mine (2)" in str(home()))


def test_the_home_tab_shows_a_manager_their_teams_and_hides_nothing_behind_what_is_mine(
    slack: SlackWorld, maya: str, jonas: str
) -> None:
    slack.say(*(answer(1, comment="Mine.", person=f"ann-{number}") for number in range(33)))
    slack.ask("UPDATE follow_ups SET owner_id = 'maya', first_contact_due_at = now() - interval '9 years'")
    slack.say(answer(1, comment="Nobody's yet.", person="bob"))
    slack.settled()

    hers = shown_at_home(slack, maya)
    assert "My team's (1)" in hers
    assert "Nobody's yet." in hers

    slack.ask("UPDATE follow_ups SET team = 'support' WHERE owner_id = 'maya'")
    slack.ask("UPDATE follow_ups SET team = 'product' WHERE owner_id IS NULL")
    assert "product" not in PEOPLE.persons["jonas"].teams, "he manages it"
    assert "Nobody's yet." in shown_at_home(slack, jonas)


def shown_at_home(slack: SlackWorld, user: str) -> str:
    def home() -> dict[str, Any]:
        return httpx2.get(f"{slack.url}/views/{user}").json()["home"] or {}

    before = home().get("hash")
    httpx2.post(f"{slack.url}/home", params={"user": user}).raise_for_status()
    until(lambda: home().get("hash", before) != before)
    return str(home()["blocks"])


def signed(
    slack: SlackWorld, payload: dict[str, Any], *, age_seconds: int = 0, secret: str | None = None
) -> httpx2.Response:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    known = slack.connected[0].destination.settings.signing_secret.get_secret_value()  # type: ignore[union-attr]  # it is Slack
    headers = sign(secret or known, body, int(time.time()) - age_seconds)
    url = f"http://127.0.0.1:{PORT}/v1/slack/interactions"
    return httpx2.post(
        url, content=body, headers=headers | {"Content-Type": "application/x-www-form-urlencoded"}
    )


def test_only_slack_is_listened_to_and_only_for_five_minutes(slack: SlackWorld, maya: str) -> None:
    id_ = detractor(slack)
    claim = {
        "type": "block_actions",
        "user": {"id": maya},
        "trigger_id": "1.2",
        "actions": [{"type": "button", "action_id": "claim", "value": f"response:{id_}"}],
    }
    assert signed(slack, claim, secret="0" * 32).status_code == 401
    assert signed(slack, claim, age_seconds=301).status_code == 401
    url = f"http://127.0.0.1:{PORT}/v1/slack"
    assert httpx2.post(f"{url}/interactions", data={"payload": json.dumps(claim)}).status_code == 401
    assert (
        httpx2.post(f"{url}/events", json={"type": "url_verification", "challenge": "x"}).status_code == 401
    )
    assert follow_up(slack, id_).state is State.OPEN

    assert signed(slack, claim).status_code == 200
    assert follow_up(slack, id_).state is State.CLAIMED
    assert signed(slack, {"type": "block_actions", "user": {"id": maya}}).status_code == 200
    assert signed(slack, {"type": "shortcut"}).status_code == 200


def test_slack_can_verify_the_address_of_events(slack: SlackWorld) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    known = slack.connected[0].destination.settings.signing_secret.get_secret_value()  # type: ignore[union-attr]  # it is Slack
    headers = sign(known, body, int(time.time()))
    answered = httpx2.post(f"http://127.0.0.1:{PORT}/v1/slack/events", content=body, headers=headers)
    assert answered.json() == {"challenge": "abc"}


def test_while_the_follow_up_is_locked_slack_is_answered_in_time_and_nothing_is_done(
    slack: SlackWorld, maya: str
) -> None:
    id_ = detractor(slack)
    with slack.pool.connection() as connection:
        follow_up_store.lock(connection, f"response:{id_}")
        pressed = slack.press("claim", maya)
        assert (pressed["status"], pressed["seconds"] < 3) == (200, True)
        until(lambda: len(slack.hints()) == 1)
    assert "Please try again" in slack.hints()[0]
    assert follow_up(slack, id_).state is State.OPEN


def test_somebody_whom_people_yaml_does_not_know_learns_what_to_do(slack: SlackWorld) -> None:
    id_ = detractor(slack)
    aiko = slack.user("aiko.tanaka@acme.test")
    slack.press("claim", aiko)
    until(lambda: len(slack.hints()) == 1)
    assert f"slack_user: {aiko}" in slack.hints()[0]
    assert follow_up(slack, id_).state is State.OPEN


def test_over_socket_mode_everything_takes_the_same_way(
    pool: Pool, tmp_path: Path, sandbox: RunningSandbox
) -> None:
    httpx2.delete(f"{sandbox.url}/received").raise_for_status()
    world = SlackWorld(pool, tmp_path, sandbox)
    world.forget()
    world.with_app_token(sandbox.credentials.slack_app_token)
    maya = world.user("maya.lindqvist@acme.test")
    with world.at_work(free_port()):
        id_ = detractor(world)
        until(lambda: httpx2.get(f"{sandbox.url}/slack-sockets").json()["connected"] == 1)
        assert world.press("claim", maya)["note"] == "Acknowledged."
        until(lambda: follow_up(world, id_).owner_id == "maya")
        httpx2.delete(f"{sandbox.url}/slack-sockets").raise_for_status()  # Slack asks to connect anew
        until(lambda: httpx2.get(f"{sandbox.url}/slack-sockets").json()["opened"] == 2)
        world.press("contacted", maya)
        world.form(maya)
        world.submit(maya, how="chat")
        until(lambda: "Contacted (chat)" in str(world.card()["blocks"]))


def asked(id_: UUID, what: str = "", **body: object) -> httpx2.Response:
    """What the HTTP API for answers says; with a body it is told to do something."""
    path = f"http://127.0.0.1:{PORT}/v1/answers/{id_}" + (f"/{what}" if what else "")
    key = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    if not body:
        return httpx2.get(path, headers=key)
    return httpx2.post(path, json={"actor": "maya.lindqvist@acme.test", **body}, headers=key)


def test_over_http_a_letter_is_mailed_once_and_its_writer_has_the_follow_up(slack: SlackWorld) -> None:
    id_ = detractor(slack)
    letter = {"letter_id": str(uuid4()), "subject": "Your export", "text": "It works again."}
    told = asked(id_).json()
    assert (told["mail"], told["follow_up"]["state"]) == ({"to": "ann@shop.test", "refusal": None}, "open")
    assert [asked(id_, "letters", **letter).json() for _ in range(2)] == [{"is_new": True}, {"is_new": False}]
    until(lambda: follow_up(slack, id_).contacted_how == "email")
    (mail,) = httpx2.get(f"{slack.url}/received/mail").json()["items"]
    assert dict(mail["headers"])["Reply-To"] == "Maya Lindqvist <maya.lindqvist@acme.test>"
    assert follow_up(slack, id_).owner_id == "maya"
    until(lambda: any("It works again." in line for line in slack.thread()))


def test_over_http_an_answer_is_put_right_and_handed_to_the_team_that_sees_its_card(
    slack: SlackWorld,
) -> None:
    id_ = detractor(slack)
    done = asked(id_, "corrections", field="themes", revision=3, after=["export"])
    assert (done.status_code, done.json()) == (200, {"is_new": True})
    (event,) = emitted(slack, "feedback.corrected.v1")
    assert (event["after"], event["revision"], event["corrected_by"]) == (["export"], 3, "maya")
    assert asked(id_, "corrections", field="themes", revision=3, after=[]).json() == {"is_new": False}

    assert asked(id_, "routing", team="product").json() == {"is_new": True}
    assert "The export is broken." in str(slack.card("product-feedback")["blocks"])
    assert follow_up(slack, id_).team == "product"


def test_over_http_what_cannot_be_done_says_why(slack: SlackWorld) -> None:
    id_ = detractor(slack)
    refused = [
        (asked(uuid4()), 404),
        (asked(id_, "corrections", field="themes", revision=1, after=["weather"]), 422),
        (asked(id_, "corrections", field="sentiment", revision=1, after=[]), 422),
        (asked(id_, "routing", team="zoo"), 422),
        (asked(id_, "routing", team="product", actor="zoe@acme.test"), 422),
        (httpx2.get(f"http://127.0.0.1:{PORT}/v1/answers/{id_}"), 401),
    ]
    assert [(one.status_code, status) for one, status in refused] == [(status,) * 2 for _, status in refused]
    assert emitted(slack, "feedback.corrected.v1") == []


def test_a_team_is_told_once_in_its_channel_and_each_member_by_mail(slack: SlackWorld) -> None:
    digest = DeliveryRequested(
        delivery_id=uuid4(),
        kind=DeliveryKind.DIGEST,
        team="product",
        destination="slack",
        content={"title": "What customers said", "text": "NPS 10 \u00b1 15 of 100.\n\n<b>Slow</b>"},
        requested_at=EPOCH,
        expires_at=EPOCH + timedelta(days=1),
    )
    mailed = digest.model_copy(update={"delivery_id": uuid4(), "team": "cs", "destination": "email"})
    nobodys = digest.model_copy(update={"delivery_id": uuid4(), "team": "zoo"})
    handler = Bulletins(slack.plugins, slack.people, slack.clock)
    for _ in range(2):
        with slack.pool.connection() as connection:
            handler.take(connection, [Delivered(RECORD, one) for one in (digest, mailed, nobodys)])
    slack.settled()
    (message,) = slack.messages("product-feedback")
    assert "&lt;b&gt;Slow" in message["text"]
    mails = httpx2.get(f"{slack.url}/received/mail").json()["items"]
    assert sorted(one["to"] for one in mails) == [["jonas.weber@acme.test"], ["maya.lindqvist@acme.test"]]
    assert {one["subject"] for one in mails} == {"What customers said"}


def letter(person: str, **content: str) -> DeliveryRequested:
    return DeliveryRequested(
        delivery_id=uuid4(),
        kind=DeliveryKind.YOU_SAID_WE_DID,
        person_key=person,
        destination="email",
        content={"title": "You said exports are slow", "text": "They are fast now.", **content},
        requested_at=EPOCH,
        expires_at=EPOCH + timedelta(days=10),
    )


def test_a_customer_is_told_once_a_week_at_most_by_who_looks_after_them(slack: SlackWorld) -> None:
    first, second = letter("ann", response_id=str(uuid4())), letter("ann")
    refused = [letter("out"), letter("partly"), letter("gone"), letter("nobody_knows")]
    account = AccountChanged(
        account_id="acme", version=1, changed_at=EPOCH, csm_email="maya.lindqvist@acme.test"
    )
    slack.project(
        account,
        profile("ann", account_id="acme"),
        profile("out", opted_out_of=[None]),
        profile("partly", opted_out_of=["you_said_we_did"]),
        profile("gone"),
    )
    forgotten = ErasureRequested(erasure_id=uuid4(), person_key="gone", requested_at=EPOCH)
    handler = Bulletins(slack.plugins, slack.people, slack.clock)
    for _ in range(2):
        with slack.pool.connection() as connection:
            handler.take(connection, [Delivered(RECORD, one) for one in (first, second, *refused)])
            erasures.erase(connection, forgotten)
    slack.settled()
    (mail,) = httpx2.get(f"{slack.url}/received/mail").json()["items"]
    assert (mail["to"], mail["subject"]) == (["ann@shop.test"], "You said exports are slow")
    assert "maya.lindqvist@acme.test" in str(mail)
    found = slack.ask("SELECT person_key, status, reason FROM effects ORDER BY person_key, status")
    assert found == [
        ("ann", "delivered", None),
        ("ann", "scheduled", None),
        ("gone", "withheld", None),
        ("out", "withheld", "opted out"),
        ("partly", "withheld", "opted out"),
    ]
    (waits,) = slack.ask("SELECT not_before - planned_at FROM effects WHERE status = 'scheduled'")
    assert waits == (timedelta(days=7),)


def test_a_delivery_that_cannot_be_used_says_what_is_wrong() -> None:
    event = DeliveryRequested(
        delivery_id=uuid4(),
        kind=DeliveryKind.ALERT,
        team="product",
        destination="slack",
        content={"title": "Only this"},
        requested_at=EPOCH,
        expires_at=EPOCH,
    )
    message = to_message(event, source="/tests", traceparent=new_traceparent())
    record = Record(message.topic, 0, 0, message.key, message.value, message.headers, EPOCH)
    with pytest.raises(Undecodable, match="text"):
        bulletins.decode(record)
    both = to_message(
        letter("ann").model_copy(update={"team": "cs"}), source="/tests", traceparent=new_traceparent()
    )
    record = Record(both.topic, 0, 0, both.key, both.value, both.headers, EPOCH)
    with pytest.raises(Undecodable, match="either"):
        bulletins.decode(record)
