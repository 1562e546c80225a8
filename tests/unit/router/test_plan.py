"""What an answer asks for, and how the ledger gets there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.facts import Facts, ProfileFacts, ResponseFacts
from services.router.plan import (
    MAX_AGE,
    Changes,
    Course,
    Effect,
    Occurrence,
    Plan,
    Playbook,
    Standing,
    SubjectState,
    Wanted,
    admit,
    advance,
    converge,
    effect_id,
    plan,
)
from services.router.plugins import discover
from services.router.rules import Occasion, load_rules
from services.router.templates import Templates

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
CONFIG = Path("deploy/config")
PLUGINS = discover()
TEMPLATES = Templates(CONFIG / "templates")
PLAYBOOK = Playbook(load_rules(CONFIG / "rules.yaml", PLUGINS, TEMPLATES), PLUGINS, TEMPLATES)

FIRST = Occurrence(
    subject="response:1",
    occasion=Occasion.RESPONSE,
    person_key="ann",
    account_id=None,
    key=(1, 0, 1, 1),
    delivers=True,
    standing=Standing.FINAL,
    happened_at=NOW,
)
RECORD = replace(FIRST, delivers=False)


def _key(revision: int, *rest: int) -> tuple[int, int, int, int]:
    tie, mapping, classification = (*rest, 0, 1, 1)[:3]
    return (revision, tie, mapping, classification)


@pytest.mark.parametrize(
    ("state", "occurrence", "course"),
    [
        (SubjectState(), FIRST, Course.DELIVER),
        (SubjectState(), RECORD, Course.RECORD),
        (SubjectState(_key(1), 1), FIRST, Course.IGNORE),
        (SubjectState(_key(1), None), FIRST, Course.DELIVER),
        (SubjectState(_key(9), None), FIRST, Course.DELIVER),
        (SubjectState(_key(9), 1), FIRST, Course.IGNORE),
        (SubjectState(_key(9), 1), RECORD, Course.IGNORE),
        (SubjectState(_key(9), 1), replace(FIRST, key=_key(2)), Course.DELIVER),
        (SubjectState(_key(1), 1), replace(FIRST, key=(1, 0, 1, 2)), Course.DELIVER),
        (SubjectState(), replace(FIRST, standing=Standing.PROVISIONAL), Course.RECORD),
        (SubjectState(_key(1), 1, cancelled=True), replace(FIRST, key=_key(2)), Course.IGNORE),
    ],
)
def test_whether_an_occurrence_is_planned(
    state: SubjectState, occurrence: Occurrence, course: Course
) -> None:
    assert admit(state, occurrence) is course


OCCURRENCES = st.lists(
    st.builds(
        lambda revision, tie, delivers, standing: replace(
            FIRST, key=_key(revision, tie), delivers=delivers, standing=standing
        ),
        revision=st.integers(0, 5),
        tie=st.integers(0, 2),
        delivers=st.booleans(),
        standing=st.sampled_from([Standing.FINAL, Standing.PROVISIONAL, Standing.RETRACTED]),
    ),
    max_size=12,
)


@given(occurrences=OCCURRENCES)
def test_no_delivering_revision_is_hidden_and_none_is_planned_twice(occurrences: list[Occurrence]) -> None:
    state = SubjectState()
    delivered: list[tuple[int, ...]] = []
    for occurrence in occurrences:
        course = admit(state, occurrence)
        if course is Course.DELIVER:
            delivered.append(occurrence.key)
        state = advance(state, occurrence, course)

    deliverable = [
        occurrence.key
        for occurrence in occurrences
        if occurrence.delivers and occurrence.standing is not Standing.PROVISIONAL
    ]
    assert len(set(delivered)) == len(delivered)
    assert state.highest == max((occurrence.key for occurrence in occurrences), default=())
    assert state.delivered_revision == max((key[0] for key in deliverable), default=None)


def _facts(score: int, group: str, email: str | None = "ann@shop.test") -> Facts:
    return Facts.model_validate(
        {
            "response": {
                "id": "7a6e3b58-5d63-4b53-9d0f-6f1f6f1f8a11",
                "revision": 1,
                "source": "api",
                "metric": "nps",
                "score": score,
                "group": group,
                "responded_at": NOW,
                "received_at": NOW,
            },
            "profile": {"key": "ann", "email": email},
        }
    )


def _plan(facts: Facts, occurrence: Occurrence = FIRST, now: datetime = NOW) -> Plan:
    return plan(occurrence, facts, facts.model_dump(mode="json", exclude_none=True), PLAYBOOK, now)


@pytest.mark.parametrize(
    ("score", "group", "actions"),
    [
        (3, "detractor", ["customer_success_card", "detractor_case", "auto_mail"]),
        (7, "passive", ["product_card", "auto_mail"]),
        (10, "promoter", ["advocate", "auto_mail"]),
    ],
)
def test_the_default_rules_route_each_group(score: int, group: str, actions: list[str]) -> None:
    planned = _plan(_facts(score, group))
    assert [wanted.action for wanted in planned.wanted] == actions
    assert planned.erred == {}


def test_nobody_without_an_address_is_mailed() -> None:
    assert "auto_mail" not in [wanted.action for wanted in _plan(_facts(7, "passive", email=None)).wanted]


def test_the_same_facts_give_the_same_plan() -> None:
    assert _plan(_facts(3, "detractor")) == _plan(_facts(3, "detractor"))


def test_a_retracted_answer_asks_for_nothing_and_takes_all_back() -> None:
    planned = _plan(_facts(3, "detractor"), replace(FIRST, standing=Standing.RETRACTED))
    assert (planned.wanted, planned.withdraw_all, planned.may_create) == ((), True, False)


@pytest.mark.parametrize(
    ("age", "may_create"), [(timedelta(0), True), (MAX_AGE, True), (MAX_AGE + timedelta(seconds=1), False)]
)
def test_only_a_young_answer_creates(age: timedelta, may_create: bool) -> None:
    assert _plan(_facts(3, "detractor"), now=NOW + age).may_create is may_create


WANTED = Wanted("detractor", "card", "slack", {"text": "1"}, "ann", "cs")
STANDS = Effect("card", "detractor", "slack", is_wanted=True, is_outside=True, content={"text": "1"})
NOTHING = Changes((), (), ())
PLANNED = Plan((WANTED,), ("detractor",), {}, withdraw_all=False, may_create=True)
RULES = frozenset({"detractor", "promoter"})


def _converge(effect: Effect | None, planned: Plan, rules: frozenset[str] = RULES) -> Changes:
    return converge({} if effect is None else {effect.action: effect}, planned, rules)


def test_what_is_missing_is_created_and_what_stands_stays() -> None:
    assert _converge(None, PLANNED) == Changes((WANTED,), (), ())
    assert _converge(STANDS, PLANNED) == NOTHING
    assert _converge(None, replace(PLANNED, may_create=False)) == NOTHING


def test_changed_content_is_a_revision_also_of_an_old_answer() -> None:
    changed = replace(STANDS, content={"text": "0"})
    assert _converge(changed, replace(PLANNED, may_create=False)) == Changes((), (WANTED,), ())


def test_what_is_wanted_again_is_revised_unless_it_would_be_created_too_late() -> None:
    unwanted = replace(STANDS, is_wanted=False)
    assert _converge(unwanted, PLANNED) == Changes((), (WANTED,), ())
    late = replace(PLANNED, may_create=False)
    assert _converge(unwanted, late) == Changes((), (WANTED,), ())
    assert _converge(replace(unwanted, is_outside=False), late) == NOTHING


def test_an_effect_is_withdrawn_only_if_its_rule_exists_was_evaluated_and_no_longer_matches() -> None:
    nothing = Plan((), (), {}, withdraw_all=False, may_create=True)
    assert _converge(STANDS, nothing) == Changes((), (), ("card",))
    assert _converge(STANDS, nothing, frozenset({"promoter"})) == NOTHING
    assert _converge(STANDS, replace(nothing, erred={"detractor": "unknown"})) == NOTHING
    assert _converge(STANDS, replace(nothing, matched=("detractor",))) == NOTHING
    assert _converge(replace(STANDS, is_wanted=False), nothing) == NOTHING


def test_a_retracted_answer_withdraws_also_what_a_rule_that_is_gone_made() -> None:
    retracted = Plan((), (), {}, withdraw_all=True, may_create=False)
    assert _converge(STANDS, retracted, frozenset()) == Changes((), (), ("card",))


def test_an_automatic_mail_of_another_rule_is_the_same_effect() -> None:
    other = replace(WANTED, rule="promoter")
    assert _converge(STANDS, replace(PLANNED, wanted=(other,), matched=("promoter",))) == NOTHING


def test_effect_ids_never_change() -> None:
    assert str(effect_id("response:1", "card")) == "fbd4b632-3434-56f7-ae46-34e6060c3565"


def test_a_card_shows_what_the_facts_say() -> None:
    response = ResponseFacts.model_validate(_facts(3, "detractor").response)
    said = Facts(
        response=response.model_copy(update={"comment": "too slow"}), profile=ProfileFacts(key="ann")
    )
    (card, *_) = _plan(said).wanted
    assert "too slow" in str(card.content)
