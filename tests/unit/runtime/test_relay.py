from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from runtime.messages import Message
from runtime.outbox import Owed
from runtime.relay import settle

LATE = KafkaTimeoutError("no answer")
HUGE = MessageSizeTooLargeError()


def rows(*keys: str) -> list[Owed]:
    return [Owed(number, Message("t", key.encode(), b"", ())) for number, key in enumerate(keys)]


def test_acknowledged_rows_are_sent() -> None:
    settled = settle(rows("a", "b", "a"), [None, None, None])
    assert settled.sent == (0, 1, 2)
    assert settled.failure is None


def test_a_row_behind_an_unsent_one_of_its_key_is_sent_again() -> None:
    settled = settle(rows("a", "a", "b", "a"), [None, LATE, None, None])
    assert settled.sent == (0, 2)
    assert settled.failure is LATE


def test_a_refused_row_is_done_with_and_holds_up_nothing() -> None:
    settled = settle(rows("a", "a"), [HUGE, None])
    assert settled.refused == ((0, "larger than its topic takes"),)
    assert settled.sent == (1,)
    assert settled.failure is None


def test_the_same_key_of_another_topic_does_not_wait() -> None:
    owed = [Owed(0, Message("t", b"a", b"", ())), Owed(1, Message("u", b"a", b"", ()))]
    outcomes: list[KafkaError | None] = [LATE, None]
    assert settle(owed, outcomes).sent == (1,)
