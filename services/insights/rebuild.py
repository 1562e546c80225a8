"""Makes the read model anew from the events of the past, and says where it now differs."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.sql import SQL, Identifier
from pyroaring import BitMap

from runtime.uncollected import uncollected
from services.insights import projection
from services.insights.image import publish_anew
from services.insights.intake import Batch, Said, sort_out
from services.insights.telling import Changes, tell_anew

BATCH = 2_000

_TABLES = (
    *("words", "answers", "corrections", "requests", "outcomes", "marks", "happenings", "follow_ups"),
    *("people", "accounts", "renewals", "mail_wishes", "reporting"),
)
_LOOKED_UP = ("people", "accounts", "answers", "requests", "corrections", "outcomes")
"""Without statistics of them, the server would read a whole table for each batch of people."""
_TOTALS_SQL = """
SELECT metric, dimension, value, total FROM marks JOIN (
    SELECT mark, count(*) AS total
    FROM (SELECT unnest(marks) FROM answers UNION ALL SELECT unnest(marks) FROM requests) AS carried (mark)
    GROUP BY mark
) AS counted USING (mark)
"""
_PEOPLE_SQL = "SELECT person FROM people WHERE merged_into IS NULL ORDER BY person"
_ZONE_SQL = "INSERT INTO reporting (time_zone) VALUES (%s)"

Total = tuple[str, str, str]
"""A metric's answers, or its requests; a dimension; a value."""


def rebuild(connection: Connection[Any], said: Iterable[Said], zone: ZoneInfo) -> int:
    """Forgets everything and takes the events in, in the caller's transaction; how many there were.

    Erasures come first. `said` is read in another thread: nothing else may use its connection meanwhile.
    The intake waits until the transaction ends, and readers see what was there before.
    """
    projection.work_alone(connection)
    # Not TRUNCATE: it would make readers wait as well.
    for table in _TABLES:
        connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
    connection.execute(_ZONE_SQL, (zone.key,))
    number = 0
    with closing(_read_ahead(said)) as batches:
        for size, batch in batches:
            with uncollected():
                projection.write(connection, batch)
            number += size
    for table in _LOOKED_UP:
        connection.execute(SQL("ANALYZE {}").format(Identifier(table)))
    people = [person for (person,) in connection.execute(_PEOPLE_SQL)]
    # No row had a mark before, so what flips is what they carry: reading that from the rows would keep pages
    # waiting for minutes.
    carrying: defaultdict[int, BitMap] = defaultdict(BitMap)
    for begin in range(0, len(people), BATCH):
        with uncollected():
            told = tell_anew(connection, Changes({*people[begin : begin + BATCH]}), zone)
        for mark, places in told.flips.items():
            carrying[mark] ^= BitMap(places)
    publish_anew(connection, carrying)
    return number


def _read_ahead(said: Iterable[Said]) -> Generator[tuple[int, Batch], None, None]:
    """How many events there are in each batch, and what they come down to.

    While one is written, which mostly is waiting for the server, the next is read in a thread of its own.
    """
    events = iter(said)

    def read() -> tuple[int, Batch]:
        batch = list(islice(events, BATCH))
        return len(batch), sort_out(batch)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        coming = reader.submit(read)
        while (batch := coming.result())[0]:
            coming = reader.submit(read)
            yield batch


def totals(connection: Connection[Any]) -> Counter[Total]:
    """How many answers and requests count under each value."""
    rows = connection.execute(_TOTALS_SQL)
    return Counter({(metric, dimension, value): total for metric, dimension, value, total in rows})


def differences(before: Counter[Total], after: Counter[Total]) -> dict[Total, int]:
    """By how much totals grew or shrank, where they did."""
    return {key: after[key] - before[key] for key in before | after if after[key] != before[key]}
