from collections.abc import Callable
from datetime import UTC, datetime

from runtime import cloudevents, tracing
from runtime.cloudevents import Undecodable
from runtime.messages import Message, Record, header
from schemas.classified import ResponseClassified
from schemas.responses import ResponseRecorded
from services.classifier.app import classifier
from services.classifier.live import Live
from services.classifier.reader import Reader

TRACE = tracing.new_traceparent()


def _record(message: Message) -> Record:
    return Record(message.topic, 0, 0, message.key, message.value, message.headers, datetime.now(UTC))


def test_a_response_becomes_a_classified_event_of_the_same_trace_and_person(
    reader: Reader, answer: Callable[..., ResponseRecorded]
) -> None:
    response = answer("slow")
    sent = cloudevents.to_message(response, source="/services/ingest", traceparent=TRACE)

    (written,) = classifier(Live(reader))([_record(sent)])
    assert isinstance(written, Message)

    read = cloudevents.decode(_record(written), {ResponseClassified.TYPE: ResponseClassified})
    assert read.response == response
    assert [tag.theme for tag in read.themes] == ["speed"]
    assert written.topic == ResponseClassified.TOPIC
    assert written.key == sent.key
    assert header(written.headers, "ce_source") == b"/services/classifier"
    assert header(written.headers, "ce_id") == read.event_id().encode()
    trace = cloudevents.traceparent_of(written.headers)
    assert tracing.trace_id_of(trace) == tracing.trace_id_of(TRACE)
    assert trace != TRACE


def test_the_same_record_becomes_the_same_event_again(
    reader: Reader, answer: Callable[..., ResponseRecorded]
) -> None:
    classify = classifier(Live(reader))
    record = _record(cloudevents.to_message(answer("slow"), source="/x", traceparent=TRACE))

    (first,), (second,) = classify([record]), classify([record])
    assert isinstance(first, Message)
    assert isinstance(second, Message)

    assert (first.key, first.value) == (second.key, second.value)
    assert header(first.headers, "ce_id") == header(second.headers, "ce_id")


def test_what_is_not_a_response_is_undecodable_and_its_neighbours_are_not(
    reader: Reader, answer: Callable[..., ResponseRecorded]
) -> None:
    good = _record(cloudevents.to_message(answer(), source="/x", traceparent=TRACE))
    bad = Record(good.topic, 0, 0, good.key, b"{", good.headers, datetime.now(UTC))

    become = classifier(Live(reader))([good, bad, good])

    assert [isinstance(one, Undecodable) for one in become] == [False, True, False]
