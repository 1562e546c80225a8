"""From a valid body to the event it becomes. Pure: no clock, no broker."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from schemas.lifecycle import LifecycleEventOccurred, lifecycle_id
from schemas.responses import Order, Respondent, ResponseRecorded, response_id
from services.ingest.identity import person_key
from services.ingest.inputs import LifecycleEventInput, ResponseInput

SOURCE = "/services/ingest"
"""Who writes ingest's events, as CloudEvents names it."""


class NoSourceIdError(ValueError):
    """Neither body nor header names the record, so a repeated call could not be told from a second one."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a body arrived: from which source, under which Idempotency-Key, when (business clock, UTC)."""

    source: str
    idempotency_key: str | None
    received_at: datetime

    def source_id(self, given: str | None) -> str:
        """The source's own id of the record, else the Idempotency-Key. Raises NoSourceIdError."""
        source_id = given or self.idempotency_key
        if not source_id:
            raise NoSourceIdError
        return source_id

    def later(self, milliseconds: int) -> Self:
        """The same, received so much later."""
        return replace(self, received_at=self.received_at + timedelta(milliseconds=milliseconds))


def response_recorded(body: ResponseInput, receipt: Receipt, secret: bytes) -> ResponseRecorded:
    """The response as it stands after this call. Raises NoSourceIdError."""
    source_id = receipt.source_id(body.source_id)
    identifier = response_id(receipt.source, source_id)
    who = body.respondent
    key = person_key(secret, customer_id=who.customer_id, email=who.email, visitor_id=who.visitor_id)
    return ResponseRecorded(
        response_id=identifier,
        person_key=key or str(identifier),
        account_id=body.account_id,
        source=receipt.source,
        source_id=source_id,
        order=_order(body.updated_at or body.responded_at, receipt),
        effects=body.effects,
        status=body.status,
        retraction_reason=body.retraction_reason,
        metric=body.metric,
        score=body.score,
        comment=body.comment,
        language=body.language,
        responded_at=body.responded_at or receipt.received_at,
        received_at=receipt.received_at,
        test=body.test,
        program=body.program,
        channel=body.channel,
        respondent=Respondent(
            customer_id=who.customer_id, email=who.email, name=who.name, visitor_id=who.visitor_id
        ),
        context=body.context,
    )


def lifecycle_occurred(body: LifecycleEventInput, receipt: Receipt, secret: bytes) -> LifecycleEventOccurred:
    """The lifecycle event as it stands after this call. Raises NoSourceIdError."""
    source_id = receipt.source_id(body.source_id)
    return LifecycleEventOccurred(
        lifecycle_id=lifecycle_id(receipt.source, source_id),
        source=receipt.source,
        source_id=source_id,
        order=_order(body.updated_at or body.occurred_at, receipt),
        moment=body.moment,
        occurred_at=body.occurred_at or receipt.received_at,
        received_at=receipt.received_at,
        person_key=person_key(secret, customer_id=body.customer_id, email=body.email),
        account_id=body.account_id,
        retracted=body.retracted,
        context=body.context,
    )


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return int(instant.timestamp() * 1000)


def _order(changed_at: datetime | None, receipt: Receipt) -> Order:
    received = milliseconds(receipt.received_at)
    return Order(revision=received if changed_at is None else milliseconds(changed_at), tie=received)
