from datetime import UTC, datetime

from runtime.dead_letters import DeadLetter, to_message
from runtime.messages import Record

RECORD = Record(
    "answers.v1", 3, 41, b"p1", b"abcdef", (("ce_id", b"1"),), datetime(2026, 11, 22, 9, tzinfo=UTC)
)


def test_the_record_is_kept_as_it_was_with_cause_and_origin() -> None:
    message = to_message(DeadLetter(RECORD, "not_json", "6 bytes"), consumer="router")
    assert (message.topic, message.key, message.value) == ("answers.v1.dlq", b"p1", b"abcdef")
    assert message.headers == (
        ("ce_id", b"1"),
        ("dlq_cause", b"not_json"),
        ("dlq_detail", b"6 bytes"),
        ("dlq_topic", b"answers.v1"),
        ("dlq_partition", b"3"),
        ("dlq_offset", b"41"),
        ("dlq_timestamp", b"2026-11-22T09:00:00+00:00"),
        ("dlq_consumer", b"router"),
    )


def test_what_does_not_fit_is_cut_and_says_so() -> None:
    message = to_message(DeadLetter(RECORD, "too_large"), consumer="router", max_value_bytes=4)
    assert message.value == b"abcd"
    assert message.headers[-1] == ("dlq_original_bytes", b"6")


def test_a_record_without_a_key_is_told_by_its_place() -> None:
    keyless = Record("answers.v1", 3, 41, None, None, (), RECORD.timestamp)
    message = to_message(DeadLetter(keyless, "tombstone"), consumer="router")
    assert (message.key, message.value) == (b"answers.v1/3/41", None)
