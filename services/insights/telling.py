"""What the answers and requests of people count as, told anew from all that is known of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection

from services.insights import bitmaps, closed_loop_store
from services.insights.bitmaps import Counted
from services.insights.standing import (
    BETWEEN,
    NO_CARE,
    Account,
    Answer,
    Asked,
    Correction,
    Person,
    Standing,
    Turn,
    answers_request,
    asked_about,
    asked_standing,
    counts,
    in_turn,
    standing,
)

_FORGET_SQL: Mapping[str, LiteralString] = {
    "answers": "DELETE FROM answers WHERE response_id = ANY(%(answers)s)",
    "corrections": """
        DELETE FROM corrections USING people WHERE corrections.person = ANY(%(persons)s)
        AND people.person = corrections.person
        AND (corrected_at <= people.forgotten_at OR response_id = ANY(%(answers)s))
    """,
    "requests": "DELETE FROM requests WHERE request_id = ANY(%(requests)s)",
    "outcomes": """
        DELETE FROM outcomes USING people WHERE outcomes.person = ANY(%(persons)s)
        AND people.person = outcomes.person
        AND (occurred_at <= people.forgotten_at OR response_id = ANY(%(answers)s))
    """,
    "happenings": """
        DELETE FROM happenings USING people WHERE happenings.person = ANY(%(persons)s)
        AND people.person = happenings.person AND known_at <= people.forgotten_at
    """,
    "follow_ups": """
        DELETE FROM follow_ups USING people WHERE follow_ups.person = ANY(%(persons)s)
        AND people.person = follow_ups.person AND opened_at <= people.forgotten_at
    """,
    "announced": """
        DELETE FROM announced USING people AS told JOIN people
        ON people.person = coalesce(told.merged_into, told.person)
        WHERE (told.person = ANY(%(persons)s) OR told.merged_into = ANY(%(persons)s))
        AND told.person = announced.person AND announced_at <= people.forgotten_at
    """,
}
_PEOPLE_SQL = """
SELECT person, account_id, segment, cohort, role, stage, products, internal, lost_since, wishes,
       forgotten_at IS NOT NULL
FROM people WHERE person = ANY(%b)
"""
_OF_PEOPLE_SQL = """
SELECT answers.person, marks, place,
       response_id, state, metric, score, responded_at,
       coalesce(received_at <= people.forgotten_at, false),
       answers.account_id, comment_revision, program, channel, source, request_id, product,
       sentiment, themes, functions
FROM answers JOIN people ON people.person = answers.person
WHERE answers.person = ANY(%b)
"""
_ASKED_SQL = """
SELECT requests.person, requests.metric, marks, place,
       request_id, program, channel, sent_at, closes_at,
       coalesce(coalesce(requested_at, sent_at, cancelled_at) <= people.forgotten_at, false)
FROM requests JOIN people ON people.person = requests.person
WHERE requests.person = ANY(%b)
"""
_CORRECTED_SQL = "SELECT response_id, field, revision, after FROM corrections WHERE response_id = ANY(%b)"
_BETWEEN_SQL = "SELECT mark, metric, dimension, value FROM marks WHERE dimension = ANY(%s)"
_ACCOUNTS_SQL = (
    "SELECT account_id, owner, segment, stage, lost_since FROM accounts WHERE account_id = ANY(%b)"
)


class Changes(NamedTuple):
    """Whom and what to tell anew."""

    people: Collection[str]
    """With all that they answered."""
    others: Collection[str] = ()
    """With what changed of that, and with what stands beside it now or did before."""
    answers: Collection[UUID] = ()
    """What changed of it."""


class Told(NamedTuple):
    """What telling anew changed."""

    moved: int
    """Answers that count differently from before."""
    flips: Mapping[int, Sequence[int]]
    """The places that each mark got or lost."""
    removed: Mapping[str, int]
    """Records deleted, by table; empty where nobody had been forgotten."""


def tell_anew(connection: Connection[Any], changes: Changes, zone: ZoneInfo) -> Told:
    """Makes what these people's answers and requests count as follow from the facts.

    What was received before its person was forgotten is deleted.
    """
    persons = sorted({*changes.people, *changes.others})
    if not persons:
        return Told(0, {}, {})
    known = _known(connection, persons)
    moved, flips = bitmaps.settle(connection, _counted_answers(connection, known, changes, zone))
    requests = known.counted_requests(zone)
    flips = {**flips, **bitmaps.settle(connection, requests, bitmaps.REQUESTS).flips}
    gone = [one.response_id for given in known.answers.values() for one in given if one.is_forgotten]
    unasked = [one.request_id for asked in known.asked.values() for one in asked if one.is_forgotten]
    if not (gone or unasked or known.is_anybody_erased):
        return Told(moved, flips, {})
    values = {"answers": gone, "requests": unasked, "persons": persons}
    removed = {table: connection.execute(sql, values).rowcount for table, sql in _FORGET_SQL.items()}
    return Told(moved, flips, removed)


@dataclass(slots=True)
class _Known:
    """What is known of people, their answers and requests."""

    people: dict[str, Person] = field(default_factory=dict)
    is_anybody_erased: bool = False
    answers: defaultdict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    asked: defaultdict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    metrics: dict[UUID, str | None] = field(default_factory=dict)
    """Of requests."""
    so_far: dict[UUID, tuple[int, Sequence[int]]] = field(default_factory=dict)
    """Place and marks of each answer and request."""
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def turns(self) -> Iterator[tuple[str, Turn]]:
        """Whose the answers are that count, each between its neighbours."""
        for person, given in self.answers.items():
            for turn in in_turn(given, self.people[person]):
                yield person, turn

    def counted(
        self, one: UUID, population: str, standing: Standing | None, has: frozenset[int] | None = None
    ) -> Counted:
        """An answer or a request, as what it counted and counts."""
        place, had = self.so_far[one]
        return Counted(one, population, place, frozenset(had), standing, has)

    def uncounted_answers(self) -> list[Counted]:
        """The answers that count for nothing."""
        return [
            self.counted(one.response_id, one.metric, None)
            for person, given in self.answers.items()
            for one in given
            if not counts(one, self.people[person])
        ]

    def counted_requests(self, zone: ZoneInfo) -> list[Counted]:
        """The requests, as what they counted and count."""
        counted = []
        for person, asked in self.asked.items():
            answered = {one.request_id for one in self.answers[person] if answers_request(one)}
            for one in asked:
                now = asked_standing(
                    self.people[person], self.accounts, one, zone, is_answered=one.request_id in answered
                )
                metric = self.metrics[one.request_id]
                if metric is not None:
                    counted.append(self.counted(one.request_id, asked_about(metric), now))
        return counted


class _Between:
    """Which marks answers have of their neighbours."""

    def __init__(self, connection: Connection[Any]) -> None:
        rows = connection.execute(_BETWEEN_SQL, ([one.value for one in BETWEEN],))
        self._numbers = {(metric, *mark): number for number, metric, *mark in rows}
        self._all = frozenset(self._numbers.values())
        self._of: dict[tuple[str, tuple[str, str, str]], frozenset[int] | None] = {}

    def of(self, turn: Turn) -> frozenset[int] | None:
        """The marks that its neighbours give an answer; None where one of them is new."""
        key = turn.answer.metric, turn.values()
        if key not in self._of:
            metric, values = key
            numbers = [self._numbers.get((metric, *mark)) for mark in zip(BETWEEN, values, strict=True)]
            known = frozenset(number for number in numbers if number is not None)
            self._of[key] = known if len(known) == len(BETWEEN) else None
        return self._of[key]

    def instead(self, had: Sequence[int], marks: frozenset[int]) -> frozenset[int]:
        """All marks of an answer that has other neighbours now, and is itself as it was."""
        return marks.union(had) - (self._all - marks)


def _counted_answers(
    connection: Connection[Any], known: _Known, changes: Changes, zone: ZoneInfo
) -> list[Counted]:
    """The answers that may count differently now, as what they counted and count.

    Those that changed are told anew as a whole. Of others, what stands beside them may have changed.
    """
    between = _Between(connection)
    counted = known.uncounted_answers()
    turns = []
    for person, turn in known.turns():
        answer = turn.answer
        _, had = known.so_far[answer.response_id]
        beside = between.of(turn)
        if not had or beside is None or person in changes.people or answer.response_id in changes.answers:
            turns.append((person, turn))
        elif not beside.issubset(had):
            has = between.instead(had, beside)
            counted.append(known.counted(answer.response_id, answer.metric, None, has))
    ids = [turn.answer.response_id for _, turn in turns]
    corrections = _corrections(connection, ids)
    care = closed_loop_store.care(connection, sorted({person for person, _ in turns}))
    for person, turn in turns:
        response_id = turn.answer.response_id
        now = standing(
            turn,
            known.people[person],
            known.accounts,
            corrections.get(response_id, ()),
            care.get(response_id, NO_CARE),
            zone=zone,
        )
        counted.append(known.counted(response_id, turn.answer.metric, now))
    return counted


def _known(connection: Connection[Any], persons: list[str]) -> _Known:
    known = _Known()
    for person, *facts, is_erased in _rows(connection, _PEOPLE_SQL, persons):
        known.people[person] = Person(*facts)
        known.is_anybody_erased |= is_erased
    for person, marks, place, *columns in _rows(connection, _OF_PEOPLE_SQL, persons):
        answer = Answer._make(columns)
        known.answers[person].append(answer)
        known.so_far[answer.response_id] = (place, marks)
    for person, metric, marks, place, *columns in _rows(connection, _ASKED_SQL, persons):
        asked = Asked(*columns)
        known.asked[person].append(asked)
        known.metrics[asked.request_id] = metric
        known.so_far[asked.request_id] = (place, marks)
    known.accounts = _accounts(connection, known.people.values(), known.answers.values())
    return known


def _rows(connection: Connection[Any], statement: LiteralString, persons: list[str]) -> list[Any]:
    # All at once: read one by one, each row would cost twice as much.
    return connection.execute(statement, (persons,), binary=True).fetchall()


def _corrections(connection: Connection[Any], answers: list[UUID]) -> Mapping[UUID, Sequence[Correction]]:
    found: defaultdict[UUID, list[Correction]] = defaultdict(list)
    for response_id, *correction in connection.execute(_CORRECTED_SQL, (answers,)):
        found[response_id].append(Correction(*correction))
    return found


def _accounts(
    connection: Connection[Any], persons: Iterable[Person], answers: Iterable[Iterable[Answer]]
) -> dict[str, Account]:
    named = {person.account_id for person in persons}
    named.update(answer.account_id for given in answers for answer in given)
    named.discard(None)
    rows = connection.execute(_ACCOUNTS_SQL, (sorted(filter(None, named)),))
    return {account_id: Account(*facts) for account_id, *facts in rows}
