"""What an answer asks for, and how the ledger gets there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.admission import Course, Occurrence, Standing, SubjectState, admit, advance, state_after
from services.router.convergence import Changes, converge
from services.router.effect import Effect, Wanted, effect_id
from services.router.facts import AccountFacts, Facts, ProfileFacts, ResponseFacts
from services.router.occasion import Occasion
from services.router.people import People, Person, Team
from services.router.plan import MAX_AGE, Plan, Playbook, plan
from services.router.plugins import discover
from services.router.rules import load_rules
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
    assert state == state_after(occurrences)

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
    return plan(occurrence, facts, PLAYBOOK, now)


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


WANTED = Wanted("detractor", "card", "slack", '{"text": "1"}', "ann", "cs")
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
    other = WANTED._replace(rule="promoter")
    assert _converge(STANDS, replace(PLANNED, wanted=(other,), matched=("promoter",))) == NOTHING


def test_effect_ids_never_change() -> None:
    assert str(effect_id("response:1", "card")) == "fbd4b632-3434-56f7-ae46-34e6060c3565"


def test_a_card_shows_what_the_facts_say() -> None:
    response = ResponseFacts.model_validate(_facts(3, "detractor").response)
    said = Facts(
        response=response.model_copy(update={"comment": "too slow"}), profile=ProfileFacts(key="ann")
    )
    cards = [wanted for wanted in _plan(said).wanted if wanted.action == "customer_success_card"]
    assert ["too slow" in card.content for card in cards] == [True]


BRANCHES = """
sources_that_thank: [delighted]
rules:
  - id: happy
    why: because
    when: response.score >= 9
    do: [{id: cheer, destination: slack, channel: "#cheer"}]
    else: [{id: look, destination: slack, channel: "#look"}]
  - id: rehearsed
    why: because
    shadow: true
    when: response.score <= 6
    do: [{id: alarm, destination: slack, channel: "#alarm"}]
  - id: ask
    why: because
    when: response.score == 10
    do: [{id: reference, destination: slack, channel: "#ask", once_in_days: 180, after_days: 2}]
  - id: mail
    why: because
    when: "true"
    do: [{id: auto_mail, destination: email, template: thank_you}]
  - id: nurture
    why: because
    when: "true"
    do:
      - id: step
        sequence:
          - scores: [0, 4]
            steps: [{destination: slack, channel: "#a"}, {destination: slack, channel: "#b"}]
          - {scores: [5, 8], steps: [{destination: slack, channel: "#a"}]}
"""


@pytest.fixture
def branches(tmp_path: Path) -> Playbook:
    path = tmp_path / "rules.yaml"
    path.write_text(BRANCHES)
    return Playbook(load_rules(path, PLUGINS, TEMPLATES), PLUGINS, TEMPLATES)


def _planned(facts: Facts, playbook: Playbook) -> Plan:
    return plan(FIRST, facts, playbook, NOW)


def _actions(planned: Plan) -> set[str]:
    return {wanted.action for wanted in planned.wanted}


def test_what_is_asked_of_a_happy_and_of_an_unhappy_customer(branches: Playbook) -> None:
    assert _actions(_planned(_facts(10, "promoter"), branches)) == {"cheer", "reference", "auto_mail"}
    assert _actions(_planned(_facts(5, "detractor"), branches)) == {"look", "auto_mail", "step.1"}


def test_a_condition_that_cannot_be_told_has_no_else_either(branches: Playbook) -> None:
    unknown = _facts(5, "detractor").model_copy(
        update={"response": _facts(5, "detractor").response.model_copy(update={"score": None})}  # type: ignore[union-attr]  # these facts have one
    )
    planned = _planned(unknown, branches)
    assert _actions(planned) == {"auto_mail"}
    assert planned.erred.keys() == {"happy", "rehearsed", "ask"}


def test_a_rehearsing_rule_is_recorded_and_asks_for_nothing(branches: Playbook) -> None:
    planned = _planned(_facts(5, "detractor"), branches)
    assert [wanted.action for wanted in planned.shadowed] == ["alarm"]
    assert "rehearsed" in planned.matched


def test_the_branch_or_band_not_taken_is_withdrawn_also_of_a_rule_that_matches(branches: Playbook) -> None:
    def stands(rule: str, action: str) -> Effect:
        return Effect(action, rule, "slack", is_wanted=True, is_outside=True, content={})

    existing = {
        effect.action: effect
        for effect in (stands("happy", "cheer"), stands("happy", "gone"), stands("nurture", "step.2"))
    }
    changes = converge(existing, _planned(_facts(5, "detractor"), branches), branches.rules.ids)
    assert set(changes.withdrawn) == {"cheer", "gone", "step.2"}
    back = converge(existing, _planned(_facts(10, "promoter"), branches), branches.rules.ids)
    assert set(back.withdrawn) == {"step.2"}


@pytest.mark.parametrize(("days", "asks"), [(179, False), (180, True), (None, True)])
def test_what_may_not_come_too_often_has_a_clock_of_its_own(
    branches: Playbook, days: int | None, asks: bool
) -> None:
    asked = {} if days is None else {"reference": NOW - timedelta(days=days)}
    facts = _facts(10, "promoter").model_copy(update={"asked": asked})
    planned = _planned(facts, branches)
    assert ("reference" in _actions(planned)) is asks
    assert "reference" not in planned.declined, "what stands is not taken back because it was asked"


def test_an_action_that_comes_later_says_when(branches: Playbook) -> None:
    times = {one.action: one.not_before for one in _planned(_facts(10, "promoter"), branches).wanted}
    assert times == {"cheer": None, "reference": NOW + timedelta(days=2), "auto_mail": None}


def test_a_source_that_thanks_by_itself_gets_no_automatic_mail(branches: Playbook) -> None:
    facts = _facts(10, "promoter")
    response = ResponseFacts.model_validate(facts.response).model_copy(update={"source": "delighted"})
    planned = _planned(facts.model_copy(update={"response": response}), branches)
    assert _actions(planned) == {"cheer", "reference"}


def test_a_follow_up_is_the_accounts_owners_else_the_teams(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    terms = "follow_up: {team: success, first_contact_hours: 4, resolve_hours: 40}"
    path.write_text(f"rules: [{{id: low, why: because, when: response.score <= 6, {terms}}}]")
    csm, member = (
        Person(id=id_, name=id_, email=f"{id_}@us.test", teams=("success",)) for id_ in ("csm", "member")
    )
    people = People({"success": Team(name="Success")}, {"csm": csm, "member": member})
    playbook = Playbook(load_rules(path, PLUGINS, TEMPLATES, people), PLUGINS, TEMPLATES, people)
    facts = _facts(3, "detractor")
    owned = facts.model_copy(update={"account": AccountFacts(id="shop", csm_email="csm@us.test")})

    asked = _planned(owned, playbook).follow_up
    assert asked is not None
    assert (asked.rule, asked.owner_id, asked.terms.first_contact_hours) == ("low", "csm", 4)
    by_team = _planned(facts, playbook).follow_up
    assert by_team is not None
    assert by_team.owner_id in {"csm", "member"}
    assert _planned(_facts(9, "promoter"), playbook).follow_up is None
