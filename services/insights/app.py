"""The input of insights: takes events in and keeps the read model."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from psycopg import Connection

from runtime.cloudevents import decode_or_gone
from runtime.consumer import Delivered, DependencyDown
from runtime.health import Health
from runtime.messages import Record
from runtime.operator import Operator
from runtime.ops import ops_routes
from runtime.postgres import Pool
from runtime.problems import add_problem_handlers
from schemas.profiles import ProfileChanged, ProfileErased
from services.insights import metrics, projection
from services.insights.filters import BadFilter
from services.insights.intake import READ, Said, sort_out
from services.insights.metrics_api import bad_filter, metrics_routes
from services.insights.source import Source

SERVICE = "insights"
SOURCE = "/services/insights"
_MODELS = {model.TYPE: model for model in READ}
TOPICS = tuple(dict.fromkeys(model.TOPIC for model in READ))

# Writes nothing once there is one: it runs with every batch and every health check.
_FIRST_ZONE_SQL = """
INSERT INTO reporting (time_zone) SELECT %s WHERE NOT EXISTS (SELECT FROM reporting) ON CONFLICT DO NOTHING
"""
_ZONE_SQL = "SELECT time_zone FROM reporting"


class OtherTimeZone(DependencyDown):
    """Days were told in another time zone than the settings name: events wait until that is mended."""

    def __init__(self, told: str, wanted: str) -> None:
        super().__init__(
            f"The figures count by days of {told}, and REPORTING_TIME_ZONE is {wanted}."
            " Run `feedback insights rebuild` to count them anew, or set it back."
        )


def read(record: Record) -> Said:
    """The event in a record, or the erasure that a profile's tombstone is.

    Raises runtime.cloudevents.Undecodable.
    """
    return decode_or_gone(record, _MODELS, {ProfileChanged.TOPIC: ProfileErased})


class Intake:
    """Takes batches of events in, for figures by days of `zone`."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def handle(self, connection: Connection[Any], delivered: Sequence[Delivered[Said]]) -> None:
        """Writes a batch in the caller's transaction. Raises OtherTimeZone."""
        check_zone(connection, self._zone)
        moved = projection.take_in(connection, sort_out(one.event for one in delivered), self._zone)
        metrics.ANSWERS_MOVED.inc(moved)


def http_app(health: Health, source: Source, operator: Operator) -> FastAPI:
    """Health, metrics, and the figures for other tools."""
    app = FastAPI(title="feedback-router insights", docs_url=None, redoc_url=None)
    add_problem_handlers(app)
    app.add_exception_handler(BadFilter, bad_filter)
    app.include_router(ops_routes(health))
    app.include_router(metrics_routes(source, operator))
    return app


def check_zone(connection: Connection[Any], zone: ZoneInfo) -> None:
    """Notes the time zone when it is the first; raises OtherTimeZone when days were told in another."""
    connection.execute(_FIRST_ZONE_SQL, (zone.key,))
    [(told,)] = connection.execute(_ZONE_SQL).fetchall()
    if told != zone.key:
        raise OtherTimeZone(told, zone.key)


def zone_check(pool: Pool, zone: ZoneInfo) -> str | None:
    """The health check of the reporting time zone."""
    try:
        with pool.connection() as connection:
            check_zone(connection, zone)
    except OtherTimeZone as error:
        return str(error)
    return None
