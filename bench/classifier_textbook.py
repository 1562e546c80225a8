"""The classifier as Faust's documentation would have it: JSON in, JSON out, one awaited send an event."""

import os
import uuid
from pathlib import Path
from typing import Any

import faust

from runtime import cloudevents, tracing
from runtime.messages import header
from schemas.classified import ResponseClassified
from schemas.responses import ResponseRecorded
from services.classifier.app import SOURCE
from services.classifier.classify import classify
from services.classifier.lookup import Lookup
from services.classifier.reading import listed
from services.classifier.taxonomy import load_themes

taxonomy = Lookup(load_themes(Path(os.environ["CONFIG_DIR"]) / "themes.yaml"))
app = faust.App(
    f"textbook-{uuid.uuid4().hex}",
    broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP_SERVERS']}",
    datadir=os.environ["DATADIR"],
    consumer_auto_offset_reset="earliest",
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
)
responses = app.topic(ResponseRecorded.TOPIC, key_serializer="raw", value_serializer="json")
classified = app.topic(ResponseClassified.TOPIC, key_serializer="raw", value_serializer="json")


@app.agent(responses)
async def classify_responses(stream: faust.StreamT[dict[str, Any]]) -> None:
    """Classifies one event after the other."""
    async for event in stream.events():
        response = ResponseRecorded.model_validate(event.value)
        reading = listed(response.comment, response.language, taxonomy)
        result = classify(response, reading, taxonomy_version=taxonomy.version, version=taxonomy.version)
        trace = tracing.child_of((header(tuple(event.headers.items()), "traceparent") or b"").decode())
        await classified.send(
            key=event.key,
            value=result.model_dump(mode="json"),
            headers=list(cloudevents.attributes(result, source=SOURCE, traceparent=trace)),
        )


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARNING").execute_from_commandline()
