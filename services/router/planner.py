"""Plans batches of classified answers and survey requests: reads what is known, decides, writes, in one
transaction.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
import structlog

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import decode as decode_event
from runtime.cloudevents import traceparent_of
from runtime.consumer import Delivered
from runtime.messages import Record
from runtime.tracing import new_traceparent
from schemas.classified import ResponseClassified
from schemas.requests import SurveyRequestCancelled, SurveyRequested
from schemas.survey_link import sign
from services.router import gather, metrics, planning_store, remembered, schedule, score_store
from services.router.facts import Facts, ProfileFacts
from services.router.follow_up_opening import Asked
from services.router.known import Known
from services.router.known import read as known_of_batch
from services.router.ledger import is_lane, lane_below
from services.router.occasion import Occasion
from services.router.occurrences import PLANNED_EVENTS, PlannedEvent, occurrence_of, score_of
from services.router.outcomes import planned
from services.router.plan import (
    Changes,
    Course,
    Effect,
    Occurrence,
    Playbook,
    SubjectState,
    Wanted,
    admit,
    advance,
    converge,
    effect_id,
    plan,
)
from services.router.planning_store import Best, EffectRow, PlanRow, StoredEffect
from services.router.remembered import Ask
from services.router.storm_desk import StormDesk

Connection = psycopg.Connection[Any]
Follow = Callable[[Connection, Sequence[Asked], datetime], None]
NEW_ANSWER = "new_answer"
"""What calls off actions that end when the person answers again."""

log = structlog.get_logger(__name__)


def decode(record: Record) -> PlannedEvent:
    """An event to plan; raises runtime.cloudevents.Undecodable."""
    return decode_event(record, PLANNED_EVENTS)


@dataclass(frozen=True, slots=True)
class SurveyLinks:
    """Makes a person's own link to the hosted survey: the token names the request and carries no person."""

    public_url: str
    secret: bytes

    def url(self, request: SurveyRequested) -> str:
        """Where the person answers."""
        return f"{self.public_url.rstrip('/')}/s/{sign(self.secret, request.request_id, request.closes_at)}"


class _Batch:
    """What a batch has decided so far; later events of a subject see what earlier ones left."""

    def __init__(self, states: dict[str, SubjectState], effects: dict[str, dict[str, StoredEffect]]) -> None:
        self.states = states
        self.effects = effects
        self.plans: dict[tuple[str, int, int], PlanRow] = {}
        self.rows: dict[tuple[str, str], EffectRow] = {}
        self.facts: dict[str, Facts] = {}
        self.asked: dict[str, Asked] = {}
        self.answered: list[Occurrence] = []
        """The answers that were never heard of before."""


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

    def handle(self, connection: Connection, delivered: Sequence[Delivered[PlannedEvent]]) -> None:
        """Plan a batch in the caller's transaction. A batch seen before changes nothing."""
        self._wait_for_facts(connection)
        occurrences = [(occurrence_of(one.event), one) for one in delivered]
        states = planning_store.lock_subjects(
            connection, {occurrence.subject: occurrence.person_key for occurrence, _ in occurrences}
        )
        seen = [subject for subject, state in states.items() if state.highest]
        batch = _Batch(states, planning_store.effects_of(connection, seen))
        known = known_of_batch(
            connection,
            [(occurrence, one.event) for occurrence, one in occurrences],
            states,
            self._playbook.people,
        )
        for occurrence, one in occurrences:
            self._decide(batch, occurrence, one, known)
        self._write(connection, batch, known)

    def _decide(
        self, batch: _Batch, occurrence: Occurrence, one: Delivered[PlannedEvent], known: Known
    ) -> None:
        state = batch.states[occurrence.subject]
        course = admit(state, occurrence)
        metrics.PLANS.labels(occurrence.occasion, course).inc()
        if course is Course.IGNORE:
            return
        facts = self._facts(one.event, occurrence, known)
        if occurrence.key > state.highest and isinstance(one.event, ResponseClassified):
            known.tell(occurrence, score_of(occurrence, one.event))
        if occurrence.key < state.highest:
            occurrence, facts = _best(batch, known, occurrence, facts)
        batch.states[occurrence.subject] = advance(state, occurrence, course)
        dumped = facts.model_dump(mode="json", exclude_none=True)
        now = self._clock.now()
        decided = plan(occurrence, facts, dumped, self._playbook, now)
        for rule, reason in decided.erred.items():
            metrics.RULES_ERRED.labels(rule).inc()
            log.warning("rule neither true nor false", rule=rule, reason=reason, subject=occurrence.subject)
        batch.plans[occurrence.subject, occurrence.key[0], occurrence.key[3]] = PlanRow(
            subject=occurrence.subject,
            key=occurrence.key,
            effects="deliver" if course is Course.DELIVER else "record",
            standing=occurrence.standing,
            matched=decided.matched,
            erred=decided.erred,
            facts=json.dumps(dumped),
            shadowed=decided.shadowed,
        )
        if course is Course.DELIVER:
            batch.facts[occurrence.subject] = facts
            existing = batch.effects.setdefault(occurrence.subject, {})
            changes = converge(
                {action: stored.known for action, stored in existing.items()},
                decided,
                self._playbook.rules.ids,
            )
            clocked = self._playbook.rules.clocked
            known.asks += [
                Ask(occurrence.person_key, wanted.action, occurrence.subject, occurrence.happened_at)
                for wanted in changes.created
                if wanted.action in clocked
            ]
            if not state.highest and occurrence.occasion is Occasion.RESPONSE:
                batch.answered.append(occurrence)
            traceparent = traceparent_of(one.record.headers) or new_traceparent()
            self._apply(batch, occurrence, facts, changes, traceparent=traceparent, now=now)
            if occurrence.occasion is Occasion.RESPONSE:
                batch.asked[occurrence.subject] = Asked(
                    subject=occurrence.subject,
                    person_key=occurrence.person_key,
                    account_id=facts.account.id if facts.account else occurrence.account_id,
                    wanted=decided.follow_up,
                    settled=decided.settled(self._playbook.rules.ids),
                    withdrawn=decided.withdraw_all,
                    may_open=decided.may_create,
                    traceparent=traceparent,
                )

    def _facts(self, event: PlannedEvent, occurrence: Occurrence, known: Known) -> Facts:
        now = self._clock.now()
        around = known.around(occurrence, now)
        match event:
            case ResponseClassified():
                return gather.from_response(event, occurrence.subject, around, now)
            case SurveyRequestCancelled():
                return Facts(profile=ProfileFacts(key=occurrence.person_key))
            case request:
                url = self._links.url(request)
                return gather.from_request(
                    request, around, now, url=url, unsubscribe_url=f"{url}/unsubscribe"
                )

    def _apply(
        self,
        batch: _Batch,
        occurrence: Occurrence,
        facts: Facts,
        changes: Changes,
        *,
        traceparent: str,
        now: datetime,
    ) -> None:
        existing = batch.effects[occurrence.subject]
        for wanted in (*changes.created, *changes.revised):
            stored = existing.get(wanted.action)
            row = _timed(_row(occurrence, facts, wanted, stored, traceparent), wanted, stored, now)
            earlier = batch.rows.get((occurrence.subject, wanted.action))
            if earlier is not None:
                row = replace(row, is_new=earlier.is_new)
            _put(batch, row, is_outside=stored is not None and stored.known.is_outside)
        for action in changes.withdrawn:
            stored = existing[action]
            row = batch.rows.get((occurrence.subject, action)) or _row(
                occurrence, facts, _unwanted(stored), stored, traceparent
            )
            withdrawn = replace(
                row, is_wanted=False, is_scheduled=False, desired_version=stored.desired_version + 1
            )
            _put(batch, withdrawn, is_outside=stored.known.is_outside)

    def _write(self, connection: Connection, batch: _Batch, known: Known) -> None:
        if not batch.plans:
            return
        now = self._clock.now()
        self._storms.gather(connection, batch.rows, batch.facts, now)
        created = [row for row in batch.rows.values() if row.is_new]
        with connection.pipeline():
            planning_store.write_subjects(connection, batch.states)
            planning_store.write_plans(
                connection,
                list(batch.plans.values()),
                rules_version=self._playbook.rules.version,
                now=now,
            )
            planning_store.write_effects(connection, batch.rows.values(), now=now)
            score_store.write(connection, known.told)
            remembered.note_asks(connection, known.asks)
        _end_for_new_answers(connection, batch, known)
        outbox.append(connection, [planned(row, now) for row in created])
        self._follow(connection, list(batch.asked.values()), now)


def _end_for_new_answers(connection: Connection, batch: _Batch, known: Known) -> None:
    """Call off what ends when people answer again, but for what their latest answer asks for."""
    latest = {known.person(occurrence): occurrence for occurrence in batch.answered}
    if latest:
        keys = {key for occurrence in latest.values() for key in known.keys(occurrence)}
        schedule.end_of_person(
            connection, sorted(keys), NEW_ANSWER, spared=[one.subject for one in latest.values()]
        )


def _best(batch: _Batch, known: Known, occurrence: Occurrence, facts: Facts) -> tuple[Occurrence, Facts]:
    """The occurrence and facts of the highest key, for a delivery that a record has overtaken."""
    best = known.best.get(occurrence.subject)
    in_hand = [plan for plan in batch.plans.values() if plan.subject == occurrence.subject]
    if in_hand:
        newest = max(in_hand, key=lambda plan: plan.key)
        best = Best(newest.standing, newest.facts)
    if best is None:
        return occurrence, facts
    stored = Facts.model_validate_json(best.facts)
    happened_at = stored.response.responded_at if stored.response else occurrence.happened_at
    return replace(occurrence, standing=best.standing, happened_at=happened_at), stored


def _row(
    occurrence: Occurrence, facts: Facts, wanted: Wanted, stored: StoredEffect | None, traceparent: str
) -> EffectRow:
    survey = facts.survey
    return EffectRow(
        subject=occurrence.subject,
        action=wanted.action,
        effect_id=stored.effect_id if stored else effect_id(occurrence.subject, wanted.action),
        rule=wanted.rule,
        destination=wanted.destination,
        person_key=occurrence.person_key,
        account_id=facts.account.id if facts.account else occurrence.account_id,
        program=survey.program if survey else None,
        channel=survey.channel if survey else None,
        received_at=facts.response.received_at if facts.response else None,
        expires_at=occurrence.expires_at,
        traceparent=traceparent,
        content=wanted.content,
        is_wanted=True,
        desired_version=stored.desired_version + 1 if stored else 1,
        order_key=stored.order_key if stored and is_lane(stored.order_key) else _order_key(wanted),
        rate_key=wanted.rate_key,
        is_new=stored is None,
        not_before=stored.not_before if stored else None,
        ends_on=wanted.ends_on,
        parent=wanted.parent,
    )


def _order_key(wanted: Wanted) -> str:
    """Children of an effect queue up behind one another and never before their parent."""
    if wanted.parent is None:
        return wanted.order_key
    return lane_below(effect_id(wanted.parent.subject, wanted.parent.action))


def _timed(row: EffectRow, wanted: Wanted, stored: StoredEffect | None, now: datetime) -> EffectRow:
    """With the time of its first sending: given when it is first wanted and kept after that."""
    is_asked_anew = stored is None or not (stored.known.is_wanted or stored.known.is_outside)
    not_before = wanted.not_before if is_asked_anew else row.not_before
    is_outside = stored is not None and stored.known.is_outside
    is_scheduled = not is_outside and not_before is not None and now < not_before
    return replace(row, not_before=not_before, is_scheduled=is_scheduled)


def _unwanted(stored: StoredEffect) -> Wanted:
    return Wanted(
        rule=stored.known.rule,
        action=stored.known.action,
        destination=stored.known.destination,
        content=stored.known.content,
        order_key=stored.order_key,
        rate_key=stored.rate_key,
    )


def _put(batch: _Batch, row: EffectRow, *, is_outside: bool) -> None:
    batch.rows[row.subject, row.action] = row
    known = Effect(
        action=row.action,
        rule=row.rule,
        destination=row.destination,
        is_wanted=row.is_wanted,
        is_outside=is_outside,
        content=row.content,
    )
    batch.effects[row.subject][row.action] = StoredEffect(
        row.effect_id,
        row.desired_version,
        row.order_key,
        row.rate_key,
        known,
        row.not_before,
        row.parent is not None,
    )
