"""How long a page's figures take over all answers, while more of them come in.

A history of people with ten answers each is taken in from nothing, as a rebuild does; beyond 250,000 answers
it is copied until there are enough. Events are read from JSON, as from the archive or a topic; making that is
not timed. Then all is read into memory, and pages of more than two hundred distinct
filters are counted while the intake takes in events, beside a plain count of the same table. A page is its
headline, trend, distribution, a breakdown, themes and movement. Run with `make bench NAME=insights`.
"""

import argparse
import gc
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from statistics import median, quantiles
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.sql import SQL, Identifier

from bench import report
from bench.scratch import SERVER, scratch_database
from runtime.migrations import migrate
from runtime.postgres import conninfo, open_pool
from runtime.uncollected import uncollected
from sandbox.embedded_postgres import EmbeddedPostgres
from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified, TagSource, ThemeTag
from schemas.profiles import ProfileChanged
from schemas.responses import Order, ResponseRecorded, response_id
from schemas.scales import SCALES, Metric, group_of
from services.insights import figures, projection
from services.insights.app import SERVICE
from services.insights.counting import Counting
from services.insights.figures import Step
from services.insights.filters import Dimension, Filter, Rolling
from services.insights.image import Images, publish_anew
from services.insights.intake import READ, Published, Said, sort_out
from services.insights.rebuild import rebuild

BATCH = 2_000
"""Events the service takes in at once."""
A_PERSON = 10
TEMPLATE = 250_000
"""Answers that are taken in as events; more are copies of them."""
YEARS = 3
TODAY = date(2026, 11, 1)
BEGAN = TODAY - timedelta(days=365 * YEARS)
ZONE = ZoneInfo("Europe/Berlin")
VALUES = {
    Dimension.SEGMENT: ("enterprise", "midmarket", "smb", ""),
    Dimension.COHORT: ("annual", "quarterly", "monthly"),
    Dimension.ROLE: ("key_contact", "end_user", "buyer"),
    Dimension.STAGE: ("new_customer", "renewal", "advocate", "prospect", "lost"),
    Dimension.OWNER: tuple(f"owner{number}@ours.test" for number in range(40)),
    Dimension.PROGRAM: ("relationship", "onboarding", "support", "release"),
    Dimension.CHANNEL: ("email", "in_app", "web"),
    Dimension.THEME: tuple(f"theme {number}" for number in range(20)),
}
BREAKDOWNS = (Dimension.SEGMENT, Dimension.OWNER, Dimension.PROGRAM, Dimension.ROLE, Dimension.STAGE)
MOST_P95_SECONDS = 0.3
MOST_SECONDS = 1.0
LEAST_PROJECTED_PER_SECOND = 3_000
LEAST_REBUILT_PER_SECOND = 10_000
Connection = psycopg.Connection[Any]

_COPY_SQL = (
    """
    INSERT INTO people (person, version, account_id, segment, cohort, role, stage)
    SELECT person || ' ' || copy, version, account_id, segment, cohort, role, stage
    FROM people CROSS JOIN generate_series(1, %(copies)s - 1) AS copy
    """,
    """
    INSERT INTO answers (
        response_id, person, order_key, comment_digest, comment_revision, state, metric, score, responded_at,
        received_at, program, channel, source, themes, functions, sentiment, marks)
    SELECT gen_random_uuid(), person || ' ' || copy, order_key, comment_digest, comment_revision, state,
           metric, score, responded_at, received_at, program, channel, source, themes, functions, sentiment,
           marks
    FROM answers CROSS JOIN generate_series(1, %(copies)s - 1) AS copy
    """,
)


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=10_000_000)
    parser.add_argument("--pages", type=int, default=240)
    parser.add_argument("--events", type=int, default=40_000)
    given = parser.parse_args()
    with EmbeddedPostgres(settings=SERVER) as postgres, scratch_database(postgres.url) as url:
        migrate(url, SERVICE)
        return _measure(url, answers=given.answers, pages=given.pages, events=given.events)


def _measure(url: str, *, answers: int, pages: int, events: int) -> int:
    copies = -(-answers // TEMPLATE)
    template = answers // copies
    with _tables(url) as connection, open_pool(url, schema=SERVICE, application="bench") as pool:
        history = _written(_history(template, Random(3)))  # noqa: S311 - repeatable, no secret
        live = _written(islice(_events(template, Random(2)), events))  # noqa: S311 - as above
        gc.freeze()  # as a service does when it has started
        began = time.perf_counter()
        rebuilt = rebuild(connection, _read(history), ZONE)
        rebuilt_per_second = rebuilt / (time.perf_counter() - began)
        connection.commit()
        _copy(connection, copies)
        images, began = Images(pool), time.perf_counter()
        images.newest()
        read_seconds = time.perf_counter() - began
        stop = threading.Event()
        taken: list[int] = []
        intake = threading.Thread(target=_take_in, args=(url, template, stop, taken))
        intake.start()
        began = time.perf_counter()
        try:
            seconds = [_page(images, wanted) for wanted in _filters(pages)]
        finally:
            taken_in_seconds = time.perf_counter() - began
            stop.set()
            intake.join()
        count_seconds = _timed_count(connection)
        projected = _rate(connection, _read(live))
    return report.publish(
        "insights",
        figures={
            "p95_seconds": quantiles(seconds, n=20)[-1],
            "heaviest_seconds": max(seconds),
            "median_seconds": median(seconds),
            "count_seconds": count_seconds,
            "read_seconds": read_seconds,
            "project_per_second": projected,
            "taken_in_meanwhile_per_second": sum(taken) / taken_in_seconds,
            "rebuild_per_second": rebuilt_per_second,
        },
        scale={"answers": template * copies, "pages": pages, "people": template * copies // A_PERSON},
        reference="SELECT count(*) over the same answers (count_seconds)",
        packages=("psycopg", "pydantic", "pyroaring"),
        at_most={"p95_seconds": MOST_P95_SECONDS, "heaviest_seconds": MOST_SECONDS},
        at_least={
            "project_per_second": LEAST_PROJECTED_PER_SECOND,
            "rebuild_per_second": LEAST_REBUILT_PER_SECOND,
        },
    )


def _written(events: Iterable[Said]) -> list[tuple[type[Published], bytes]]:
    return [(type(event), event.model_dump_json().encode()) for event in events if isinstance(event, READ)]


def _read(written: Iterable[tuple[type[Published], bytes]]) -> Iterator[Said]:
    for model, value in written:
        yield model.model_validate_json(value)


def _copy(connection: Connection, copies: int) -> None:
    """As many times what is there, as if as many more people had said the same on the same days."""
    for statement in _COPY_SQL if copies > 1 else ():
        connection.execute(statement, {"copies": copies})
    publish_anew(connection)
    connection.commit()
    connection.autocommit = True
    for table in ("answers", "marks", "people", "words"):
        connection.execute(SQL("VACUUM ANALYZE {}").format(Identifier(table)))
    connection.execute("CHECKPOINT")
    connection.autocommit = False


def _page(images: Images, wanted: Filter) -> float:
    """Seconds that the server takes for all figures of a page."""
    began = time.perf_counter()
    counting = Counting(images.newest())
    figures.headline(counting, wanted)
    figures.trend(counting, wanted, Step.WEEK)
    figures.distribution(counting, wanted)
    figures.breakdown(counting, wanted, BREAKDOWNS[wanted.days % len(BREAKDOWNS)])
    figures.themes(counting, wanted)
    figures.movement(counting, wanted)
    return time.perf_counter() - began


def _filters(pages: int) -> Iterator[Filter]:
    """Distinct filters as people set them: mostly a quarter, some a year or all, none to three dimensions."""
    chance = Random(1)  # noqa: S311 - the same filters in every run, no secret
    seen: set[Filter] = set()
    while len(seen) < pages:
        days = chance.choice((30, 90, 90, 90, 180, 365, 365 * YEARS))
        until = TODAY - timedelta(days=chance.randrange(max(1, 365 * YEARS - days)))
        wanted = Filter(
            chance.choice((Metric.NPS, Metric.NPS, Metric.NPS, Metric.CSAT, Metric.CES)),
            until - timedelta(days=days - 1),
            until,
            chance.choice((None, None, *Rolling)),
        )
        for dimension in chance.sample(list(VALUES), chance.choice((0, 1, 1, 2, 3))):
            wanted = wanted.choosing(dimension, *chance.sample(VALUES[dimension], chance.choice((1, 1, 2))))
        if wanted not in seen:
            seen.add(wanted)
            yield wanted


def _take_in(url: str, answers: int, stop: threading.Event, taken: list[int]) -> None:
    """The intake beside the pages: what people do with answers all day."""
    events = _events(answers, Random(4))  # noqa: S311 - the same events in every run, no secret
    with _tables(url) as connection:
        while not stop.is_set():
            batch = list(islice(events, BATCH))
            with uncollected():  # as every consumer's batch
                projection.take_in(connection, sort_out(batch), ZONE)
            connection.commit()
            taken.append(len(batch))
            stop.wait(0.5)


def _rate(connection: Connection, events: Iterator[Said]) -> float:
    """Events a second, in the service's batches, each committed."""
    began, number = time.perf_counter(), 0
    while batch := list(islice(events, BATCH)):
        with uncollected():  # as every consumer's batch
            projection.take_in(connection, sort_out(batch), ZONE)
        connection.commit()
        number += len(batch)
    return number / (time.perf_counter() - began)


def _timed_count(connection: Connection) -> float:
    began = time.perf_counter()
    connection.execute("SELECT count(*) FROM answers")
    return time.perf_counter() - began


def _events(answers: int, chance: Random) -> Iterator[Said]:
    """New answers of known people and, one in twenty, a person who changed segment."""
    people, number = answers // A_PERSON, 0
    while True:
        number += 1
        person = _person(chance.randrange(people))
        if number % 20:
            yield _answer(person, f"live {chance.random()} {number}", TODAY, chance)
        else:
            yield _profile(person, 2 + number, chance)


def _history(answers: int, chance: Random) -> Iterator[Said]:
    """What an archive holds, topic by topic as a rebuild reads it: accounts, profiles, answers."""
    people = answers // A_PERSON
    for number in range(people // A_PERSON + 1):
        yield AccountChanged(
            account_id=f"account {number}",
            version=1,
            changed_at=_at(BEGAN),
            owner_email=chance.choice(VALUES[Dimension.OWNER]),
        )
    for number in range(people):
        yield _profile(_person(number), 1, chance)
    days = (TODAY - BEGAN).days
    for number in range(answers):
        day = BEGAN + timedelta(days=number * days // answers)
        yield _answer(_person(number % people), f"old {number}", day, chance)


def _person(number: int) -> str:
    return f"person {number}"


def _profile(person: str, version: int, chance: Random) -> ProfileChanged:
    return ProfileChanged(
        person_key=person,
        version=version,
        changed_at=_at(TODAY),
        account_id=f"account {int(person.split()[1]) // A_PERSON}",
        segment=chance.choice(VALUES[Dimension.SEGMENT]) or None,
        cohort=chance.choice(VALUES[Dimension.COHORT]),
        role=chance.choice(VALUES[Dimension.ROLE]),
        stage=chance.choice(VALUES[Dimension.STAGE]),
    )


def _answer(person: str, source_id: str, day: date, chance: Random) -> ResponseClassified:
    at = _at(day) + timedelta(seconds=chance.randrange(80_000))
    metric = chance.choice((*[Metric.NPS] * 8, Metric.CSAT, Metric.CES))
    score = chance.randrange(SCALES[metric].lowest, SCALES[metric].highest + 1)
    response = ResponseRecorded(
        response_id=response_id("bench", source_id),
        person_key=person,
        source="bench",
        source_id=source_id,
        order=Order(revision=1, tie=1),
        metric=metric,
        score=score,
        comment="The export fails every Friday and nobody calls back.",
        responded_at=at,
        received_at=at,
        program=chance.choice(VALUES[Dimension.PROGRAM]),
        channel=chance.choice(VALUES[Dimension.CHANNEL]),
    )
    theme = chance.choice(VALUES[Dimension.THEME])
    return ResponseClassified(
        response=response,
        classification_version=1,
        group=group_of(metric, score),
        themes=(ThemeTag(theme=theme, source=TagSource.LOOKUP),),
        sentiment=chance.choice(("positive", "neutral", "negative")),
    )


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _tables(url: str) -> Connection:
    options = {"jit": "off"}
    return psycopg.connect(conninfo(url, schema=SERVICE, application="bench", options=options))


if __name__ == "__main__":
    sys.exit(main())
