"""Follow-ups over HTTP with the operator key, and with the `feedback` command."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from schemas.responses import FurtherAnswer
from tests.integration.router.api import Api
from tests.integration.router.test_follow_ups import MONDAY, RULES, opened
from tests.integration.router.world import EPOCH, World, answer


def _listed(api: Api, **query: str) -> list[dict[str, Any]]:
    answered = api.http.get("/follow-ups", params=query)
    assert answered.status_code == 200, answered.text
    items: list[dict[str, Any]] = answered.json()["items"]
    return items


def _only(api: Api) -> str:
    (found,) = _listed(api)
    return str(found["id"])


def _patch(api: Api, id_: str, **body: object) -> httpx2.Response:
    return api.http.patch(f"/follow-ups/{id_}", json={"actor": "ann", **body})


def test_without_the_key_nothing_is_shown_or_changed(world: World, api: Api) -> None:
    opened(world, deliver=False)
    path = f"{api.http.base_url}follow-ups"
    assert httpx2.get(path).status_code == 401
    assert httpx2.get(f"{path}/{uuid4()}").status_code == 401
    assert httpx2.patch(f"{path}/{_only(api)}", json={"actor": "ann", "command": "claim"}).status_code == 401


def test_what_is_done_is_shown_with_its_history(world: World, api: Api) -> None:
    opened(world, deliver=False)
    id_ = _only(api)
    done: list[dict[str, Any]] = [
        {"command": "claim"},
        {"command": "note", "note": "called twice"},
        {"command": "snooze", "until": (MONDAY + timedelta(hours=2)).isoformat()},
        {"command": "contact", "how": "phone"},
        {"command": "assign", "to": "bob"},
        {"command": "resolve", "resolution": "fixed", "root_cause": "a bug"},
        {"command": "reopen", "why": "not fixed"},
    ]
    for body in done:
        assert _patch(api, id_, **body).status_code == 200, body
    shown = api.http.get(f"/follow-ups/{id_}").json()
    assert (shown["state"], shown["owner_id"], shown["owner_name"]) == ("open", "bob", "Bob")
    assert [line["what"] for line in shown["history"]] == [
        "opened",
        "claimed",
        "noted",
        "snoozed",
        "contacted",
        "reassigned",
        "resolved",
        "reopened",
    ]


def test_who_comes_second_is_told_who_has_it(world: World, api: Api) -> None:
    opened(world, deliver=False)
    _patch(api, _only(api), command="claim")
    late = _patch(api, _only(api), command="claim", actor="bob")
    assert (late.status_code, late.json()["detail"]) == (409, "Ann has it already.")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"command": "claim", "actor": "zoe"}, 422, "/actor"),
        ({"command": "assign", "to": "zoe"}, 422, "/to"),
        ({"command": "hand_over", "team": "zoo"}, 422, "/team"),
        ({"command": "resolve", "resolution": "shrug"}, 422, "/resolution"),
        ({"command": "contact"}, 422, "/how"),
        ({"command": "dance"}, 422, ""),
        ({"command": "claim", "to": "bob"}, 422, "/to"),
    ],
)
def test_what_cannot_be_done_is_explained_and_changes_nothing(
    world: World, api: Api, body: dict[str, str], status: int, field: str | None
) -> None:
    opened(world, deliver=False)
    answered = _patch(api, _only(api), **body)
    assert answered.status_code == status, answered.text
    assert field in {None, *(one["field"] for one in answered.json().get("errors", ()))}, answered.text
    assert world.count("follow_up_history") == 1


def test_what_does_not_exist_is_not_found(api: Api) -> None:
    assert api.http.get(f"/follow-ups/{uuid4()}").status_code == 404
    assert _patch(api, str(uuid4()), command="claim").status_code == 404
    assert api.http.get("/follow-ups", params={"after": "nowhere"}).status_code == 422


def test_follow_ups_are_found_by_each_filter_and_paged(world: World, api: Api) -> None:
    for _ in range(3):
        opened(world, deliver=False)
    first, second, third = (str(one["id"]) for one in _listed(api))
    _patch(api, second, command="claim")
    _patch(api, third, command="resolve", resolution="taught")

    def ids(**query: str) -> set[str]:
        return {str(one["id"]) for one in _listed(api, **query)}

    assert ids() == {first, second}
    assert ids(state="all") == {first, second, third}
    assert ids(state="resolved") == {third}
    assert ids(owner="ann") == {second}
    assert (ids(team="cs"), ids(team="product")) == ({first, second}, set())
    assert ids(overdue="true") == set()
    world.clock.time = MONDAY + timedelta(hours=5)
    assert ids(overdue="true") == {first, second}

    page = api.http.get("/follow-ups", params={"limit": 1}).json()
    rest = api.http.get("/follow-ups", params={"limit": 9, "after": page["next"]}).json()
    assert [one["id"] for one in (*page["items"], *rest["items"])] == [first, second]
    assert rest["next"] is None


def test_the_command_does_the_same(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There are none" in api.run("follow-ups", "list")
    opened(world, deliver=False)
    id_ = _only(api)
    monkeypatch.setenv("FEEDBACK_ME", "ann")
    assert "claimed" in api.run("follow-ups", "claim", id_)
    api.run("follow-ups", "contact", id_, "--how", "phone")
    api.run("follow-ups", "note", id_, "will send a patch")
    api.run("follow-ups", "assign", id_, "--as", "boss", "--to", "bob")
    api.run("follow-ups", "snooze", id_, "--until", "2030-01-01")
    assert "Bob" in api.run("follow-ups", "list", "--team", "cs")
    assert "resolved (fixed)" in api.run("follow-ups", "resolve", id_, "--resolution", "fixed")
    assert "There are none" in api.run("follow-ups", "list")
    assert "open" in api.run("follow-ups", "reopen", id_, "--why", "no")
    assert "boss" in api.run("follow-ups", "show", id_)


def test_colleagues_are_named_by_address_as_well(world: World, api: Api) -> None:
    opened(world, deliver=False)
    id_ = _only(api)
    assert "Bob" in api.run("follow-ups", "assign", id_, "--as", "ann@acme.test", "--to", "bob@acme.test")
    assert id_ in api.run("follow-ups", "list", "--owner", "bob@acme.test")


def test_a_list_shows_ids_in_full_also_where_the_terminal_is_narrow(world: World, api: Api) -> None:
    opened(world)
    (follow_up,) = api.http.get("/follow-ups").json()["items"]
    assert follow_up["id"] in api.run("follow-ups", "list")
    assert api.only() in api.run("deliveries", "list", "--since", EPOCH.isoformat())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["follow-ups", "list", "--team", "zoo"], "team: expected one of cs, product"),
        (["follow-ups", "list", "--owner", "zoe"], "owner: expected the id or the address of somebody"),
        (["follow-ups", "list", "--state", "shut"], "state: expected 'open', 'claimed', 'contacted'"),
        (["deliveries", "list", "--destination", "slak"], "destination: expected one of box"),
        (["deliveries", "list", "--since", "99999999999d"], "not '99999999999d'"),
        (["deliveries", "list", "--since", "1000000d"], "not '1000000d'"),
        (["deliveries", "replay", "--destination", "slak", "--since", "1h"], "expected one of box"),
    ],
)
def test_a_name_or_time_that_cannot_be_is_told_and_no_empty_list(
    arguments: list[str], said: str, api: Api
) -> None:
    assert said in api.refused(*arguments)


def test_the_answer_is_shown_with_all_that_the_person_said(world: World, api: Api) -> None:
    event = answer(2, comment="Slow.")
    further = (FurtherAnswer(question="Where?", answer="In the [red]import[/]."),)
    said = event.response.model_copy(update={"further_answers": further})
    world.use_rules(RULES)
    world.say(event.model_copy(update={"response": said}))

    shown = api.http.get(f"/follow-ups/{_only(api)}").json()["answer"]
    printed = api.run("follow-ups", "show", _only(api))

    assert (shown["score"], shown["group"], shown["comment"]) == (2, "detractor", "Slow.")
    assert shown["further_answers"] == [{"question": "Where?", "answer": "In the [red]import[/]."}]
    assert "Where? In the [red]import[/]." in printed
