"""What an answer or a survey request asks for outside. Pure: facts and `now` in, decisions out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from jinja2 import TemplateError

from services.router.destination import JsonObject
from services.router.facts import Facts
from services.router.follow_up import FollowUpWanted
from services.router.occasion import Occasion
from services.router.owners import account_emails, owner_of
from services.router.people import People
from services.router.plugins import AnyPlugin
from services.router.rule_file import AUTO_MAIL
from services.router.rules import Action, Rule, Ruleset
from services.router.templates import Templates
from services.router.timing import AT_ONCE, Calendars, Timing, not_before

MAX_AGE = timedelta(days=7)
"""No effect is created for an answer older than this; updating and retracting have no age."""

EFFECT_NAMESPACE = UUID("0d9b4c57-6d0e-5b53-9d0f-6f1f6f1f8a11")


class Standing(StrEnum):
    """Whether an answer stands."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    """The page is not finished: what it asks for waits."""
    TEST = "test"
    RETRACTED = "retracted"
    """Also: the survey request was cancelled."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A revision of a response or of a survey request, as the ledger sees either.

    `key` orders the revisions of one subject, its first number is the revision. `happened_at` is when the
    person answered or the request was made; after `expires_at` nothing is created any more.
    """

    subject: str
    occasion: Occasion
    person_key: str
    account_id: str | None
    key: tuple[int, int, int, int]
    delivers: bool
    standing: Standing
    happened_at: datetime
    expires_at: datetime | None = None

    @property
    def revision(self) -> int:
        """The subject's revision."""
        return self.key[0]


@dataclass(frozen=True, slots=True)
class SubjectState:
    """What was seen of a subject so far: the highest key of all, and the highest revision planned with
    effects.
    """

    highest: tuple[int, ...] = ()
    delivered_revision: int | None = None
    cancelled: bool = False


class Course(StrEnum):
    """What to do with an occurrence."""

    IGNORE = "ignore"
    RECORD = "record"
    DELIVER = "deliver"


def admit(state: SubjectState, occurrence: Occurrence) -> Course:
    """Whether an occurrence is planned, only recorded, or known already.

    A record raises the highest key and never the delivered revision, so that it cannot hide an alert: a
    delivering occurrence above the delivered revision is planned even when a record with a higher key came
    first. A cancelled subject stays cancelled.
    """
    is_newer = occurrence.key > state.highest
    if not occurrence.delivers or occurrence.standing is Standing.PROVISIONAL:
        return Course.RECORD if is_newer else Course.IGNORE
    if state.cancelled:
        return Course.IGNORE
    if is_newer or state.delivered_revision is None or occurrence.revision > state.delivered_revision:
        return Course.DELIVER
    return Course.IGNORE


def advance(state: SubjectState, occurrence: Occurrence, course: Course) -> SubjectState:
    """The subject's state after the occurrence."""
    if course is Course.IGNORE:
        return state
    delivered = state.delivered_revision
    if course is Course.DELIVER:
        delivered = max(occurrence.revision, -1 if delivered is None else delivered)
    is_cancellation = (
        occurrence.occasion is Occasion.SURVEY_REQUEST and occurrence.standing is Standing.RETRACTED
    )
    return SubjectState(
        highest=max(state.highest, occurrence.key),
        delivered_revision=delivered,
        cancelled=state.cancelled or is_cancellation,
    )


@dataclass(frozen=True, slots=True)
class Parent:
    """Names an effect."""

    subject: str
    action: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object outside that a matching rule asks for."""

    rule: str
    action: str
    destination: str
    content: JsonObject
    order_key: str
    rate_key: str
    not_before: datetime | None = None
    """Business time before which it is not sent; None is at once."""
    ends_on: tuple[str, ...] = ()
    """What ends it before it was ever sent: reply, claim, new_answer, opt_out, lifecycle:<moment>."""
    parent: Parent | None = None
    """The effect, of the same destination, whose object it lives in."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be outside. `withdraw_all`: nothing should. `may_create`: new objects may still be made.

    `erred` gives each rule that is neither true nor false the reason; what it once asked for is left alone.
    `declined` are the actions of rules that match which the facts leave out: another branch, another band of
    scores. `shadowed` is what rules ask for that only rehearse. `follow_up`: what the first of the matching
    rules that want one asks for.
    """

    wanted: tuple[Wanted, ...]
    matched: tuple[str, ...]
    erred: Mapping[str, str]
    withdraw_all: bool
    may_create: bool
    follow_up: FollowUpWanted | None = None
    declined: frozenset[str] = frozenset()
    shadowed: tuple[Wanted, ...] = ()

    def settled(self, rules: frozenset[str]) -> frozenset[str]:
        """Those of `rules` that could be evaluated and do not match."""
        return rules - set(self.matched) - self.erred.keys()


@dataclass(frozen=True, slots=True)
class Playbook:
    """All that turns facts into content: rules, the kinds of destination, templates, the colleagues."""

    rules: Ruleset
    plugins: Mapping[str, AnyPlugin]
    templates: Templates
    people: People = field(default_factory=People)


def plan(
    occurrence: Occurrence, facts: Facts, dumped: Mapping[str, Any], playbook: Playbook, now: datetime
) -> Plan:
    """Decide what an occurrence asks for. `dumped` is `facts` as JSON without what is not known."""
    if occurrence.standing in {Standing.TEST, Standing.RETRACTED}:
        return Plan((), (), {}, withdraw_all=True, may_create=False)
    score = facts.response.score if facts.response else None
    asking = _Asking(occurrence, facts, playbook, now)
    matched: list[Rule] = []
    erred: dict[str, str] = {}
    declined: set[str] = set()
    for verdict in playbook.rules.evaluate(occurrence.occasion, dumped):
        rule = verdict.rule
        if verdict.error is not None:
            erred[rule.id] = verdict.error
            continue
        if verdict.holds:
            matched.append(rule)
        actions = rule.asked(holds=verdict.holds, score=score)
        if verdict.holds or rule.otherwise:
            declined |= rule.action_ids.difference(action.id for action in actions)
        if error := asking.ask(rule, actions):
            erred[rule.id] = error
    return Plan(
        wanted=tuple(asking.wanted.values()),
        matched=tuple(rule.id for rule in matched),
        erred=erred,
        withdraw_all=False,
        may_create=now - occurrence.happened_at <= MAX_AGE
        and (occurrence.expires_at is None or now < occurrence.expires_at),
        follow_up=_follow_up(matched, facts, playbook.people, now),
        declined=frozenset(declined - asking.wanted.keys()),
        shadowed=tuple(asking.shadowed.values()),
    )


class _Asking:
    """Collects what rules ask for; the first rule that asks for an action has it."""

    def __init__(self, occurrence: Occurrence, facts: Facts, playbook: Playbook, now: datetime) -> None:
        self._occurrence = occurrence
        self._facts = facts
        self._playbook = playbook
        self._now = now
        self.wanted: dict[str, Wanted] = {}
        self.shadowed: dict[str, Wanted] = {}

    def ask(self, rule: Rule, actions: Iterable[Action]) -> str | None:
        """Add what the actions ask for; returns why one of them could not be filled."""
        collected = self.shadowed if rule.shadow else self.wanted
        error = None
        for action in actions:
            if action.id in collected or not self._is_due(action):
                continue
            try:
                asked = self._render(rule, action)
            except TemplateError as failed:
                error = f"{action.id}: {failed.message or type(failed).__name__}"
                continue
            if asked is not None:
                collected[action.id] = asked
        return error

    def _is_due(self, action: Action) -> bool:
        response = self._facts.response
        if action.id == AUTO_MAIL and response and response.source in self._playbook.rules.thanking_sources:
            return False
        last = self._facts.asked.get(action.id)
        return action.once_in is None or last is None or self._occurrence.happened_at - last >= action.once_in

    def _render(self, rule: Rule, action: Action) -> Wanted | None:
        plugin = self._playbook.plugins[action.destination]
        content = plugin.render(action.settings, self._facts, self._playbook.templates)
        if content is None:
            return None
        return Wanted(
            rule=rule.id,
            action=action.id,
            destination=action.destination,
            content=content.model_dump(mode="json"),
            order_key=plugin.order_key(content, self._facts),
            rate_key=plugin.rate_key(content),
            not_before=self._not_before(rule, action.timing),
            ends_on=action.ends_on,
        )

    def _not_before(self, rule: Rule, timing: Timing) -> datetime | None:
        if timing == AT_ONCE:
            return None
        owner, team = self._facts.owner, rule.follow_up.team if rule.follow_up else ""
        calendars = Calendars(
            ours=self._playbook.people.calendar(owner.id if owner else None, team),
            theirs=self._playbook.rules.quiet.calendar(self._facts.profile.time_zone),
        )
        return not_before(timing, self._occurrence.happened_at, self._now, calendars)


def _follow_up(matched: list[Rule], facts: Facts, people: People, now: datetime) -> FollowUpWanted | None:
    for rule in matched:
        if rule.follow_up is not None and not rule.shadow:
            owner = owner_of(
                facts.profile.key,
                account_emails(facts.account),
                team=rule.follow_up.team,
                people=people,
                now=now,
            )
            return FollowUpWanted(rule.id, rule.follow_up, owner.id if owner else None)
    return None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the ledger holds of an effect, as far as planning needs it."""

    action: str
    rule: str
    destination: str
    is_wanted: bool
    is_outside: bool
    """Whether an object exists outside, or may exist."""
    content: JsonObject
    has_ended: bool = False
    """Whether something ended it before it was sent; nothing brings it back."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What planning changes in the ledger; an effect in none of these stays as it is."""

    created: tuple[Wanted, ...]
    revised: tuple[Wanted, ...]
    withdrawn: tuple[str, ...]
    """Actions whose effect is no longer wanted."""


def converge(existing: Mapping[str, Effect], planned: Plan, rules: frozenset[str]) -> Changes:
    """The way from what the ledger holds to what is planned.

    An effect is withdrawn only if its rule still exists, could be evaluated and no longer asks for it:
    editing the file must not tear down what stands outside. Unchanged content is no change.
    """
    created, revised = [], []
    for asked in planned.wanted:
        effect = existing.get(asked.action)
        if effect is None:
            if planned.may_create:
                created.append(asked)
            continue
        is_same = effect.is_wanted and effect.content == asked.content
        if effect.has_ended or effect.destination != asked.destination or is_same:
            continue
        if effect.is_outside or planned.may_create:
            revised.append(asked)
    kept = {asked.action for asked in planned.wanted}
    settled = planned.settled(rules)
    withdrawn = [
        effect.action
        for effect in existing.values()
        if effect.is_wanted
        and not effect.has_ended
        and effect.action not in kept
        and (planned.withdraw_all or effect.rule in settled or effect.action in planned.declined)
    ]
    return Changes(tuple(created), tuple(revised), tuple(withdrawn))


def effect_id(subject: str, action: str) -> UUID:
    """The id an effect has for ever, also outside: UUIDv5 (RFC 9562) of subject and action."""
    return uuid5(EFFECT_NAMESPACE, f"{subject}\x1f{action}")
