"""A person or an account with all that is known of what happened to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from services.insights import answers, happening_store, revisions
from services.insights.answers import Shown
from services.insights.happening import Happening
from services.insights.revisions import Revision

MOST_LINES = 1_000
"""Of each kind of what happened; what is older is left out."""
MOST_MEMBERS = 500

_PERSON_SQL: LiteralString = """
SELECT winner.person, coalesce(winner.name, said.name) AS name, coalesce(winner.email, said.email) AS email,
       coalesce(winner.account_id, said.account_id) AS account_id, accounts.name AS account_name,
       coalesce(winner.segment, accounts.segment) AS segment, winner.cohort, winner.role,
       coalesce(winner.stage, accounts.stage) AS stage, winner.products
FROM people JOIN people AS winner ON winner.person = coalesce(people.merged_into, people.person)
LEFT JOIN LATERAL (
    SELECT account_id, words.name, words.email FROM answers LEFT JOIN words USING (response_id)
    WHERE answers.person = winner.person ORDER BY responded_at DESC LIMIT 1
) AS said ON true
LEFT JOIN accounts ON accounts.account_id = coalesce(winner.account_id, said.account_id)
WHERE people.person = %s
"""
_ACCOUNT_SQL: LiteralString = """
SELECT account_id, name, owner, csm, segment, stage, arr, currency, renewal_date, health FROM accounts
WHERE account_id = %s
"""
_MEMBERS_SQL: LiteralString = """
SELECT people.person, coalesce(people.name, latest.name) AS name, people.role, latest.metric, latest.score,
       latest.responded_at
FROM people LEFT JOIN LATERAL (
    SELECT metric, score, responded_at, words.name FROM answers LEFT JOIN words USING (response_id)
    WHERE answers.person = people.person AND state = 'given' ORDER BY responded_at DESC LIMIT 1
) AS latest ON true
WHERE people.merged_into IS NULL AND people.person IN (
    SELECT person FROM people WHERE account_id = %(account)s
    UNION SELECT answers.person FROM answers JOIN people USING (person)
    WHERE answers.account_id = %(account)s AND people.account_id IS NULL
)
ORDER BY latest.responded_at DESC NULLS LAST, people.person LIMIT %(limit)s
"""
_DEEDS_SQL: LiteralString = """
SELECT person, kind, occurred_at, subject, response_id, rule, action, destination, actor, reason, root_cause
FROM outcomes WHERE person = ANY(%s) AND kind <> 'planned' ORDER BY occurred_at DESC, outcome_id LIMIT %s
"""
_DEEDS_ABOUT_SQL: LiteralString = """
SELECT person, kind, occurred_at, subject, response_id, rule, action, destination, actor, reason, root_cause
FROM outcomes
WHERE response_id = ANY(%(answers)s)
  AND person IN (SELECT person FROM answers WHERE response_id = ANY(%(answers)s))
"""
_CORRECTED_SQL: LiteralString = """
SELECT response_id, person, field, corrected_at, after FROM corrections WHERE person = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Who they are today."""

    person: str
    name: str | None
    email: str | None
    account_id: str | None
    account_name: str | None
    segment: str | None
    cohort: str | None
    role: str | None
    stage: str | None
    products: Sequence[str]


@dataclass(frozen=True, slots=True)
class Account:
    """What the company's books say of it today."""

    account_id: str
    name: str | None
    owner: str | None
    csm: str | None
    segment: str | None
    stage: str | None
    arr: float | None
    currency: str | None
    renewal_date: date | None
    health: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of an account, with their latest counted answer."""

    person: str
    name: str | None
    role: str | None
    metric: str | None
    score: int | None
    responded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Deed:
    """What was delivered, or done by somebody, about an answer or a request."""

    person: str
    kind: str
    occurred_at: datetime
    subject: str
    response_id: UUID | None
    rule: str | None
    action: str | None
    destination: str | None
    actor: str | None
    reason: str | None
    root_cause: str | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What somebody put right in an answer."""

    response_id: UUID
    person: str
    field: str
    corrected_at: datetime
    after: Sequence[str]


@dataclass(frozen=True, slots=True)
class History:
    """All that happened to some people, and to an account as a whole."""

    answers: Sequence[Shown] = ()
    revisions: Mapping[UUID, Sequence[Revision]] = field(default_factory=dict)
    deeds: Sequence[Deed] = ()
    happenings: Sequence[Happening] = ()
    corrections: Sequence[Corrected] = ()


def person(connection: Connection[Any], key: str) -> Person | None:
    """Somebody, also under a key that was folded into another; None: nobody of that key was heard of."""
    return connection.cursor(row_factory=class_row(Person)).execute(_PERSON_SQL, (key,)).fetchone()


def account(connection: Connection[Any], account_id: str) -> Account | None:
    """An account; None: there is none of that id."""
    return connection.cursor(row_factory=class_row(Account)).execute(_ACCOUNT_SQL, (account_id,)).fetchone()


def members(connection: Connection[Any], account_id: str) -> list[Member]:
    """The people of an account, who answered last first."""
    cursor = connection.cursor(row_factory=class_row(Member))
    return cursor.execute(_MEMBERS_SQL, {"account": account_id, "limit": MOST_MEMBERS}).fetchall()


def deeds_about(connection: Connection[Any], response_ids: Sequence[UUID]) -> dict[UUID, list[Deed]]:
    """What was delivered and done about each of these answers."""
    cursor = connection.cursor(row_factory=class_row(Deed))
    found: dict[UUID, list[Deed]] = {}
    for deed in cursor.execute(_DEEDS_ABOUT_SQL, {"answers": list(response_ids)}):
        if deed.response_id is not None:
            found.setdefault(deed.response_id, []).append(deed)
    return found


def history(connection: Connection[Any], persons: Sequence[str], account_id: str | None = None) -> History:
    """What happened to people; also to their account as a whole, where it is named."""
    given = answers.of_people(connection, persons)
    deeds = connection.cursor(row_factory=class_row(Deed))
    corrected = connection.cursor(row_factory=class_row(Corrected))
    return History(
        given,
        revisions.of(connection, [one.response_id for one in given]),
        deeds.execute(_DEEDS_SQL, (list(persons), MOST_LINES)).fetchall(),
        happening_store.of(connection, persons, account_id, MOST_LINES),
        corrected.execute(_CORRECTED_SQL, (list(persons),)).fetchall(),
    )
