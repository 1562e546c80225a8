"""Plans batches of classified answers and survey requests: reads what is known, decides, writes, in one
transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import decode as decode_event
from runtime.consumer import Delivered
from runtime.messages import Record
from services.router import (
    effect_store,
    erasures,
    known,
    metrics,
    plan_store,
    remembered,
    schedule,
    score_store,
)
from services.router.admission import Occurrence, state_after
from services.router.follow_up_opening import Asked
from services.router.known import Known
from services.router.occurrences import PLANNED_EVENTS, PlannedEvent, occurrence_of, received_at
from services.router.outcomes import planned
from services.router.plan import Playbook
from services.router.plan_store import Newcomer
from services.router.planning import Planning
from services.router.storm_desk import StormDesk
from services.router.survey_links import SurveyLinks

Connection = psycopg.Connection[Any]
Follow = Callable[[Connection, Sequence[Asked], datetime], None]
NEW_ANSWER = "new_answer"
"""What calls off actions that end when the person answers again."""


def decode(record: Record) -> PlannedEvent:
    """An event to plan; raises runtime.cloudevents.Undecodable."""
    return decode_event(record, PLANNED_EVENTS)


class Planner:
    """The consumer's handler. `wait_for_facts` returns once the projections are fresh; `follow` hears what a
    batch means for follow-ups, in its transaction. `storm_people`: how many people's cards a channel takes at
    once, 0 is any number.
    """

    def __init__(
        self,
        *,
        playbook: Playbook,
        clock: Clock,
        links: SurveyLinks,
        wait_for_facts: Callable[[Connection], bool],
        follow: Follow,
        storm_people: int = 0,
    ) -> None:
        self._playbook = playbook
        self._clock = clock
        self._links = links
        self._wait_for_facts = wait_for_facts
        self._follow = follow
        self._storms = StormDesk(playbook.plugins, storm_people)

    def use(self, playbook: Playbook) -> None:
        """Plan by this playbook from the next batch on; its kinds of destination are those of the first."""
        self._playbook = playbook

    def handle(self, connection: Connection, delivered: Sequence[Delivered[PlannedEvent]]) -> None:
        """Plan a batch in the caller's transaction. A batch seen before changes nothing."""
        playbook = self._playbook
        self._wait_for_facts(connection)
        occurrences = _remembered(connection, [(occurrence_of(one.event), one) for one in delivered])
        subjects = _by_subject(occurrence for occurrence, _ in occurrences)
        states = plan_store.lock_subjects(
            connection,
            {
                subject: Newcomer(events[-1].person_key, state_after(events))
                for subject, events in subjects.items()
            },
        )
        around = known.read(
            connection,
            [(occurrence, one.event) for occurrence, one in occurrences],
            states,
            playbook.people,
        )
        now = self._clock.now()
        batch = Planning(
            playbook=playbook,
            links=self._links,
            known=around,
            states=states,
            effects=effect_store.of_subjects(connection, list(states)),
            repeated={subject for subject, events in subjects.items() if len(events) > 1},
            now=now,
        )
        for occurrence, one in occurrences:
            batch.decide(occurrence, one)
        for labels, times in batch.courses.items():
            metrics.PLANS.labels(*labels).inc(times)
        if batch.plans:
            self._write(connection, batch, around, playbook.rules.version, now)
            changed = {name: batch.states[name] for name in states if batch.states[name] != states[name]}
            plan_store.write_subjects(connection, changed)

    def _write(
        self, connection: Connection, batch: Planning, around: Known, rules_version: str, now: datetime
    ) -> None:
        self._storms.gather(connection, batch.rows, batch.facts, now)
        plan_store.write_plans(connection, list(batch.plans.values()), rules_version=rules_version, now=now)
        effect_store.write(connection, batch.rows.values(), now=now)
        score_store.write(connection, around.told)
        remembered.note_asks(connection, [ask for asks in around.asks.values() for ask in asks])
        _end_for_new_answers(connection, batch, around)
        outbox.append(connection, planned(batch.rows.values(), now))
        self._follow(connection, list(batch.asked.values()), now)


def _remembered(
    connection: Connection, occurrences: Sequence[tuple[Occurrence, Delivered[PlannedEvent]]]
) -> list[tuple[Occurrence, Delivered[PlannedEvent]]]:
    """Without what was received of people before they were erased."""
    erased = erasures.among(connection, [occurrence.person_key for occurrence, _ in occurrences])
    return [
        (occurrence, one)
        for occurrence, one in occurrences
        if occurrence.person_key not in erased or received_at(one.event) > erased[occurrence.person_key]
    ]


def _by_subject(occurrences: Iterable[Occurrence]) -> dict[str, list[Occurrence]]:
    subjects: dict[str, list[Occurrence]] = {}
    for occurrence in occurrences:
        subjects.setdefault(occurrence.subject, []).append(occurrence)
    return subjects


def _end_for_new_answers(connection: Connection, batch: Planning, around: Known) -> None:
    """Call off what ends when people answer again, but for what their latest answer asks for."""
    latest = {around.person(occurrence): occurrence for occurrence in batch.answered}
    if latest:
        keys = {key for occurrence in latest.values() for key in around.keys(occurrence)}
        schedule.end_of_person(
            connection, sorted(keys), NEW_ANSWER, spared=[one.subject for one in latest.values()]
        )
