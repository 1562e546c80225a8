"""Every form is one that Slack shows, whatever stands in it, and gives back what was filled in."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runtime.yaml_file import parse_yaml
from sandbox.slack_checks import check_view
from sandbox.slack_payloads import chosen
from services.router.draft import Draft
from services.router.follow_up import Resolution
from services.router.follow_up_commands import AddNote, HandOver, NoteContact, Reassign, Resolve, Snooze
from services.router.people import PeopleFile, people_of
from services.router.slack import modals
from services.router.slack.content import Card, Seen
from services.router.slack.corrections import corrections
from services.router.slack.follow_up_part import Verb
from services.router.slack.forms import Forms, commands
from services.router.slack.requests import Confirmed, HomeOpened, Pressed, Submitted, event, interaction
from tests.unit.router.slack.test_follow_up_part import SUBJECT, about

NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
PEOPLE = people_of(
    parse_yaml(
        """
teams: { cs: { name: Customer success }, product: { name: Product } }
people: [{ id: maya, name: Maya, email: maya@acme.test, time_zone: Asia/Tokyo }]
""",
        PeopleFile,
        name="people.yaml",
    )
)
MAYA = PEOPLE.persons["maya"]
FORMS = Forms(PEOPLE, {"export": "Export", "speed": "Speed"})
WITH_A_FORM = [verb for verb in Verb if verb is not Verb.CLAIM]


def submitted(verb: Verb, **filled: str | tuple[str, ...]) -> Submitted:
    return Submitted(verb, SUBJECT, "U012AB3CD", filled)


@pytest.mark.parametrize("verb", WITH_A_FORM)
def test_slack_shows_every_form(verb: Verb) -> None:
    view = FORMS.form(verb, about(), MAYA, NOW)

    check_view(view, "modal")
    assert view is not None
    assert (view["callback_id"], view["private_metadata"]) == (verb, SUBJECT)


@given(st.text(min_size=1, max_size=5_000), st.sampled_from(WITH_A_FORM))
@example(text="\x1f", verb=Verb.REPLY)
@settings(max_examples=60, deadline=None)
def test_slack_shows_every_form_whatever_a_customer_wrote(text: str, verb: Verb) -> None:
    draft = Draft(to="mira@shop.test", name=text, subject=text, text=text)
    seen = Seen(revision=1, themes=(text[:64],), sentiment=text, functions=(text,))

    check_view(FORMS.form(verb, about(draft=draft, seen=seen, customer=text), MAYA, NOW), "modal")
    written = draft.model_copy(update={"subject": text[:150], "text": text[:3_000]})
    check_view(modals.preview(str(uuid4()), written), "modal")


def test_whoever_opens_a_draft_signs_it() -> None:
    draft = Draft(to="mira@shop.test", name="Mira", subject="Hello", text="Thanks.\n\nJonas Weber\n")
    owners = str(FORMS.form(Verb.REPLY, about(draft=draft, owner_name="Jonas Weber"), MAYA, NOW))
    assert "Thanks.\\n\\nMaya'" in owners
    nobodys = str(FORMS.form(Verb.REPLY, about(draft=draft, owner_name=None), MAYA, NOW))
    assert "Thanks.\\n\\nJonas Weber" in nobodys


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hello,\n\n(Say here what you know, and\nwhat happens next.)\n\nMaya", True),
        ("Hello, (Say here what you know,\nand what happens next.) Maya", True),
        ("Hello,\n\nIt was a broken disk (ours).\n\nMaya", False),
        ("Hello,\n\n(We are sorry.)\n\nMaya", False),
    ],
)
def test_what_the_template_tells_the_writer_is_noticed_in_what_they_wrote(text: str, left: bool) -> None:
    proposed = "Hello (ann),\n\n(Say here what you know,\nand what happens next.)\n\n(We are sorry.\n\nMaya)"
    draft = Draft(to="mira@shop.test", name="Mira", subject="Hello", text=proposed)

    found = draft.left_to_write(text)

    assert found == ("(Say here what you know, and what happens next.)" if left else None)


def test_a_draft_is_offered_only_where_somebody_can_be_written_to() -> None:
    assert FORMS.form(Verb.REPLY, about(draft=None), MAYA, NOW) is None
    assert FORMS.form(Verb.CLAIM, about(), MAYA, NOW) is None


@pytest.mark.parametrize("count", [100, 101, 250])
def test_of_many_colleagues_each_can_be_chosen(count: int) -> None:
    people = {f"p{number}": f"Person {number:03}" for number in range(count)}

    view: Any = modals.reassign(SUBJECT, people)

    check_view(view, "modal")
    menu = view["blocks"][0]["element"]
    groups = menu.get("option_groups") or [menu]
    assert {option["value"] for group in groups for option in group["options"]} == set(people)
    assert chosen(menu, [f"p{count - 1}"])["selected_option"]["value"] == f"p{count - 1}"


def test_a_snooze_ends_in_the_morning_of_whoever_asked_for_it() -> None:
    proposed: Any = FORMS.form(Verb.SNOOZE, about(), MAYA, NOW)
    assert proposed["blocks"][0]["element"]["initial_date"] == "2026-11-22", "it is the 21st in Tokyo"

    assert commands(submitted(Verb.SNOOZE, until="2026-11-24"), MAYA) == [
        Snooze("maya", datetime(2026, 11, 24, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (submitted(Verb.CONTACTED, how="phone"), [NoteContact("maya", "phone")]),
        (
            submitted(Verb.CONTACTED, how="chat", note="Monday"),
            [NoteContact("maya", "chat"), AddNote("maya", "Monday")],
        ),
        (
            submitted(Verb.RESOLVE, resolution="taught", root_cause="hidden", note="Shown."),
            [Resolve("maya", Resolution.TAUGHT, "hidden", "Shown.")],
        ),
        (submitted(Verb.REASSIGN, to="jonas"), [Reassign("maya", "jonas")]),
        (submitted(Verb.HAND_OVER, team="product"), [HandOver("maya", "product")]),
        (submitted(Verb.STOP_ASKING), []),
        (submitted(Verb.NOT_USEFUL, reason="other"), []),
    ],
)
def test_a_form_becomes_commands(form: Submitted, expected: list[Any]) -> None:
    assert commands(form, MAYA) == expected


def test_what_the_form_does_not_offer_is_refused() -> None:
    with pytest.raises(ValueError, match="forgotten"):
        commands(submitted(Verb.RESOLVE, resolution="forgotten"), MAYA)


def card(**seen: Any) -> Card:  # noqa: ANN401 - any field of what was seen
    return about(seen=Seen(revision=3, themes=("export",), sentiment="negative", **seen))


def test_only_what_was_changed_is_corrected() -> None:
    form = submitted(
        Verb.NOT_USEFUL, reason="wrong_theme", themes=("export", "speed"), sentiment="negative", functions=()
    )

    stated = {one.field.value: one for one in corrections(form, card(), actor="maya", now=NOW)}

    assert set(stated) == {"usefulness", "themes"}
    assert (stated["themes"].before, stated["themes"].after) == (("export",), ("export", "speed"))
    assert stated["usefulness"].after == ("not_useful", "wrong_theme")
    assert {one.revision for one in stated.values()} == {3}
    again = {one.correction_id for one in corrections(form, card(), actor="maya", now=NOW)}
    assert again == {one.correction_id for one in stated.values()}


def test_themes_can_be_taken_away_but_a_form_without_the_field_takes_none() -> None:
    emptied = submitted(Verb.NOT_USEFUL, reason="wrong_theme", themes=())
    (_, themes) = corrections(emptied, card(), actor="maya", now=NOW)
    assert themes.after == ()
    (only,) = corrections(submitted(Verb.NOT_USEFUL, reason="other"), card(), actor="maya", now=NOW)
    assert only.field == "usefulness"


def payload(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the payload
    return {"user": {"id": "U1"}, "trigger_id": "1.2", "response_url": "https://hooks.test/1", **more}


def pressed(**action: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the action
    return payload(type="block_actions", actions=[action])


def test_a_press_names_what_is_meant() -> None:
    expected = Pressed(Verb.CLAIM, SUBJECT, "U1", "1.2", "https://hooks.test/1")
    assert interaction(pressed(action_id="claim", value=SUBJECT)) == expected
    chosen = {"value": f"snooze {SUBJECT}"}
    in_menu = interaction(pressed(action_id="more", selected_option=chosen))
    assert isinstance(in_menu, Pressed)
    assert (in_menu.verb, in_menu.subject) == (Verb.SNOOZE, SUBJECT)
    assert interaction(pressed(action_id="open_1")) is None
    assert interaction(payload(type="shortcut")) is None


def test_a_form_gives_back_what_was_filled_in_and_leaves_out_what_was_not() -> None:
    values = {
        "how": {"it": {"type": "radio_buttons", "selected_option": {"value": "phone"}}},
        "note": {"it": {"type": "plain_text_input", "value": None}},
        "why": {"it": {"type": "plain_text_input", "value": " because "}},
        "themes": {
            "it": {"type": "multi_static_select", "selected_options": [{"value": "a"}, {"value": "b"}]}
        },
        "sentiment": {"it": {"type": "static_select", "selected_option": None}},
        "until": {"it": {"type": "datepicker", "selected_date": "2026-11-24"}},
    }
    view = {"callback_id": "contacted", "private_metadata": SUBJECT, "state": {"values": values}}

    form = interaction(payload(type="view_submission", view=view))

    assert isinstance(form, Submitted)
    assert form.filled == {"how": "phone", "why": "because", "themes": ("a", "b"), "until": "2026-11-24"}


def test_a_preview_is_confirmed_by_its_drafts_id_and_the_home_tab_by_its_opening() -> None:
    draft_id = UUID(int=5)
    view = {"callback_id": "preview", "private_metadata": str(draft_id)}
    assert interaction(payload(type="view_submission", view=view)) == Confirmed(draft_id, "U1")
    home = {"event": {"type": "app_home_opened", "user": "U1", "tab": "home"}}
    assert event(home) == HomeOpened("U1")
    assert event({"event": {"type": "app_home_opened", "user": "U1", "tab": "messages"}}) is None
