"""Ids made of what they name."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.event import derived_id

PARTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(), min_size=1)


@given(st.uuids(), PARTS)
def test_an_id_is_the_uuid_5_of_its_parts(scope: UUID, parts: list[str | int]) -> None:
    assert derived_id(scope, *parts) == uuid5(scope, "\x1f".join(str(part) for part in parts))
