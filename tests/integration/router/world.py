"""A router on a real database, without Kafka; its one destination does as it is told."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict
from pydantic_settings import BaseSettings

from runtime.cloudevents import decode
from runtime.consumer import Delivered as Given
from runtime.messages import Record
from runtime.postgres import Pool
from runtime.yaml_file import parse_yaml
from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.event import Effects
from schemas.outcomes import OutcomeRecorded
from schemas.profiles import OptOut, ProfileChanged
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.responses import Order, Respondent, ResponseRecorded, ResponseStatus
from schemas.scales import Metric, group_of
from schemas.survey_events import SurveyStepOccurred
from services.router import projections
from services.router.clearance import DeliveryMode, Policy
from services.router.delivery import IDLE_SECONDS, Connected, Deliveries
from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Call,
    Delivered,
    Found,
    Limits,
    Notice,
    Operation,
    Plugin,
    Result,
    Sighting,
    Traits,
)
from services.router.facts import Facts
from services.router.follow_up_desk import Desk
from services.router.follow_up_effects import Shown
from services.router.movement import Around
from services.router.occurrences import PlannedEvent
from services.router.people import PeopleFile, people_of
from services.router.plan import Playbook
from services.router.planner import Planner
from services.router.rules import Ruleset, load_rules
from services.router.storm import Summary
from services.router.survey_links import SurveyLinks
from services.router.templates import Templates

if TYPE_CHECKING:
    from services.router.plugins import AnyPlugin

EPOCH = datetime(2026, 3, 1, 9, tzinfo=UTC)
TABLES = (
    "subjects, plans, effects, pending, attempts, outbox, profiles, accounts, projection_progress,"
    " destinations, retention_progress, scores, asks, storms, shown_cards, timers, follow_ups,"
    " follow_up_history, slack_drafts, salesforce_progress,"
    " salesforce_seen, match_reviews, erasures"
)
EMITTED: dict[str, type[OutcomeRecorded | SurveyStepOccurred]] = {
    OutcomeRecorded.TYPE: OutcomeRecorded,
    SurveyStepOccurred.TYPE: SurveyStepOccurred,
}
LIVE = Policy(DeliveryMode.LIVE)
_PEOPLE = """
teams:
  cs: { name: CS, manager: boss }
  product: { name: Product }
people:
  - { id: ann, name: Ann, email: ann@acme.test, teams: [cs], manager: boss }
  - { id: bob, name: Bob, email: bob@acme.test, teams: [cs] }
  - { id: boss, name: Boss, email: boss@acme.test }
"""
PEOPLE = people_of(parse_yaml(_PEOPLE, PeopleFile, name="people.yaml"))

RULES = """
rules:
  - id: detractor
    why: they leave
    when: has(response.group) && response.group == "detractor"
    do: [{id: alert, destination: box}]
  - id: promoter
    why: they recommend
    when: has(response.group) && response.group == "promoter"
    do: [{id: cheer, destination: box}]
  - id: survey
    why: they are asked
    about: survey_request
    when: survey.channel == "email" && has(profile.email)
    do: [{id: survey_mail, destination: box}]
"""


class BoxAction(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str = ""


class BoxContent(BaseModel):
    person: str
    text: str
    email: str | None
    before: int | None = None
    later: int | None = None
    """The score that the person gave before."""


class BoxSettings(BaseSettings):
    pass


Answer = Callable[[Call], Result]


class Box:
    """Keeps what it is given; `answer` may be replaced to lose, refuse or delay."""

    def __init__(self) -> None:
        self.limits = Limits(parallel_calls=4, deadline_seconds=1)
        self.calls: list[Call] = []
        self.objects: dict[str, str] = {}
        self.answer: Answer = self.accept

    def accept(self, call: Call) -> Result:
        name = call.external_id or f"box-{call.effect_id}"
        self.objects[name] = "" if call.operation is Operation.RETRACT else str(call.content["text"])
        return Delivered(name)

    def deliver(self, call: Call) -> Result:
        self.calls.append(call)
        return self.answer(call)

    def reconcile(self, call: Call) -> Sighting:
        self.calls.append(call)
        name = f"box-{call.effect_id}"
        return Found(name) if name in self.objects else Absent()

    def close(self) -> None:
        pass

    @property
    def operations(self) -> list[Operation]:
        return [call.operation for call in self.calls]


def summarised(summary: Summary, member: BoxContent) -> BoxContent:
    groups = ", ".join(f"{count} {group}" for group, count in sorted(summary.groups.items()))
    whom = f" at {summary.account}" if summary.account else ""
    return member.model_copy(update={"text": f"{summary.people} people{whom}: {groups}"})


def box_plugin(traits: Traits, name: str = "box") -> Plugin[BoxAction, BoxContent, BoxSettings]:
    def render(action: BoxAction, facts: Facts, _templates: Templates) -> BoxContent:
        said = facts.response.comment or "no comment" if facts.response else "how likely?"
        before = facts.previous.score if facts.previous else None
        return BoxContent(
            person=facts.profile.key, text=f"{action.label}{said}", email=facts.profile.email, before=before
        )

    def by_now(content: BoxContent, around: Around) -> BoxContent:
        before, later = next(iter(around.earlier), None), around.later
        told = {"before": before.score if before else None, "later": later.score if later else None}
        return content.model_copy(update=told)

    return Plugin(
        name=name,
        traits=traits,
        settings=BoxSettings,
        action=BoxAction,
        content=BoxContent,
        render=render,
        connect=lambda _settings: Box(),
        order_key=lambda content, _facts: content.person,
        rate_key=lambda _content: "",
        audience=lambda content: (content.email or "nobody",),
        summarise=summarised,
        by_now=by_now,
        notice=_notice if traits.shows_follow_up and name == "box" else None,
    )


def _notice(notice: Notice, below: BoxContent | None) -> BoxContent | None:
    to = notice.to.id if notice.to else None
    if below is None and to is None:
        return None
    return BoxContent(person=below.person if below else "", text=f"{to}: {notice.text}", email=None)


CARD = Traits(AfterAmbiguity.RECONCILE, updates=True, shows_follow_up=True)
MAIL = Traits(AfterAmbiguity.ASSUME_DELIVERED, updates=False, to_respondent=True)


class HandClock:
    """Shows the time it was set to."""

    def __init__(self) -> None:
        self.time = EPOCH

    def now(self) -> datetime:
        return self.time


class World:
    """One router: what it is told, what it delivers, what it says."""

    def __init__(self, pool: Pool, folder: Path, traits: Traits = CARD) -> None:
        self.pool = pool
        self.clock = HandClock()
        self.box = Box()
        self.policy = LIVE
        self.disabled: str | None = None
        self.profiles_age_seconds = 0.0
        self.storm_people = 0
        self.look_every_seconds = IDLE_SECONDS
        self.playbook: Playbook | None = None
        """Plans with this instead of the rules in use."""
        self.is_paused: Callable[[], bool] = lambda: False
        self._folder = folder
        self._templates = Templates(folder)
        self.plugin = box_plugin(traits)
        self.plugins: dict[str, AnyPlugin] = {
            "box": self.plugin,
            "neighbour": box_plugin(traits, "neighbour"),
        }
        self.neighbour = Box()
        self.people = PEOPLE
        self.desk = Desk(pool=pool, clock=self.clock, people=self.people, shown=Shown(self.plugins))
        self.rules: Ruleset
        self.use_rules(RULES)

    def forget(self) -> None:
        with self.pool.connection() as connection:
            connection.execute(f"TRUNCATE {TABLES}")

    def use_rules(self, text: str) -> None:
        path = self._folder / "rules.yaml"
        path.write_text(text)
        self.rules = load_rules(path, self.plugins, self._templates)

    def planner(self) -> Planner:
        return Planner(
            playbook=self.playbook or Playbook(self.rules, self.plugins, self._templates),
            clock=self.clock,
            links=SurveyLinks("https://ask.test", b"k" * 32),
            wait_for_facts=lambda _connection: True,
            follow=self.desk.after_planning,
            storm_people=self.storm_people,
        )

    def say(self, *events: PlannedEvent) -> None:
        """Hand a batch over."""
        with self.pool.connection() as connection:
            self.planner().handle(connection, [Given(_record(), event) for event in events])

    def project(self, *changes: projections.Change) -> None:
        with self.pool.connection() as connection:
            projections.project(connection, [Given(_record(), change) for change in changes])

    def worker(self, name: str = "box") -> Deliveries:
        box = self.box if name == "box" else self.neighbour
        return Deliveries(
            connected=Connected(self.plugins[name], None if self.disabled else box, self.disabled),
            pool=self.pool,
            clock=self.clock,
            policy=self.policy,
            profiles_age_seconds=lambda: self.profiles_age_seconds,
            is_paused=self.is_paused,
            people=self.people,
            rng=lambda: 0.0,
            look_every_seconds=self.look_every_seconds,
        )

    @contextmanager
    def delivering(self, name: str = "box") -> Iterator[Deliveries]:
        """A delivery worker at work."""
        stop = threading.Event()
        worker = self.worker(name)
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        try:
            yield worker
        finally:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()

    def deliver_all(self) -> None:
        """Deliver until nothing is left to do."""
        with self.delivering():
            until(lambda: self.count("pending") == 0)

    def count(self, table: str, where: str = "true") -> int:
        return int(self.ask(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])  # noqa: S608 - the tests' own words

    def ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.pool.connection() as connection:
            cursor = connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def effects(self) -> dict[str, str]:
        """Status of every effect by action."""
        return dict(self.ask("SELECT action, status FROM effects"))

    def reason(self, action: str) -> str | None:
        return self.ask("SELECT reason FROM effects WHERE action = %s", action)[0][0]  # type: ignore[no-any-return]  # a column of text

    def said(self) -> list[OutcomeRecorded | SurveyStepOccurred]:
        """Every event emitted so far."""
        rows = self.ask("SELECT topic, key, value, headers FROM outbox ORDER BY id")
        return [
            decode(
                Record(
                    topic, 0, 0, key, value, tuple((name, text.encode()) for name, text in headers), EPOCH
                ),
                EMITTED,
            )
            for topic, key, value, headers in rows
        ]

    def outcomes(self) -> list[str]:
        return [event.kind for event in self.said() if isinstance(event, OutcomeRecorded)]

    def steps(self) -> list[tuple[str, str | None]]:
        return [(event.step, event.reason) for event in self.said() if isinstance(event, SurveyStepOccurred)]


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for it, with an end."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


def _record() -> Record:
    return Record("topic", 0, 0, b"key", b"", (), EPOCH)


def answer(
    score: int | None = 2,
    *,
    of: UUID | None = None,
    revision: int = 1,
    comment: str | None = None,
    effects: Effects = Effects.DELIVER,
    retracted: bool = False,
    provisional: bool = False,
    test: bool = False,
    person: str = "ann",
    responded_at: datetime = EPOCH,
    classification_version: int = 1,
) -> ResponseClassified:
    response = ResponseRecorded(
        response_id=of or uuid4(),
        person_key=person,
        source="api",
        source_id="1",
        order=Order(revision=revision, tie=0),
        effects=effects,
        status=ResponseStatus.RETRACTED if retracted else ResponseStatus.ANSWERED,
        metric=Metric.NPS,
        score=score,
        comment=comment,
        responded_at=responded_at,
        received_at=responded_at,
        provisional=provisional,
        test=test,
        respondent=Respondent(email=f"{person}@shop.test"),
    )
    return ResponseClassified(
        response=response,
        classification_version=classification_version,
        group=None if score is None else group_of(Metric.NPS, score),
    )


def request(person: str = "ann", *, version: int = 1, of: UUID | None = None) -> SurveyRequested:
    return SurveyRequested(
        request_id=of or uuid4(),
        version=version,
        person_key=person,
        program="onboarding",
        metric=Metric.NPS,
        channel="email",
        question="How likely?",
        follow_up_question="Why?",
        why_we_ask="You bought something.",
        requested_at=EPOCH,
        expires_at=EPOCH + timedelta(days=3),
        closes_at=EPOCH + timedelta(days=30),
    )


def cancelled(asked: SurveyRequested) -> SurveyRequestCancelled:
    return SurveyRequestCancelled(
        request_id=asked.request_id,
        version=asked.version + 1,
        person_key=asked.person_key,
        program=asked.program,
        reason="answered elsewhere",
        cancelled_at=EPOCH,
    )


def profile(
    person: str = "ann",
    version: int = 1,
    *,
    opted_out_of: Sequence[str | None] = (),
    merged_into: str | None = None,
    account_id: str | None = None,
) -> ProfileChanged:
    return ProfileChanged(
        person_key=person,
        version=version,
        changed_at=EPOCH,
        email=f"{person}@shop.test",
        account_id=account_id,
        merged_into=merged_into,
        opt_outs=tuple(OptOut(program=program, since=EPOCH) for program in opted_out_of),
    )


def account(version: int = 1, *, name: str = "Shop") -> AccountChanged:
    return AccountChanged(account_id="shop", version=version, changed_at=EPOCH, name=name)
