"""Decides a batch of due work: whom to ask now, and what to say to whoever asks why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from schemas.event import NAMESPACE, derived_id
from schemas.requests import SurveyRequested
from services.scheduler.eligibility import Decision, Outcome, eligibility
from services.scheduler.facts import Facts, Occasion, Person
from services.scheduler.programs import Program, Programs

PROGRAM_REMOVED = "program_removed"


@dataclass(frozen=True, slots=True)
class Work:
    """One occasion that a program wants to ask a person about."""

    program: str
    occasion: Occasion
    person: str
    due_at: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """Due work with its decision; the request where the person is asked."""

    work: Work
    decision: Decision
    request: SurveyRequested | None = None


def decide(
    works: Iterable[Work], people: Mapping[str, Person], programs: Programs, now: datetime
) -> list[Decided]:
    """Decides each piece of due work in turn; somebody asked by one is seen as asked by the next."""
    known = dict(people)
    decided = []
    for work in works:
        person = known[work.person]
        done = _decide_one(work, person, programs, now)
        if done.request is not None:
            known[work.person] = replace(person, last_contact_at=now)
        decided.append(done)
    return decided


def _decide_one(work: Work, person: Person, programs: Programs, now: datetime) -> Decided:
    program = programs.get(work.program)
    if program is None:
        return Decided(work, Decision(Outcome.SKIPPED, PROGRAM_REMOVED, {"program": work.program}))
    decision = eligibility(Facts(person, work.occasion, programs.fatigue.gap), program, now)
    if decision.outcome is not Outcome.ASKED:
        return Decided(work, decision)
    return Decided(work, decision, survey_request(program, person, work.occasion, now))


def request_id(program_id: str, person_key: str, occasion_id: UUID) -> UUID:
    """The same for ever: whoever decides again about the same occasion asks with the same id."""
    return derived_id(NAMESPACE, "survey_request", program_id, person_key, occasion_id)


def survey_request(program: Program, person: Person, occasion: Occasion, now: datetime) -> SurveyRequested:
    """What the person is to be asked, on the first channel of the program that reaches them."""
    reachable = person.channels - person.bounced
    return SurveyRequested(
        request_id=request_id(program.id, person.key, occasion.id),
        version=1,
        person_key=person.key,
        account_id=person.account_id,
        program=program.id,
        metric=program.metric,
        channel=next(channel for channel in program.channels if channel in reachable),
        question=program.survey.question,
        follow_up_question=program.survey.follow_up_question,
        why_we_ask=program.survey.why_we_ask,
        language=person.language,
        requested_at=now,
        expires_at=program.gives_up_at(occasion.occurred_at),
        closes_at=program.closes_at(now),
        context=dict(occasion.context),
    )
