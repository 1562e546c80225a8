"""Reads, and locks, what was asked so far as far as it can keep somebody from being asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from services.scheduler.facts import Person, Waiting
from services.scheduler.programs import Programs
from services.scheduler.rounds import Books, Work

_LIMITS = 0x5C4EE
_LOCK_LIMITS_SQL = "SELECT pg_advisory_xact_lock(%s)"
_LOCK_ACCOUNTS_SQL = """
SELECT account_id FROM accounts WHERE account_id = ANY(%s) ORDER BY account_id FOR NO KEY UPDATE SKIP LOCKED
"""
_COUNTS_SQL = "SELECT day, program, segment, asked FROM asked_counts WHERE day >= %s AND day <= %s"
_ASKED_BY_SQL = "SELECT DISTINCT person, program FROM requests WHERE person = ANY(%s) AND released_at IS NULL"
_ACCOUNT_ASKED_SQL = """
SELECT account_id, contacted_at FROM requests
WHERE account_id = ANY(%s) AND contacted_at > %s AND released_at IS NULL
"""
_WAITING_SQL = (
    "SELECT person, program, due_at, gives_up_at FROM due_work WHERE person = ANY(%s) AND state = 'pending'"
)
_PAUSED_SQL = "SELECT program, paused_at FROM paused_programs"


def leave_locked_accounts(
    connection: Connection[Any], works: Sequence[Work], people: Mapping[str, Person], programs: Programs
) -> list[Work]:
    """The work that can be decided now: not of accounts that another scheduler decides about.

    Without a limit on accounts that is all of it.
    """
    if programs.fatigue.per_account is None:
        return list(works)
    ids = {account for person in people.values() if (account := person.account_id) is not None}
    locked = {account for (account,) in connection.execute(_LOCK_ACCOUNTS_SQL, (list(ids),))}
    free = locked | {None}
    return [work for work in works if people[work.person].account_id in free]


def open_books(
    connection: Connection[Any],
    people: Mapping[str, Person],
    programs: Programs,
    now: datetime,
    *,
    reads_only: bool = False,
) -> Books:
    """What the gates need to know about these people and about everybody.

    With caps or quotas schedulers decide one after the other from here to the end of the transaction. Nobody
    who holds that lock waits for another, as people and accounts are locked before and without waiting.
    A rehearsal only reads, and takes no lock.
    """
    if programs.has_limits and not reads_only:
        connection.execute(_LOCK_LIMITS_SQL, (_LIMITS,))
    books = Books(day=now.date(), paused=paused(connection))
    keys = list(people)
    if programs.has_limits:
        _count(connection, books, now)
    if any(program.gap is not None for program in programs.programs):
        for person, program in connection.execute(_ASKED_BY_SQL, (keys,)):
            books.asked_by[person].add(program)
    if programs.fatigue.per_account is not None:
        within = timedelta(days=programs.fatigue.per_account.within_days)
        ids = list({person.account_id for person in people.values()})
        for account, at in connection.execute(_ACCOUNT_ASKED_SQL, (ids, now - within)):
            books.account_asked_at[account].append(at)
    if programs.has_priorities:
        for person, name, due_at, gives_up_at in connection.execute(_WAITING_SQL, (keys,)):
            program = programs.get(name)
            if program is not None:
                books.waiting[person].append(Waiting(name, program.priority, due_at, gives_up_at))
    return books


def paused(connection: Connection[Any]) -> dict[str, datetime]:
    """The programs that are paused, and since when."""
    return dict(connection.execute(_PAUSED_SQL).fetchall())


def _count(connection: Connection[Any], books: Books, now: datetime) -> None:
    today = now.date()
    for day, program, segment, asked in connection.execute(_COUNTS_SQL, (today.replace(day=1), today)):
        books.asked_this_month[program, segment] += asked
        if day == today:
            books.asked_today[program] += asked
