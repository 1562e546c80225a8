"""The scheduler's tables, read as a rehearsal needs them; only pausing writes."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from services.scheduler.intake import address_mark
from services.scheduler.planning import Life, places
from services.scheduler.rehearsal import Ready
from services.scheduler.rows import PEOPLE_AND_ACCOUNTS, PERSON_COLUMNS, person_of
from services.scheduler.store import work_of
from services.scheduler.triggers import Happening, Place

Connection = psycopg.Connection[Any]

_BATCH = 2_000

_READY = """
SELECT work.look_at, work.program, work.occasion, work.occurred_at, work.due_at, work.gives_up_at,
       work.moment, work.context::text AS context, work.traceparent, {columns}
FROM due_work AS work JOIN ({people}) ON people.person = work.person
WHERE work.state = 'pending' AND work.look_at < %(until)s
  AND md5(coalesce(people.account_id, work.person)) < %(below)s
ORDER BY work.look_at
"""
_READY_SQL = _READY.format(columns=PERSON_COLUMNS, people=PEOPLE_AND_ACCOUNTS)
_READY_COUNT_SQL = "SELECT count(*) FROM due_work WHERE state = 'pending' AND look_at < %(until)s"
_PEOPLE = "SELECT {columns} FROM {people} WHERE people.merged_into IS NULL"
_PEOPLE_SQL = _PEOPLE.format(columns=PERSON_COLUMNS, people=PEOPLE_AND_ACCOUNTS)
_HAPPENINGS_SQL = """
SELECT lifecycle_id, moment, occurred_at, person, account_id, context FROM lifecycle_events
WHERE NOT retracted ORDER BY occurred_at, lifecycle_id
"""
_CONTACTS_SQL = """
SELECT person, max(at) FROM (
    SELECT person, contacted_at AS at FROM requests WHERE released_at IS NULL AND contacted_at < %(since)s
    UNION ALL SELECT person, answered_at FROM answers WHERE counts AND answered_at < %(since)s
) AS contact GROUP BY person
"""
_KEY_SQL = """
SELECT coalesce(merged_into, person) FROM people WHERE person = %(key)s OR address_mark = %(address)s
ORDER BY person <> %(key)s LIMIT 1
"""
_PAUSE_SQL = "INSERT INTO paused_programs (program, paused_at) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_RESUME_SQL = "DELETE FROM paused_programs WHERE program = %s"
# What the pause held back is looked at again, as far as it is in time; hours and caps hold as ever.
_LOOK_AGAIN_SQL = """
UPDATE due_work SET state = 'pending', look_at = due_at
WHERE program = %s AND state = 'skipped' AND gives_up_at > %s
"""


def count_ready(connection: Connection, until: datetime) -> int:
    """How much work is looked at before a time."""
    row = connection.execute(_READY_COUNT_SQL, {"until": until}).fetchone()
    return int(row[0]) if row else 0


def ready(connection: Connection, until: datetime, *, one_in: int = 1) -> Iterator[Ready]:
    """The work that is looked at before a time, in its order; of one in so many accounts, always the same.

    Of an account all people or none, as their number limits how many are asked at once. Who belongs to none
    stands for themselves.
    """
    below = "g" if one_in == 1 else f"{16**8 // one_in:08x}"
    with connection.cursor(name="ready", row_factory=dict_row) as cursor:
        cursor.itersize = _BATCH
        cursor.execute(_READY_SQL, {"until": until, "below": below})
        for row in cursor:
            yield Ready(row["look_at"], work_of(row), person_of(row))


def lives(connection: Connection, since: datetime) -> Iterator[Life]:
    """Everybody's life as it is recorded, with the fatigue clocks as they stood at a time."""
    happened: dict[Place, list[Happening]] = defaultdict(list)
    for row in connection.execute(_HAPPENINGS_SQL):
        one = Happening(*row)
        happened[one.place].append(one)
    contacts: dict[str, datetime] = dict(connection.execute(_CONTACTS_SQL, {"since": since}).fetchall())
    with connection.cursor(name="people", row_factory=dict_row) as cursor:
        cursor.itersize = _BATCH
        cursor.execute(_PEOPLE_SQL)
        for row in cursor:
            person = person_of(row | {"last_contact_at": contacts.get(row["person"])})
            yield Life(person, [one for place in places(person) for one in happened.get(place, ())])


def standing_key(connection: Connection, key: str, email: str | None = None) -> str:
    """The key under which a person is known: another one after a merge, or where the address is theirs."""
    row = connection.execute(_KEY_SQL, {"key": key, "address": address_mark(email)}).fetchone()
    return str(row[0]) if row else key


def pause(connection: Connection, program: str, now: datetime) -> bool:
    """Stops a program; says whether it was running."""
    return connection.execute(_PAUSE_SQL, (program, now)).rowcount > 0


def resume(connection: Connection, program: str, now: datetime) -> int | None:
    """Lets a program go on; returns how much work is looked at again, None where it was not paused."""
    if not connection.execute(_RESUME_SQL, (program,)).rowcount:
        return None
    return connection.execute(_LOOK_AGAIN_SQL, (program, now)).rowcount
