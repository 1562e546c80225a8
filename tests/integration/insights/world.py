"""Insights on a real database, without Kafka: events are handed to it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from psycopg.sql import SQL, Identifier

from runtime.postgres import Pool
from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified, TagSource, ThemeTag
from schemas.corrections import ClassificationCorrected, CorrectedField
from schemas.event import NAMESPACE
from schemas.lifecycle import LifecycleEventOccurred, Moment
from schemas.outcomes import OutcomeKind, OutcomeRecorded
from schemas.profiles import ProfileChanged
from schemas.requests import SurveyRequested
from schemas.responses import Order, ResponseRecorded, ResponseStatus, response_id
from schemas.scales import Metric
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.insights import projection
from services.insights.counting import Counting
from services.insights.image import Images, publish_anew
from services.insights.intake import Said, sort_out

UTC_ZONE = ZoneInfo("UTC")
EPOCH = datetime(2026, 3, 20, tzinfo=UTC)
TABLES = (
    "words",
    "answers",
    "corrections",
    "requests",
    "outcomes",
    "happenings",
    "follow_ups",
    "marks",
    "images",
    "people",
    "renewals",
    "accounts",
    "mail_wishes",
    "announced",
    "announcements",
    "outbox",
    "digests_sent",
    "episodes",
)


def hour(number: float) -> datetime:
    return EPOCH + timedelta(hours=number)


class World:
    """Speaks in hours since the epoch."""

    def __init__(self, pool: Pool, *, zone: ZoneInfo = UTC_ZONE) -> None:
        self.pool = pool
        self.zone = zone
        self._images = Images(pool)

    def forget(self) -> None:
        """Empties every table: deleting from small ones is quicker than truncating."""
        with self.pool.connection() as connection:
            with connection.pipeline():
                for table in TABLES:
                    connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
            publish_anew(connection)

    def say(self, *events: Said) -> int:
        """Hands a batch over; how many answers moved."""
        with self.pool.connection() as connection:
            return projection.take_in(connection, sort_out(events), self.zone)

    def counting(self) -> Counting:
        """Counts what was said so far, in an image that follows what was counted in before."""
        return Counting(self._images.newest())


def answered(
    person: str,
    at: float,
    score: int | None = 9,
    *,
    number: int = 1,
    revision: int = 1,
    responded: float | None = None,
    version: int = 1,
    status: ResponseStatus = ResponseStatus.ANSWERED,
    metric: Metric = Metric.NPS,
    comment: str | None = None,
    themes: Sequence[str] = (),
    sentiment: str | None = None,
    **facts: object,
) -> ResponseClassified:
    """`at`: when it was first received."""
    return ResponseClassified(
        response=ResponseRecorded.model_validate(
            {
                "response_id": answer_id(person, number),
                "person_key": person,
                "source": "vendor",
                "source_id": f"{person} {number}",
                "order": Order(revision=revision, tie=0),
                "status": status,
                "metric": metric,
                "score": score,
                "comment": comment,
                "responded_at": hour(at if responded is None else responded),
                "received_at": hour(at),
                **facts,
            }
        ),
        classification_version=version,
        themes=tuple(ThemeTag(theme=theme, source=TagSource.LOOKUP) for theme in themes),
        sentiment=sentiment,
        functions=tuple(theme.upper() for theme in themes),
    )


def answer_id(person: str, number: int) -> UUID:
    return response_id("vendor", f"{person} {number}")


def profile(person: str, at: float, version: int = 1, **facts: object) -> ProfileChanged:
    return ProfileChanged.model_validate(
        {"person_key": person, "version": version, "changed_at": hour(at), **facts}
    )


def account(account_id: str, at: float, version: int = 1, **facts: object) -> AccountChanged:
    return AccountChanged.model_validate(
        {"account_id": account_id, "version": version, "changed_at": hour(at), **facts}
    )


def corrected(
    person: str, number: int, at: float, field: CorrectedField, *after: str, revision: int = 1
) -> ClassificationCorrected:
    return ClassificationCorrected(
        correction_id=uuid5(NAMESPACE, f"{person} {number} {at} {field}"),
        response_id=answer_id(person, number),
        person_key=person,
        revision=revision,
        field=field,
        after=after,
        corrected_by="lead",
        corrected_at=hour(at),
    )


def outcome(person: str, number: int, at: float, kind: OutcomeKind, **facts: object) -> OutcomeRecorded:
    response = answer_id(person, number)
    return OutcomeRecorded.model_validate(
        {
            "outcome_id": uuid5(NAMESPACE, f"{response} {at} {kind}"),
            "kind": kind,
            "occurred_at": hour(at),
            "person_key": person,
            "subject": f"response:{response}",
            "response_id": response,
            **facts,
        }
    )


def launched(at: float, name: str) -> LifecycleEventOccurred:
    """A release, which everybody sees."""
    return LifecycleEventOccurred(
        lifecycle_id=uuid5(NAMESPACE, name),
        source="releases",
        source_id=name,
        order=Order(revision=1, tie=0),
        moment=Moment.RELEASE_LAUNCHED,
        occurred_at=hour(at),
        received_at=hour(at),
        context={"release": name},
    )


def request_id(number: int) -> UUID:
    return uuid5(NAMESPACE, f"request {number}")


def requested(
    person: str, number: int, at: float, *, metric: Metric = Metric.NPS, open_hours: float = 300
) -> SurveyRequested:
    return SurveyRequested(
        request_id=request_id(number),
        version=1,
        person_key=person,
        program="yearly",
        metric=metric,
        channel="email",
        question="How likely?",
        follow_up_question="Why?",
        why_we_ask="You bought.",
        requested_at=hour(at),
        expires_at=hour(at + open_hours / 2),
        closes_at=hour(at + open_hours),
    )


def sent(person: str, number: int, at: float, what: SurveyStep = SurveyStep.SENT) -> SurveyStepOccurred:
    return SurveyStepOccurred(
        request_id=request_id(number),
        person_key=person,
        program="yearly",
        channel="email",
        step=what,
        occurred_at=hour(at),
    )
