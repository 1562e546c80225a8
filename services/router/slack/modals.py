"""The forms behind the card's buttons: what they ask, and what was filled in. Pure.

Limits: https://docs.slack.dev/reference/views/modal-views
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import JsonValue

from services.router.draft import Draft
from services.router.follow_up import Resolution
from services.router.slack.content import Card
from services.router.slack.follow_up_part import LABELS, Verb
from services.router.slack.texts import one_line, plain, shorten

View = dict[str, JsonValue]

ELEMENT = "it"
"""Action id of every field: its block already says which one it is."""
PREVIEW = "preview"
"""Callback id of the view that shows a reply before it is sent."""
HOWS = {"phone": "Phone", "email": "E-mail", "meeting": "Meeting", "chat": "Chat", "other": "Another way"}
RESOLUTIONS = {
    Resolution.FIXED: "Fixed: it works now",
    Resolution.TAUGHT: "Taught: it worked, they know how now",
    Resolution.PLANNED: "Planned: it will come",
    Resolution.DECLINED: "Declined: it will not come",
    Resolution.UNREACHABLE: "Unreachable: they never answered",
}
REASONS = {
    "wrong_theme": "It is about something else (put the themes right below)",
    "wrong_sentiment": "It was meant differently (put the sentiment right below)",
    "wrong_team": "It is another team's business (put the functions right below)",
    "known_already": "We knew it already",
    "nothing_to_do": "There is nothing to be done about it",
    "other": "Something else",
}
FUNCTIONS = ("Support", "Product", "Success", "Sales", "Marketing", "Finance")
SENTIMENTS = ("positive", "neutral", "negative")
_MOST_OPTIONS = 100
_NOTE_CHARACTERS = 1_000
_CAUSE_CHARACTERS = 200
_SUBJECT_CHARACTERS = 150
_REPLY_CHARACTERS = 3_000


def contacted(subject: str) -> View:
    """How the customer was reached."""
    how = _field("how", "How did you reach them?", _radio(HOWS, "phone"))
    return _modal(Verb.CONTACTED, subject, "Save", [how, _note()])


def resolve(subject: str) -> View:
    """How it ended, why it had happened."""
    blocks = [
        _field("resolution", "How did it end?", _radio(RESOLUTIONS, None)),
        _field(
            "root_cause",
            "What had gone wrong?",
            _text(_CAUSE_CHARACTERS),
            hint="In a few words: reports count by it.",
            is_optional=True,
        ),
        _note(),
    ]
    return _modal(Verb.RESOLVE, subject, "Resolve", blocks)


def reopen(subject: str) -> View:
    """Why it is not done."""
    return _modal(Verb.REOPEN, subject, "Reopen", [_field("why", "Why?", _text(_CAUSE_CHARACTERS))])


def reassign(subject: str, people: Mapping[str, str]) -> View:
    """To whom; `people` are names by id."""
    return _modal(Verb.REASSIGN, subject, "Reassign", [_field("to", "To whom?", _select(people, None))])


def hand_over(subject: str, teams: Mapping[str, str], preset: str | None) -> View:
    """To which team; `teams` are names by id."""
    blocks = [_field("team", "Which team should take it?", _select(teams, preset)), _note()]
    return _modal(Verb.HAND_OVER, subject, "Hand over", blocks)


def snooze(subject: str, until: date) -> View:
    """Until when; `until` is proposed."""
    picker: JsonValue = {"type": "datepicker", "action_id": ELEMENT, "initial_date": until.isoformat()}
    hint = "You are reminded on that morning. What was promised to the customer stays due."
    return _modal(Verb.SNOOZE, subject, "Snooze", [_field("until", "Until when?", picker, hint=hint)])


def stop_asking(subject: str, customer: str | None) -> View:
    """Whether the person really is to be asked no more."""
    who = one_line(customer) if customer else "This person"
    text = f"{shorten(who, 200)} gets no surveys any more, by mail or in the product. Answers stay welcome."
    return _modal(Verb.STOP_ASKING, subject, "Stop asking", [_words(text)])


def not_useful(card: Card, themes: Mapping[str, str]) -> View:
    """Why, and what is right; `themes` are names by id."""
    seen = card.seen
    known = {**themes, **{theme: theme for theme in seen.themes if theme not in themes}}
    functions = {name: name for name in FUNCTIONS}
    blocks = [
        _field("reason", "Why is it not useful?", _radio(REASONS, None)),
        *([_field("themes", "Themes", _multi(known, seen.themes), is_optional=True)] if known else []),
        _field(
            "sentiment",
            "Sentiment",
            _select({name: name.capitalize() for name in SENTIMENTS}, seen.sentiment),
            is_optional=True,
        ),
        _field("functions", "Functions", _multi(functions, seen.functions), is_optional=True),
        _note(),
    ]
    return _modal(Verb.NOT_USEFUL, card.subject, "Send", blocks)


def reply(subject: str, draft: Draft) -> View:
    """The draft, to be edited."""
    blocks = [
        _words(_recipient(draft)),
        _field("subject", "Subject", _text(_SUBJECT_CHARACTERS, shorten(draft.subject, _SUBJECT_CHARACTERS))),
        _field(
            "text",
            "Text",
            _text(_REPLY_CHARACTERS, shorten(draft.text.strip(), _REPLY_CHARACTERS), is_long=True),
            hint="Nothing is sent before you have seen it once more.",
        ),
    ]
    return _modal(Verb.REPLY, subject, "Preview", blocks)


def preview(draft_id: str, mail: Draft) -> View:
    """What is about to be sent."""
    quote: JsonValue = {"type": "text", "text": mail.text}
    blocks: list[JsonValue] = [
        _words(_recipient(mail)),
        {"type": "header", "text": plain(one_line(mail.subject) or "(no subject)", _SUBJECT_CHARACTERS)},
        {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [quote]}]},
    ]
    return _view(PREVIEW, draft_id, "Send this mail?", "Send", blocks, close="Edit")


def said(title: str, text: str) -> View:
    """A view that only says something."""
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain("Close", 24),
        "blocks": [_words(text)],
    }


def filled_in(state: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """What a submitted form holds, by block; a field that was left empty is not in it."""
    filled: dict[str, str | tuple[str, ...]] = {}
    for block, elements in state.get("values", {}).items():
        element: Mapping[str, Any] = elements.get(ELEMENT, {})
        options = element.get("selected_options")
        option = element.get("selected_option") or {}
        value = element.get("value") or element.get("selected_date") or option.get("value")
        if options is not None:
            filled[block] = tuple(str(one["value"]) for one in options)
        elif value:
            filled[block] = str(value).strip()
    return filled


def _modal(verb: Verb, subject: str, submit: str, blocks: Sequence[JsonValue]) -> View:
    title = "Hand over" if verb is Verb.HAND_OVER else LABELS[verb]
    return _view(verb.value, subject, title, submit, blocks)


def _view(
    callback_id: str,
    metadata: str,
    title: str,
    submit: str,
    blocks: Sequence[JsonValue],
    *,
    close: str = "Cancel",
) -> View:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": metadata,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain(close, 24),
        "blocks": list(blocks),
    }


def _recipient(mail: Draft) -> str:
    return f"To {shorten(one_line(mail.name), 100)} <{mail.to}>" if mail.name else f"To {mail.to}"


def _words(text: str) -> JsonValue:
    return {"type": "section", "text": plain(text, 3_000)}


def _note() -> JsonValue:
    return _field("note", "Note", _text(_NOTE_CHARACTERS, is_long=True), is_optional=True)


def _field(
    block: str, label: str, element: JsonValue, *, hint: str | None = None, is_optional: bool = False
) -> JsonValue:
    field: dict[str, JsonValue] = {
        "type": "input",
        "block_id": block,
        "label": plain(label, 2_000),
        "element": element,
        "optional": is_optional,
    }
    return field | {"hint": plain(hint, 2_000)} if hint else field


def _text(longest: int, initial: str | None = None, *, is_long: bool = False) -> JsonValue:
    element: dict[str, JsonValue] = {
        "type": "plain_text_input",
        "action_id": ELEMENT,
        "multiline": is_long,
        "max_length": longest,
    }
    return element | {"initial_value": initial} if initial else element


def _options(names: Mapping[str, str]) -> list[JsonValue]:
    return [{"text": plain(name, 75), "value": value} for value, name in names.items()]


def _menu(names: Mapping[str, str]) -> dict[str, JsonValue]:
    """The options of a menu, by name in groups where they are more than Slack takes in one list."""
    if len(names) <= _MOST_OPTIONS:
        return {"options": _options(names)}
    ordered = sorted(names.items(), key=lambda named: named[1].casefold())
    groups: list[JsonValue] = []
    for start in range(0, min(len(ordered), _MOST_OPTIONS**2), _MOST_OPTIONS):
        part = ordered[start : start + _MOST_OPTIONS]
        label = f"{shorten(part[0][1], 35)} to {shorten(part[-1][1], 35)}"
        groups.append({"label": plain(label, 75), "options": _options(dict(part))})
    return {"option_groups": groups}


def _chosen(names: Mapping[str, str], values: Iterable[str | None]) -> list[JsonValue]:
    return _options({value: names[value] for value in values if value is not None and value in names})


def _radio(names: Mapping[Any, str], preset: str | None) -> JsonValue:
    element: dict[str, JsonValue] = {
        "type": "radio_buttons",
        "action_id": ELEMENT,
        "options": _options({str(value): name for value, name in names.items()}),
    }
    chosen = _chosen(names, [preset])
    return element | {"initial_option": chosen[0]} if chosen else element


def _select(names: Mapping[str, str], preset: str | None) -> JsonValue:
    element: dict[str, JsonValue] = {
        "type": "static_select",
        "action_id": ELEMENT,
        **_menu(names),
    }
    chosen = _chosen(names, [preset])
    return element | {"initial_option": chosen[0]} if chosen else element


def _multi(names: Mapping[str, str], preset: Iterable[str]) -> JsonValue:
    element: dict[str, JsonValue] = {
        "type": "multi_static_select",
        "action_id": ELEMENT,
        **_menu(names),
    }
    chosen = _chosen(names, preset)
    return element | {"initial_options": [*chosen]} if chosen else element
