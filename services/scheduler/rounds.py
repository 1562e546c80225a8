"""Decides a batch of due work: whom to ask now, and what to say to whoever asks why. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from schemas.event import NAMESPACE, derived_id
from schemas.requests import SurveyRequested
from services.scheduler.audience import Known
from services.scheduler.course import Asked, next_step
from services.scheduler.eligibility import Decision, Outcome, eligibility
from services.scheduler.facts import Around, Facts, Occasion, Person, Waiting
from services.scheduler.planning import Planned, following
from services.scheduler.program import Program
from services.scheduler.programs import Programs

PROGRAM_REMOVED = "program_removed"


@dataclass(frozen=True, slots=True)
class Work:
    """One occasion that a program wants to ask a person about."""

    program: str
    occasion: Occasion
    person: str
    due_at: datetime
    gives_up_at: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """Due work with its decision; the request where the person is asked, the next turn where there is one."""

    work: Work
    decision: Decision
    request: SurveyRequested | None = None
    next_step_at: datetime | None = None
    """When the request goes on to another channel or is repeated, should nothing be heard of it."""
    next_turn: Planned | None = None


@dataclass(slots=True)
class Books:
    """What was asked so far, kept up while a batch is decided."""

    day: date | None = None
    weight: int = 1
    """For how many people each one asked stands, where only a sample is looked at."""
    asked_today: Counter[str] = field(default_factory=Counter)
    """By program."""
    asked_this_month: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By program and segment."""
    asked_by: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By person, the programs."""
    account_asked_at: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    waiting: dict[str, list[Waiting]] = field(default_factory=lambda: defaultdict(list))
    """By person, everything that is planned."""
    paused: dict[str, datetime] = field(default_factory=dict)
    """Programs, and since when."""

    def around(self, program: str, person: Person) -> Around:
        """What is written here that concerns one person and program."""
        return Around(
            asked_by=frozenset(self.asked_by[person.key]) if person.key in self.asked_by else frozenset(),
            waiting=tuple(self.waiting[person.key]) if person.key in self.waiting else (),
            account_asked_at=tuple(self.account_asked_at.get(person.account_id or "", ())),
            day=self.day,
            asked_today=self.asked_today.total(),
            asked_today_by_program=self.asked_today[program],
            asked_this_month_of_segment=self.asked_this_month[program, person.segment or ""],
            paused_at=self.paused.get(program),
        )

    def plan(self, work: Work, programs: Programs) -> None:
        """Something is planned for somebody."""
        program = programs.get(work.program)
        if program is not None and programs.has_priorities:
            other = Waiting(work.program, program.priority, work.due_at, work.gives_up_at)
            self.waiting[work.person].append(other)

    def unplan(self, work: Work) -> None:
        """It is decided."""
        theirs = self.waiting.get(work.person, [])
        theirs[:] = [one for one in theirs if (one.program, one.due_at) != (work.program, work.due_at)]

    def write(self, program: str, person: Person, now: datetime) -> None:
        """Somebody was asked."""
        self.turn_to(now.date())
        self.asked_today[program] += self.weight
        self.asked_this_month[program, person.segment or ""] += self.weight
        self.asked_by[person.key].add(program)
        if person.account_id is not None:
            self.account_asked_at[person.account_id].append(now)

    def turn_to(self, day: date) -> None:
        """Begins a day, and a month, with nobody asked."""
        if self.day is not None and day > self.day:
            self.asked_today.clear()
            if (day.year, day.month) != (self.day.year, self.day.month):
                self.asked_this_month.clear()
        self.day = day if self.day is None else max(self.day, day)


def decide(
    works: Iterable[Work], people: Mapping[str, Person], books: Books, programs: Programs, now: datetime
) -> list[Decided]:
    """Decides due work, the highest priority first; somebody asked by one is seen as asked by the next."""
    known = dict(people)
    decided = []
    for work in sorted(works, key=lambda work: (-_priority(work, programs), work.due_at)):
        person = known[work.person]
        done = decide_one(work, person, books, programs, now)
        if done.request is not None:
            known[work.person] = replace(person, last_contact_at=now)
            books.write(work.program, person, now)
        decided.append(done)
    return decided


def decide_one(work: Work, person: Person, books: Books, programs: Programs, now: datetime) -> Decided:
    """Decides one piece of due work."""
    program = programs.get(work.program)
    if program is None:
        return Decided(work, Decision(Outcome.SKIPPED, PROGRAM_REMOVED, {"program": work.program}))
    terms = programs.terms(program, person, Known(person, now))
    around = books.around(program.id, person)
    decision = eligibility(Facts(person, work.occasion, terms, around), program, now)
    if decision.outcome is Outcome.POSTPONED:
        return Decided(work, decision)
    plan = Planned(program.id, work.occasion, person.key, work.due_at, work.gives_up_at)
    turn = following(program, person, programs, plan)
    if decision.outcome is Outcome.SKIPPED:
        return Decided(work, decision, next_turn=turn)
    request = survey_request(program, person, work.occasion, now)
    step = next_step(Asked(request, now), program, person, terms, now)
    return Decided(work, decision, request, step.at, turn)


def request_id(program_id: str, person_key: str, occasion_id: UUID) -> UUID:
    """The same for ever: whoever decides again about the same occasion asks with the same id."""
    return derived_id(NAMESPACE, "survey_request", program_id, person_key, occasion_id)


def survey_request(program: Program, person: Person, occasion: Occasion, now: datetime) -> SurveyRequested:
    """What the person is to be asked, on the first channel of the program that reaches them."""
    reachable = person.channels - person.bounced
    language, texts = program.survey.spoken(person.language)
    return SurveyRequested(
        request_id=request_id(program.id, person.key, occasion.id),
        version=1,
        person_key=person.key,
        account_id=person.account_id,
        program=program.id,
        metric=program.metric,
        channel=next(channel for channel in program.channels if channel in reachable),
        question=texts.question,
        follow_up_question=texts.follow_up_question,
        why_we_ask=texts.why_we_ask,
        language=language,
        requested_at=now,
        expires_at=program.gives_up_at(program.due_at(occasion.occurred_at, person.key)),
        closes_at=program.closes_at(now),
        context=dict(occasion.context),
    )


def _priority(work: Work, programs: Programs) -> int:
    program = programs.get(work.program)
    return program.priority if program else 0
