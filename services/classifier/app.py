"""The classifier's shell: records of the responses topic in, messages for the classified topic out."""

from collections import Counter
from collections.abc import Callable, Sequence

from runtime import cloudevents, tracing
from runtime.cloudevents import Undecodable
from runtime.messages import Message, Record
from schemas.classified import ResponseClassified
from schemas.responses import ResponseRecorded
from services.classifier import metrics
from services.classifier.classify import classify
from services.classifier.live import Live
from services.classifier.reader import Comment, Reads

SERVICE = "classifier"
SOURCE = f"/services/{SERVICE}"
_MODELS = {ResponseRecorded.TYPE: ResponseRecorded}


def classifier(live: Live) -> Callable[[Sequence[Record]], list[Message | Undecodable]]:
    """Classifies records with the reader in use; for one that holds no response it answers why."""

    def become(records: Sequence[Record]) -> list[Message | Undecodable]:
        decoded = [_decoded(record) for record in records]
        responses = [one for one in decoded if isinstance(one, ResponseRecorded)]
        with live.reader() as reader:
            classified = classify_all(responses, reader)
        _count(classified)
        results = iter(classified)
        return [
            one if isinstance(one, Undecodable) else _message(record, next(results))
            for record, one in zip(records, decoded, strict=True)
        ]

    return become


def classify_all(responses: Sequence[ResponseRecorded], reader: Reads) -> list[ResponseClassified]:
    """Each response with what it says, in the same order."""
    readings = reader.read([comment_of(response) for response in responses])
    return [
        classify(response, reading, taxonomy_version=reader.taxonomy.version, version=reader.version)
        for response, reading in zip(responses, readings, strict=True)
    ]


def comment_of(response: ResponseRecorded) -> Comment:
    """What is to be understood of a response."""
    name = response.respondent.name
    return Comment(response.comment, response.language, (name,) if name else ())


def _count(results: Sequence[ResponseClassified]) -> None:
    counted = Counter((result.response.metric, result.group or "none") for result in results)
    for (metric, group), times in counted.items():
        metrics.CLASSIFIED.labels(metric, group).inc(times)


def _decoded(record: Record) -> ResponseRecorded | Undecodable:
    try:
        return cloudevents.decode(record, _MODELS)
    except Undecodable as error:
        return error


def _message(record: Record, result: ResponseClassified) -> Message:
    trace = tracing.child_of(cloudevents.traceparent_of(record.headers))
    return cloudevents.to_message(result, source=SOURCE, traceparent=trace)
