"""The follow-up's part of a card in every state, within Slack's limits."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.slack_checks import check_blocks
from services.router.draft import Draft
from services.router.follow_up import FollowUpView, State
from services.router.slack import follow_up_part
from services.router.slack import texts as slack_texts
from services.router.slack.card import card
from services.router.slack.content import Card, Link, Seen
from services.router.slack.follow_up_part import Verb
from tests.unit.router.slack.test_card import facts, response

DUE = datetime(2026, 11, 20, 13, tzinfo=UTC)
SUBJECT = f"response:{UUID(int=1)}"


def view(state: State = State.OPEN, **more: Any) -> FollowUpView:  # noqa: ANN401 - any field of the view
    given = {
        "id": UUID(int=2),
        "subject": SUBJECT,
        "state": state,
        "owner_id": None if state is State.OPEN else "maya",
        "owner_name": None if state is State.OPEN else "Maya Lindqvist",
        "team": "customer_success",
        "first_contact_due_at": DUE,
        "resolve_due_at": DUE.replace(day=27),
        "contact_breached": False,
        "resolve_breached": False,
        "version": 3,
    }
    return FollowUpView.model_validate(given | more)


def about(**more: Any) -> Card:  # noqa: ANN401 - any field of the card
    draft = Draft(to="mira@shop.test", name="Mira", subject="Re", text="Hello")
    given = {"subject": SUBJECT, "person_key": "k", "draft": draft, "seen": Seen(revision=1)}
    return Card.model_validate(given | more)


def composed(follow_up: FollowUpView | None, of: Card | None = None) -> list[Any]:
    answer = response(comment="Too slow")
    return follow_up_part.composed(
        card(facts(answer), answer), of or about(), follow_up, owner="<@U012AB3CD>", now=DUE.replace(hour=9)
    )


def offered(blocks: list[Any]) -> list[str]:
    """Everything that can be pressed, the menu's entries included."""
    verbs = []
    for block in blocks:
        for element in block.get("elements", ()) if block["type"] == "actions" else ():
            verbs += [option["value"].split()[0] for option in element.get("options", ())] or [
                element["action_id"]
            ]
    return verbs


@pytest.mark.parametrize(
    ("state", "words", "verbs", "not_offered"),
    [
        (State.OPEN, "*Open*", {Verb.CLAIM, Verb.REPLY, Verb.SNOOZE, Verb.HAND_OVER}, {Verb.REOPEN}),
        (State.CLAIMED, "*Claimed by Maya Lindqvist*", {Verb.CONTACTED, Verb.RESOLVE}, {Verb.CLAIM}),
        (State.CONTACTED, "*Contacted by Maya Lindqvist*", {Verb.RESOLVE, Verb.REASSIGN}, {Verb.CLAIM}),
        (State.RESOLVED, "*Resolved: ", {Verb.REOPEN, Verb.NOT_USEFUL}, {Verb.SNOOZE, Verb.RESOLVE}),
    ],
)
def test_the_state_is_said_in_words_and_decides_what_can_be_done(
    state: State, words: str, verbs: set[Verb], not_offered: set[Verb]
) -> None:
    blocks = composed(view(state))

    check_blocks(blocks)
    assert words in str(blocks[1])
    assert "Owner: <@U012AB3CD>" in str(blocks[1])
    assert "Team: Customer success" in str(blocks[1])
    shown = set(offered(blocks))
    assert verbs <= shown
    assert not not_offered & shown
    assert {Verb.NOT_USEFUL, Verb.STOP_ASKING} <= shown


def test_what_is_due_next_is_shown_in_the_readers_own_time_and_a_miss_is_called_one() -> None:
    due = slack_texts.moment(DUE)
    assert due == "<!date^1795179600^{date_short_pretty}, {time}|20 Nov 2026, 13:00 UTC>"
    assert f"First contact due {due}" in str(composed(view()))
    assert f"*First contact overdue* since {due}" in str(composed(view(contact_breached=True)))
    contacted = str(composed(view(State.CONTACTED, contacted_how="phone")))
    assert f"Resolution due {slack_texts.moment(DUE.replace(day=27))}" in contacted
    assert "Contacted (phone) by" in contacted
    assert "due" not in follow_up_part.due_line(view(State.RESOLVED))


def test_resolved_says_how_and_why() -> None:
    blocks = str(composed(view(State.RESOLVED, resolution="fixed", root_cause="export timed out")))
    closed = str(composed(view(State.RESOLVED, closed_because="answer retracted")))

    assert "Resolved: fixed, cause: export timed out" in blocks
    assert "Resolved: answer retracted" in closed


def test_the_customers_own_time_is_shown_where_their_zone_is_known() -> None:
    assert "Their time: 11:00 when this was sent (Europe/Sofia)" in str(
        composed(view(), about(time_zone="Europe/Sofia"))
    )
    assert "Their time" not in str(composed(view(), about(time_zone="Mars/Olympus")))


def test_without_a_follow_up_the_card_still_takes_replies_and_corrections() -> None:
    blocks = composed(None)

    check_blocks(blocks)
    assert offered(blocks) == [Verb.REPLY, Verb.NOT_USEFUL, Verb.STOP_ASKING]
    assert Verb.REPLY not in offered(composed(None, about(draft=None)))


def test_pages_are_opened_by_buttons_and_the_owners_calendar_comes_first() -> None:
    links = [Link(text=f"Page {number}", url="https://crm.test/1") for number in range(5)]
    blocks = composed(
        view(State.CLAIMED, owner_booking_url="https://cal.test/maya"), about(links=tuple(links))
    )

    check_blocks(blocks)
    opening = [element["text"]["text"] for element in blocks[-1]["elements"]]
    assert opening == ["Book a call", *(link.text for link in links)]
    assert blocks[-1]["elements"][0]["url"] == "https://cal.test/maya"


def test_those_who_do_not_see_the_blocks_hear_the_state() -> None:
    assert follow_up_part.told("Detractor", view(State.CLAIMED)) == "Detractor · Claimed by Maya Lindqvist"
    assert follow_up_part.told("Detractor", None) == "Detractor"


@given(st.text(min_size=1, max_size=3_000), st.sampled_from(State))
@settings(max_examples=60, deadline=None)
def test_slack_takes_the_card_whatever_is_written_into_it(text: str, state: State) -> None:
    answer = response(comment=text * 5, themes=[text] * 10)
    follow_up = view(state, root_cause=text, contacted_how=text, closed_because=text, owner_name=text)
    links = tuple(Link(text="Open", url=f"https://crm.test/{'a' * 400}") for _ in range(5))

    check_blocks(
        follow_up_part.composed(
            card(facts(answer, text), answer),
            about(links=links, time_zone="Europe/Sofia"),
            follow_up,
            owner=slack_texts.escape(text[:100]),
            now=DUE,
        )
    )
