"""What happened to a customer, in words and in the order of time. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from schemas.outcomes import OutcomeKind
from schemas.scales import Metric, group_of
from schemas.survey_events import SurveyStep
from services.insights.answers import Shown
from services.insights.customers import Corrected, Deed, History
from services.insights.happening import Happening, Kind
from services.insights.revisions import Revision
from services.insights.standing import GIVEN
from services.insights.web.wording import NAMES, named, sentence

STEPS: Mapping[str, str] = {
    SurveyStep.SENT: "Survey sent",
    SurveyStep.DELIVERED: "Survey arrived",
    SurveyStep.BOUNCED: "Survey came back",
    SurveyStep.SHOWN: "Survey shown",
    SurveyStep.CLICKED: "Survey opened",
    SurveyStep.DECLINED: "Survey declined",
    SurveyStep.UNSUBSCRIBED: "Wants no more surveys",
    SurveyStep.COMPLAINED: "Called the survey spam",
    SurveyStep.SUPPRESSED: "Survey not sent",
}
"""What became of a survey."""
DEEDS: Mapping[str, str] = {
    OutcomeKind.DELIVERED: "Delivered to {destination}",
    OutcomeKind.WITHHELD: "Held back from {destination}",
    OutcomeKind.FAILED: "Could not be delivered to {destination}",
    OutcomeKind.OPENED: "A follow-up was opened",
    OutcomeKind.REASSIGNED: "{actor} gave the follow-up to somebody else",
    OutcomeKind.CLAIMED: "{actor} took the follow-up",
    OutcomeKind.CONTACTED: "{actor} was in contact",
    OutcomeKind.RESOLVED: "{actor} closed the follow-up",
    OutcomeKind.REOPENED: "{actor} opened the follow-up again",
    OutcomeKind.SLA_BREACHED: "The follow-up missed its target",
    OutcomeKind.REPLIED: "Answered a mail of ours",
    OutcomeKind.ADVOCACY_CHANGED: "Said what they would do for us",
}
"""What was done; one that is not named here is told by its own name."""
STATES = {
    "skipped": "left the score out",
    "provisional": "has not finished the page",
    "test": "a test, not counted",
    "retracted": "withdrawn, not counted",
}
"""Why an answer does not count."""
_TARGETS = {"contact": "the first contact", "resolve": "closing it"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: datetime
    what: str
    why: str | None = None
    """The reason: the rule, the gate, what somebody said."""
    person: str | None = None
    answer: Shown | None = None
    """The answer that it is."""
    response_id: UUID | None = None
    """The answer that it is about."""


def timeline(history: History) -> list[Line]:
    """All lines, the newest first."""
    lines = [
        *_answers(history),
        *map(_deed, history.deeds),
        *(TELLERS[one.kind](one) for one in history.happenings),
        *map(_correction, history.corrections),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _answers(history: History) -> Iterator[Line]:
    revisions = history.revisions
    before = _before(history.answers)
    for answer in history.answers:
        metric = NAMES[Metric(answer.metric)]
        for old, new in pairwise(revisions.get(answer.response_id, ())):
            yield _changed(answer, old, new)
        told = f"{metric}: {answer.score}" if answer.score is not None else metric
        state = STATES.get(answer.state)
        previous = before.get(answer.response_id)
        movement = state or (_movement(answer, previous) if previous else "first answer")
        yield Line(answer.responded_at, f"Answered {told}", movement, answer.person, answer=answer)


def _before(given: Sequence[Shown]) -> dict[UUID, Shown]:
    """The previous counted answer of the same person and metric."""
    found: dict[UUID, Shown] = {}
    last: dict[tuple[str, str], Shown] = {}
    for answer in sorted(given, key=lambda one: (one.responded_at, str(one.response_id))):
        if answer.state == GIVEN:
            key = (answer.person, answer.metric)
            if key in last:
                found[answer.response_id] = last[key]
            last[key] = answer
    return found


def _movement(answer: Shown, previous: Shown) -> str:
    metric = Metric(answer.metric)
    was, now = (group_of(metric, one.score or 0).value for one in (previous, answer))
    if previous.score == answer.score:
        return f"{answer.score} before, too"
    return f"{previous.score} before" + (f": from {was} to {now}" if was != now else "")


def _changed(answer: Shown, old: Revision, new: Revision) -> Line:
    if old.score == new.score:
        what = "Said more" if old.comment is None else "Changed the words of an answer"
    else:
        what = f"Changed an answer from {_score(old.score)} to {_score(new.score)}"
    return Line(new.received_at, what, None, answer.person, response_id=answer.response_id)


def _score(score: int | None) -> str:
    return "no score" if score is None else str(score)


def _deed(deed: Deed) -> Line:
    words = {"destination": named(deed.destination or ""), "actor": named(deed.actor or "the product")}
    template = DEEDS.get(deed.kind)
    what = template.format_map(words) if template else named(deed.kind).capitalize()
    reason = _TARGETS.get(deed.reason or "", named(deed.reason)) if deed.reason else None
    reasons = (
        reason,
        f"cause: {named(deed.root_cause)}" if deed.root_cause else None,
        f"rule {named(deed.rule)}" if deed.rule else None,
    )
    return _line(deed.occurred_at, what, reasons, deed.person, deed.response_id)


def _correction(one: Corrected) -> Line:
    what = f"{named(one.field).capitalize()} put right"
    return _line(one.corrected_at, what, [", ".join(map(named, one.after))], one.person, one.response_id)


def _asked(one: Happening) -> Line:
    reminder = one.facts.get("reminder")
    metric = NAMES[Metric(str(one.facts["metric"]))]
    what = f"Reminder {reminder} decided on" if reminder else f"Survey for {metric} decided on"
    reasons = (str(one.facts["why"]), f"program {named(str(one.facts['program']))}")
    return _line(one.occurred_at, what, reasons, one.person)


def _cancelled(one: Happening) -> Line:
    reasons = (str(one.facts["reason"]), f"program {named(str(one.facts['program']))}")
    return _line(one.occurred_at, "Survey withdrawn", reasons, one.person)


def _step(one: Happening) -> Line:
    facts = one.facts
    reasons = (
        named(str(facts["reason"])) if facts.get("reason") else None,
        named(str(facts["channel"])),
        f"reminder {facts['reminder']}" if facts.get("reminder") else None,
    )
    return _line(one.occurred_at, STEPS[str(facts["step"])], reasons, one.person)


def _moment(one: Happening) -> Line:
    context = one.facts.get("context")
    told = [f"{named(name)}: {value}" for name, value in context.items()] if isinstance(context, dict) else []
    return _line(one.occurred_at, named(str(one.facts["moment"])).capitalize(), told, one.person)


def _planned(one: Happening) -> Line:
    what = f"Planned for {named(str(one.facts['destination']))}"
    response_id = (one.about or "").partition("response:")[2]
    reasons = [f"rule {named(str(one.facts['rule']))}"]
    return _line(one.occurred_at, what, reasons, one.person, UUID(response_id) if response_id else None)


TELLERS: Mapping[Kind, Callable[[Happening], Line]] = {
    Kind.ASKED: _asked,
    Kind.CANCELLED: _cancelled,
    Kind.STEP: _step,
    Kind.MOMENT: _moment,
    Kind.PLANNED: _planned,
}


def _line(
    at: datetime,
    what: str,
    reasons: Sequence[str | None],
    person: str | None,
    response_id: UUID | None = None,
) -> Line:
    return Line(at, sentence(what), "; ".join(filter(None, reasons)) or None, person, response_id=response_id)
