import pytest

from runtime.tracing import child_of, new_traceparent, trace_id_of

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_a_child_keeps_trace_and_flags_and_has_its_own_span() -> None:
    version, trace, span, flags = child_of(PARENT).split("-")
    assert (version, trace, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "00")
    assert span != "b7ad6b7169203331"
    assert len(span) == 16


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        "",
        "nonsense",
        PARENT.upper(),
        PARENT + "-x",
        PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
    ],
)
def test_without_a_parent_a_new_trace_begins(malformed: str | None) -> None:
    begun = child_of(malformed)
    assert trace_id_of(begun)
    assert begun.endswith("-01")
    assert trace_id_of(malformed) is None


def test_traces_differ() -> None:
    assert trace_id_of(new_traceparent()) != trace_id_of(new_traceparent())
