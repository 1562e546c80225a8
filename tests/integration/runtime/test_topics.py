import uuid

from runtime.topics import Change, TopicSpec, ensure_topics


def test_topics_are_created_once_then_kept_as_specified(kafka_bootstrap: str) -> None:
    name = f"tests.{uuid.uuid4().hex[:12]}.v1"
    spec = TopicSpec(name, 2, {"retention.ms": "100000", "cleanup.policy": "delete"})

    (created,) = ensure_topics(kafka_bootstrap, [spec])
    assert created == Change(name, created_partitions=2)

    (again,) = ensure_topics(kafka_bootstrap, [spec])
    assert not again

    changed = TopicSpec(name, 3, {"retention.ms": "200000", "cleanup.policy": "compact"})
    (change,) = ensure_topics(kafka_bootstrap, [changed])
    assert change.grown_to == 3
    assert change.configs == {"retention.ms": "200000", "cleanup.policy": "compact"}

    fewer = TopicSpec(name, 1, changed.configs)
    (kept,) = ensure_topics(kafka_bootstrap, [fewer])
    assert not kept
    assert kept.surplus_partitions == 2
