"""The classifier's shell: a record of the responses topic in, a message for the classified topic out."""

from collections.abc import Callable

from runtime import cloudevents, tracing
from runtime.messages import Message, Record
from schemas.responses import ResponseRecorded
from services.classifier import metrics
from services.classifier.classify import classify
from services.classifier.lookup import Lookup

SERVICE = "classifier"
SOURCE = f"/services/{SERVICE}"
_MODELS = {ResponseRecorded.TYPE: ResponseRecorded}


def classifier(taxonomy: Lookup) -> Callable[[Record], Message]:
    """Classifies one record; what it returns raises Undecodable for a record that holds no response."""

    def classified(record: Record) -> Message:
        response = cloudevents.decode(record, _MODELS)
        result = classify(response, taxonomy)
        metrics.CLASSIFIED.labels(response.metric, result.group or "none").inc()
        trace = tracing.child_of(cloudevents.traceparent_of(record.headers))
        return cloudevents.to_message(result, source=SOURCE, traceparent=trace)

    return classified
