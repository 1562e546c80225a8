"""What an answer or a survey request asks for outside. Pure: facts and `now` in, decisions out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jinja2 import TemplateError

from services.router.admission import Occurrence, Standing
from services.router.effect import Wanted
from services.router.facts import Facts
from services.router.follow_up import FollowUpWanted
from services.router.owners import account_emails, owner_of
from services.router.people import People
from services.router.plugins import AnyPlugin
from services.router.rule_file import AUTO_MAIL
from services.router.rules import Action, Rule, Ruleset
from services.router.templates import Templates
from services.router.timing import AT_ONCE, Calendars, Timing, not_before

MAX_AGE = timedelta(days=7)
"""No effect is created for an answer older than this; updating and retracting have no age."""


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


def plan(occurrence: Occurrence, facts: Facts, playbook: Playbook, now: datetime) -> Plan:
    """Decide what an occurrence asks for."""
    if occurrence.standing in {Standing.TEST, Standing.RETRACTED}:
        return Plan((), (), {}, withdraw_all=True, may_create=False)
    score = facts.response.score if facts.response else None
    asking = _Asking(occurrence, facts, playbook, now)
    matched: list[Rule] = []
    erred: dict[str, str] = {}
    declined: set[str] = set()
    for verdict in playbook.rules.evaluate(occurrence.occasion, facts):
        rule = verdict.rule
        if verdict.error is not None:
            erred[rule.id] = verdict.error
            continue
        if verdict.holds:
            matched.append(rule)
        actions = rule.asked(holds=verdict.holds, score=score)
        if verdict.holds or rule.otherwise:
            declined |= rule.action_ids.difference(action.id for action in actions)
        if actions and (error := asking.ask(rule, actions)):
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
            content=content.model_dump_json(),
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
