"""What is outside, or may be, keeps its place when the rules name another."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.router.convergence import converge
from services.router.destinations import issues, salesforce, slack
from services.router.effect import Effect, StoredEffect, Wanted, effect_id
from services.router.facts import Facts, ProfileFacts, ResponseFacts
from services.router.placing import in_place, with_copies
from services.router.plan import Plan
from services.router.plugins import AnyPlugin
from services.router.slack.content import Content
from services.router.templates import Templates

PLUGINS: dict[str, AnyPlugin] = {one.name: one for one in (slack.PLUGIN, salesforce.PLUGIN, issues.PLUGIN)}
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def facts(comment: str, theme: str = "export") -> Facts:
    answer = {"id": UUID(int=1), "revision": 1, "source": "api", "metric": "nps", "score": 3}
    told = {"responded_at": NOW, "received_at": NOW, "comment": comment, "themes": [theme]}
    return Facts(response=ResponseFacts.model_validate(answer | told), profile=ProfileFacts(key="ann"))


def wanted(destination: str, about: Facts, **action: object) -> Wanted:
    plugin = PLUGINS[destination]
    content = plugin.render(
        plugin.action.model_validate(action), about, Templates(Path("deploy/config/templates"))
    )
    assert content is not None
    return Wanted(
        rule="r",
        action="a",
        destination=destination,
        content=content.model_dump_json(),
        order_key=plugin.order_key(content, about),
        rate_key=plugin.rate_key(content),
    )


def stored(what: Wanted, *, is_outside: bool = False, is_pending: bool = False) -> StoredEffect:
    content: Any = PLUGINS[what.destination].content.model_validate_json(what.content).model_dump(mode="json")
    known = Effect("a", "r", what.destination, is_wanted=True, is_outside=is_outside, content=content)
    id_ = effect_id("response:x", "a")
    return StoredEffect(id_, 1, what.order_key, what.rate_key, known, is_pending=is_pending)


def planned(what: Wanted, before: StoredEffect, about: Facts) -> Wanted:
    plan = Plan((what,), ("r",), {}, withdraw_all=False, may_create=True)
    (placed,) = in_place(plan, {"a": before}, about, PLUGINS).wanted
    return placed


@pytest.mark.parametrize("standing", [{"is_outside": True}, {"is_pending": True}])
def test_a_message_that_may_be_in_a_channel_is_looked_for_and_changed_there(
    standing: dict[str, bool],
) -> None:
    before = stored(wanted("slack", facts("Slow."), channel="#here"), **standing)
    about = facts("Very slow.")

    placed = planned(wanted("slack", about, channel="#there"), before, about)

    assert (Content.model_validate_json(placed.content).channel, placed.rate_key) == ("#here", "here")
    assert "Very slow." in placed.content


def test_a_message_that_never_left_goes_where_the_rules_say_now() -> None:
    before = stored(wanted("slack", facts("Slow."), channel="#here"))
    moved = wanted("slack", facts("Slow."), channel="#there")

    assert planned(moved, before, facts("Slow.")) == moved


def test_a_comment_stays_in_its_themes_issue() -> None:
    before = stored(wanted("issues", facts("Slow."), project="WEB"), is_outside=True)
    about = facts("Slow.", "speed")

    placed = planned(wanted("issues", about, project="APP"), before, about)

    content = issues.Content.model_validate_json(placed.content)
    assert (content.project, content.theme) == ("WEB", "export")
    assert placed.order_key == before.order_key


def test_what_was_shown_elsewhere_as_well_follows_what_it_repeats() -> None:
    before, about = stored(wanted("slack", facts("Slow."), channel="#here")), facts("Very slow.")
    copied = Content.model_validate(before.known.content).model_copy(update={"channel": "#there"})
    known = replace(before.known, action="copy", rule="people", repeats="a", content=copied.model_dump())
    copy, rules = replace(before, known=known), frozenset({"r"})
    plan = Plan((wanted("slack", about, channel="#here"),), ("r",), {}, withdraw_all=False, may_create=True)

    _, follows = with_copies(plan, {"a": before, "copy": copy}, about, PLUGINS).wanted

    assert (follows.action, follows.rule, follows.rate_key) == ("copy", "people", "there")
    assert "Very slow." in follows.content
    gone = replace(plan, wanted=(), matched=())
    changes = converge({"copy": known, "a": before.known}, gone, rules)
    assert changes.withdrawn == ("a", "copy")
    changes = converge({"copy": known, "a": before.known}, gone, frozenset({"another"}))
    assert changes.withdrawn == (), "both stay while nobody withdraws what is repeated"


def test_a_case_does_not_become_a_task() -> None:
    about = facts("Slow.")
    before = stored(wanted("salesforce", about, kind="case"), is_outside=True)
    plan = Plan((wanted("salesforce", about, kind="task"),), ("r",), {}, withdraw_all=False, may_create=True)

    changes = converge({"a": before.known}, in_place(plan, {"a": before}, about, PLUGINS), frozenset({"r"}))

    assert (changes.created, changes.revised, changes.withdrawn) == ((), (), ())
    elsewhere = replace(before.known, destination="issues")
    moved = in_place(plan, {"a": replace(before, known=elsewhere)}, about, PLUGINS)
    assert moved == plan, "what stands in another destination is left to it"
