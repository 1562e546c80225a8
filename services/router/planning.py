"""Decides the events of a batch, one after the other: what is known goes in, rows to write come out."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from runtime.cloudevents import traceparent_of
from runtime.consumer import Delivered
from runtime.tracing import new_traceparent
from schemas.classified import ResponseClassified
from schemas.requests import SurveyRequestCancelled
from services.router import gather, metrics
from services.router.admission import Course, Occurrence, SubjectState, admit, advance
from services.router.convergence import Changes, converge
from services.router.effect import Effect, EffectRow, StoredEffect
from services.router.effect_rows import unwanted_row, wanted_row
from services.router.facts import Facts, ProfileFacts
from services.router.follow_up_opening import Asked
from services.router.known import Known
from services.router.occasion import Occasion
from services.router.occurrences import PlannedEvent, score_of
from services.router.placing import in_place, with_copies
from services.router.plan import Plan, Playbook, plan
from services.router.plan_store import Best, PlanRow
from services.router.survey_links import SurveyLinks

log = structlog.get_logger(__name__)


class Planning:
    """A batch; later events of a subject see what earlier ones left.

    `states` and `effects` are those of subjects heard of before; `repeated` are the subjects with several
    events in the batch.
    """

    def __init__(
        self,
        *,
        playbook: Playbook,
        links: SurveyLinks,
        known: Known,
        states: Mapping[str, SubjectState],
        effects: dict[str, dict[str, StoredEffect]],
        repeated: Collection[str],
        now: datetime,
    ) -> None:
        self._playbook = playbook
        self._links = links
        self._known = known
        self._effects = effects
        self._repeated = repeated
        self._now = now
        self.states = dict(states)
        self.plans: dict[tuple[str, int, int], PlanRow] = {}
        self.rows: dict[tuple[str, str], EffectRow] = {}
        self.facts: dict[str, Facts] = {}
        """Of the subjects that are delivered."""
        self.asked: dict[str, Asked] = {}
        self.answered: list[Occurrence] = []
        """The answers that were never heard of before."""
        self.courses: Counter[tuple[Occasion, Course]] = Counter()

    def decide(self, occurrence: Occurrence, one: Delivered[PlannedEvent]) -> None:
        """Plan, record or ignore an event."""
        state = self.states.get(occurrence.subject, SubjectState())
        course = admit(state, occurrence)
        self.courses[occurrence.occasion, course] += 1
        if course is Course.IGNORE:
            return
        self.states[occurrence.subject] = advance(state, occurrence, course)
        facts = self._facts_of(one.event, occurrence)
        if occurrence.key > state.highest and isinstance(one.event, ResponseClassified):
            self._known.tell(occurrence, score_of(occurrence, one.event))
        if occurrence.key < state.highest:
            occurrence, facts = self._best(occurrence, facts)
        decided = plan(occurrence, facts, self._playbook, self._now)
        self._record(occurrence, course, facts, decided)
        if course is Course.DELIVER:
            if not state.highest and occurrence.occasion is Occasion.RESPONSE:
                self.answered.append(occurrence)
            traceparent = traceparent_of(one.record.headers) or new_traceparent()
            self._deliver(occurrence, facts, decided, traceparent)

    def _facts_of(self, event: PlannedEvent, occurrence: Occurrence) -> Facts:
        around = self._known.around(occurrence, self._now)
        match event:
            case ResponseClassified():
                return gather.from_response(event, occurrence.subject, around, self._now)
            case SurveyRequestCancelled():
                return Facts(profile=ProfileFacts(key=occurrence.person_key))
            case request:
                url = self._links.url(request)
                return gather.from_request(
                    request, around, self._now, url=url, unsubscribe_url=f"{url}/unsubscribe"
                )

    def _best(self, occurrence: Occurrence, facts: Facts) -> tuple[Occurrence, Facts]:
        """The occurrence and facts of the highest key, for a delivery that a record has overtaken."""
        best = self._known.best.get(occurrence.subject)
        in_hand = [plan for plan in self.plans.values() if plan.subject == occurrence.subject]
        if in_hand:
            newest = max(in_hand, key=lambda plan: plan.key)
            best = Best(newest.standing, newest.facts)
        if best is None:
            return occurrence, facts
        stored = Facts.model_validate_json(best.facts)
        happened_at = stored.response.responded_at if stored.response else occurrence.happened_at
        return replace(occurrence, standing=best.standing, happened_at=happened_at), stored

    def _record(self, occurrence: Occurrence, course: Course, facts: Facts, decided: Plan) -> None:
        for rule, reason in decided.erred.items():
            metrics.RULES_ERRED.labels(rule).inc()
            log.warning("rule neither true nor false", rule=rule, reason=reason, subject=occurrence.subject)
        self.plans[occurrence.subject, occurrence.key[0], occurrence.key[3]] = PlanRow(
            subject=occurrence.subject,
            key=occurrence.key,
            effects="deliver" if course is Course.DELIVER else "record",
            standing=occurrence.standing,
            matched=decided.matched,
            erred=decided.erred,
            facts=facts.model_dump_json(exclude_none=True),
            shadowed=decided.shadowed,
        )

    def _deliver(self, occurrence: Occurrence, facts: Facts, decided: Plan, traceparent: str) -> None:
        rules = self._playbook.rules
        existing = self._effects.get(occurrence.subject, {})
        if existing:
            decided = in_place(decided, existing, facts, self._playbook.plugins)
            decided = with_copies(decided, existing, facts, self._playbook.plugins)
        changes = converge({action: one.known for action, one in existing.items()}, decided, rules.ids)
        self.facts[occurrence.subject] = facts
        for wanted in changes.created:
            if wanted.action in rules.clocked:
                self._known.ask(occurrence, wanted.action)
        self._apply(occurrence, facts, changes, traceparent)
        if occurrence.occasion is Occasion.RESPONSE:
            if not existing and decided.follow_up is not None and decided.may_create:
                self._known.opens(occurrence)
            self.asked[occurrence.subject] = Asked(
                subject=occurrence.subject,
                person_key=occurrence.person_key,
                account_id=facts.account.id if facts.account else occurrence.account_id,
                wanted=decided.follow_up,
                settled=decided.settled(rules.ids),
                withdrawn=decided.withdraw_all,
                may_open=decided.may_create,
                traceparent=traceparent,
            )

    def _apply(self, occurrence: Occurrence, facts: Facts, changes: Changes, traceparent: str) -> None:
        existing = self._effects.get(occurrence.subject, {})
        for wanted in (*changes.created, *changes.revised):
            stored = existing.get(wanted.action)
            row = wanted_row(occurrence, facts, wanted, stored, traceparent=traceparent, now=self._now)
            self._put(row, stored)
        for action in changes.withdrawn:
            stored = existing[action]
            row = unwanted_row(occurrence, facts, stored, traceparent=traceparent, now=self._now)
            self._put(row, stored)

    def _put(self, row: EffectRow, stored: StoredEffect | None) -> None:
        earlier = self.rows.get((row.subject, row.action))
        if earlier is not None:
            row = row._replace(is_new=earlier.is_new)
        self.rows[row.subject, row.action] = row
        if row.subject in self._repeated:
            self._effects.setdefault(row.subject, {})[row.action] = _stored(row, stored)


def _stored(row: EffectRow, before: StoredEffect | None) -> StoredEffect:
    """The effect as the next event of its subject finds it."""
    known = Effect(
        action=row.action,
        rule=row.rule,
        destination=row.destination,
        is_wanted=row.is_wanted,
        is_outside=before is not None and before.known.is_outside,
        content=json.loads(row.content),
        repeats=before.known.repeats if before is not None else None,
    )
    return StoredEffect(
        row.effect_id,
        row.desired_version,
        row.order_key,
        row.rate_key,
        known,
        row.not_before,
        is_child=row.parent is not None,
        is_pending=before is not None and before.is_pending,
    )
