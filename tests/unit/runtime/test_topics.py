import pytest

from runtime.topics import Change, TopicSpec, difference

SPEC = TopicSpec("answers.v1", 6, {"retention.ms": "1000"})


def test_a_missing_topic_is_created() -> None:
    assert difference(SPEC, None, {}) == Change("answers.v1", created_partitions=6)


def test_a_topic_as_specified_is_left_alone() -> None:
    change = difference(SPEC, 6, {"retention.ms": "1000", "segment.ms": "5"})
    assert not change
    assert str(change) == "answers.v1: as specified"


def test_configs_that_differ_are_set_and_partitions_grow() -> None:
    change = difference(SPEC, 3, {"retention.ms": "1"})
    assert change == Change("answers.v1", grown_to=6, configs={"retention.ms": "1000"})
    assert str(change) == "answers.v1: grown to 6 partitions, retention.ms set to 1000"


@pytest.mark.parametrize("partitions", [7, 12])
def test_partitions_never_shrink(partitions: int) -> None:
    change = difference(SPEC, partitions, {"retention.ms": "1000"})
    assert not change
    assert change.surplus_partitions == partitions - 6
