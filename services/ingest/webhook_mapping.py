"""From what a vendor says to the response it is. Pure."""

from dataclasses import dataclass
from datetime import datetime

from schemas.responses import Order, Respondent, ResponseRecorded, ResponseStatus, response_id
from schemas.scales import SCALES, Metric
from services.ingest.acceptance import milliseconds
from services.ingest.identity import person_key
from services.ingest.inputs import CLOCK_TOLERANCE, EARLIEST
from services.ingest.vendor import Answer, Source, Unreadable

_VERSIONS_OF_A_SOURCE = 1_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an answer comes from: the source and its name, the vendor module's version, the first receipt."""

    name: str
    source: Source
    vendor_version: int
    received_at: datetime

    @property
    def mapping_version(self) -> int:
        """Of the code and of the source's entry together."""
        return self.vendor_version * _VERSIONS_OF_A_SOURCE + self.source.version


def recorded(
    answer: Answer, origin: Origin, *, known: ResponseRecorded | None, secret: bytes
) -> ResponseRecorded:
    """The response at this revision; `known` is the highest that was mapped before.

    A retraction often names the answer only: the rest is taken from what is known. Raises Unreadable when the
    score is not on the metric's scale, or nobody says which metric it is.
    """
    source, tie = origin.source, milliseconds(origin.received_at)
    retracted = answer.retracted_because is not None
    if retracted and known is not None and answer.score is None and answer.comment is None:
        return known.model_copy(
            update={
                "order": _order(answer, origin, tie),
                "effects": source.effects,
                "status": ResponseStatus.RETRACTED,
                "retraction_reason": answer.retracted_because,
            }
        )
    metric = answer.metric or source.metric or (known.metric if known else None)
    if metric is None and not retracted:
        raise Unreadable("expected `metric` in sources.yaml: the vendor does not say which question it is")
    metric = metric or Metric.NPS
    identifier = response_id(origin.name, answer.source_id)
    # Vendors number their visitors each for themselves.
    visitor_id = f"{origin.name}:{answer.visitor_id}" if answer.visitor_id else None
    key = person_key(secret, customer_id=answer.customer_id, email=answer.email, visitor_id=visitor_id)
    score = _on_scale(answer, source, metric)
    if score is None and answer.comment is None and not retracted:
        raise Unreadable("expected a score or a comment")
    return ResponseRecorded(
        response_id=identifier,
        person_key=key or str(identifier),
        account_id=answer.account_id,
        source=origin.name,
        source_id=answer.source_id,
        order=_order(answer, origin, tie),
        effects=source.effects,
        status=ResponseStatus.RETRACTED if retracted else ResponseStatus.ANSWERED,
        retraction_reason=answer.retracted_because,
        metric=metric,
        score=score,
        comment=answer.comment,
        language=answer.language,
        responded_at=_plausible(answer.responded_at, origin.received_at),
        received_at=origin.received_at,
        provisional=answer.provisional,
        test=answer.retracted_because == "test",
        program=source.program,
        channel=answer.channel or source.channel,
        respondent=Respondent(
            customer_id=answer.customer_id, email=answer.email, name=answer.name, visitor_id=answer.visitor_id
        ),
        context=dict(answer.context),
    )


def missing(answer: Answer) -> list[str]:
    """Which of the fields that vendors document were not there: who, and when."""
    identified = answer.customer_id or answer.email or answer.visitor_id
    absent = {"identity": not identified, "responded_at": answer.responded_at is None}
    return [field for field, is_absent in absent.items() if is_absent and answer.retracted_because is None]


def _order(answer: Answer, origin: Origin, tie: int) -> Order:
    revision = tie if answer.revision is None else answer.revision
    return Order(revision=revision, tie=tie, mapping_version=origin.mapping_version)


def _plausible(responded_at: datetime | None, received_at: datetime) -> datetime:
    if responded_at is None or not EARLIEST <= responded_at <= received_at + CLOCK_TOLERANCE:
        return received_at
    return responded_at


def _on_scale(answer: Answer, source: Source, metric: Metric) -> int | None:
    if answer.score is None:
        return None
    if source.scores is not None:
        if answer.score not in source.scores:
            raise Unreadable("expected a score that `scores` in sources.yaml names")
        return source.scores[answer.score]
    scale = SCALES[metric]
    if not scale.lowest <= answer.score <= scale.highest:
        raise Unreadable(
            f"expected a score from {scale.lowest} to {scale.highest}, or `scores` in sources.yaml"
        )
    return answer.score
