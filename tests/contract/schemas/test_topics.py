"""Invariants of the table of topics."""

import re
from collections.abc import Iterator

import pytest

from schemas.event import Contract
from schemas.topics import DAY_MS, EVERY_TOPIC, TOPICS, Cleanup, Topic


@pytest.mark.parametrize("topic", EVERY_TOPIC, ids=lambda topic: topic.name)
def test_a_topic_is_versioned_written_and_read(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z-]+(\.[a-z-]+)+\.v[1-9]\d*", topic.name)
    assert topic.writers
    assert topic.readers


@pytest.mark.parametrize("topic", EVERY_TOPIC, ids=lambda topic: topic.name)
def test_retention_truly_ends_within_thirty_days(topic: Topic) -> None:
    for settings in (topic.settings(), topic.dead_letter_settings()):
        if settings["cleanup.policy"] == Cleanup.DELETE:
            assert int(settings["retention.ms"]) + int(settings["segment.ms"]) <= 30 * DAY_MS


@pytest.mark.parametrize("topic", EVERY_TOPIC, ids=lambda topic: topic.name)
def test_a_dead_letter_holds_what_its_topic_held(topic: Topic) -> None:
    assert int(topic.dead_letter_settings()["max.message.bytes"]) > topic.max_message_bytes


def test_compacted_topics_forget_tombstones_later_than_they_compact() -> None:
    compacted = [topic.settings() for topic in TOPICS if topic.cleanup is Cleanup.COMPACT]
    assert len(compacted) == 2
    for settings in compacted:
        assert int(settings["max.compaction.lag.ms"]) < int(settings["delete.retention.ms"])


def test_names_and_event_types_are_unique_and_agree_with_the_models() -> None:
    assert len({topic.name for topic in EVERY_TOPIC}) == len(EVERY_TOPIC)
    types = [event.TYPE for topic in TOPICS for event in topic.events]
    assert len(set(types)) == len(types)
    assert all(topic.name == event.TOPIC for topic in TOPICS for event in topic.events)


def _contracts(model: type[Contract]) -> Iterator[type[Contract]]:
    for part in model.__subclasses__():
        yield part
        yield from _contracts(part)


def test_every_field_of_every_event_says_what_it_means() -> None:
    silent = [
        f"{model.__name__}.{name}"
        for model in _contracts(Contract)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert silent == []
