"""Random lives of a few people, held against a model that is too plain to be wrong."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.postgres import Pool
from schemas.survey_events import SurveyStep
from tests.integration.scheduler.world import World, answered, profile, purchased, step

GAP, DELAY, ASK_WITHIN = 180, 30, 30
CLOCKS_APART = 2 / 24
PEOPLE = ("ann", "bob")


@dataclass
class Life:
    """What the model knows of one person, in days."""

    purchases: dict[int, float] = field(default_factory=dict)
    """Those that stand, with their dates."""
    asked_about: dict[int, float] = field(default_factory=dict)
    contacts: dict[object, float] = field(default_factory=dict)
    """Surveys that were not suppressed, and answers given elsewhere."""
    opted_out: bool = False
    versions: int = 1
    revisions: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def may_be_asked(self, at: float) -> bool:
        return not self.opted_out and all(
            at >= contact + GAP + CLOCKS_APART for contact in self.contacts.values()
        )

    def due(self, at: float) -> set[int]:
        return {
            number
            for number, bought in self.purchases.items()
            if bought + DELAY <= at < bought + DELAY + ASK_WITHIN and number not in self.asked_about
        }


class Action(NamedTuple):
    """Something that is heard of a person, `days_ago` after it happened."""

    person: str
    what: str
    number: int
    days_ago: int


WHATS = ("buy", "buy", "correct", "retract", "answer", "opt out", "opt in", "suppress")
ACTION = st.builds(
    Action, st.sampled_from(PEOPLE), st.sampled_from(WHATS), st.integers(0, 2), st.integers(0, 45)
)
STEPS = st.lists(st.tuples(st.integers(1, 25), st.lists(ACTION, max_size=2)), min_size=5, max_size=20)
"""Days that pass, and what is heard of then."""


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example empties the tables itself
)
@given(steps=STEPS)
def test_never_too_often_never_unwanted_nobody_forgotten(
    pool: Pool, steps: list[tuple[int, list[Action]]]
) -> None:
    world = World(pool, batch_size=3)
    world.forget()
    lives = {person: Life() for person in PEOPLE}
    world.say(*(profile(person) for person in PEOPLE))
    today = 100
    for days, actions in steps:
        today += days
        for action in actions:
            _act(world, lives[action.person], action, today - action.days_ago)
        world.work_until(today)
        _compare(world, lives, today)


def _act(world: World, life: Life, action: Action, at: float) -> None:
    person, what, number, _ = action
    if what in {"buy", "correct", "retract"}:
        life.revisions[number] += 1
        retracted = what == "retract"
        event = purchased(person, at, number=number, revision=life.revisions[number], retracted=retracted)
        world.say(event, event)
        life.purchases.pop(number, None)
        if not retracted:
            life.purchases[number] = at
    elif what == "answer":
        life.revisions[100 + number] += 1
        world.say(answered(person, at, number=number, revision=life.revisions[100 + number]))
        life.contacts["answer", number] = at
    elif what in {"opt out", "opt in"}:
        life.versions += 1
        life.opted_out = what == "opt out"
        world.say(profile(person, life.versions, opted_out=life.opted_out))
        world.say(profile(person, life.versions - 1, opted_out=not life.opted_out))
    elif what == "suppress":
        requests = [request for request in world.requested() if request.person_key == person]
        world.say(*(step(request, SurveyStep.SUPPRESSED, at) for request in requests))
        life.contacts = {contact: on for contact, on in life.contacts.items() if not isinstance(contact, int)}


def _compare(world: World, lives: dict[str, Life], at: float) -> None:
    emitted = world.requested()
    for person, life in lives.items():
        asked = [request for request in emitted if request.person_key == person]
        new = asked[len(life.asked_about) :]
        assert len(new) <= 1
        for request in new:
            number = int(request.context["number"])
            assert life.may_be_asked(at)
            assert number in life.due(at)
            life.asked_about[number] = life.contacts[number] = at
        forgotten = life.due(at) if life.may_be_asked(at) else set()
        assert not forgotten
