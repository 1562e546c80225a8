"""The classifier as a plain kafka-python loop: poll, classify, send, await the broker, commit."""

import os
import uuid
from pathlib import Path

from runtime.kafka import KafkaSettings, consumer, deliver, producer, to_record
from runtime.messages import Message
from schemas.responses import ResponseRecorded
from services.classifier.app import classifier
from services.classifier.live import Live
from services.classifier.lookup import Lookup
from services.classifier.reader import ListReader
from services.classifier.taxonomy import load_themes

POLL_SECONDS = 1


def main() -> None:
    """Loop until killed."""
    kafka = KafkaSettings(os.environ["KAFKA_BOOTSTRAP_SERVERS"], "kafka-python")
    themes = load_themes(Path(os.environ["CONFIG_DIR"]) / "themes.yaml")
    transform = classifier(Live(ListReader(Lookup(themes))))
    source = consumer(kafka, group=uuid.uuid4().hex, topics=[ResponseRecorded.TOPIC], max_records=500)
    target = producer(kafka)
    while True:
        polled = source.poll(timeout_ms=POLL_SECONDS * 1000)
        records = [to_record(record) for partition in polled.values() for record in partition]
        messages = [one for one in transform(records) if isinstance(one, Message)]
        if any(deliver(target, messages)):
            raise SystemExit("the broker did not take a batch")
        if records:
            source.commit()


if __name__ == "__main__":
    main()
