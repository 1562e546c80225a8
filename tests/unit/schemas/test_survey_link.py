from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.survey_link import InvalidTokenError, sign, verify

REQUEST = UUID("0b8a4f63-2f1d-5c55-8a3e-77d1c2b4a901")
EXPIRES = datetime(2026, 12, 1, tzinfo=UTC)
SECRET = b"a secret of the deployment"


def test_a_token_says_its_request_and_expiry() -> None:
    assert verify(SECRET, sign(SECRET, REQUEST, EXPIRES)) == (REQUEST, EXPIRES)


def test_another_deployments_token_is_refused() -> None:
    with pytest.raises(InvalidTokenError):
        verify(b"another secret", sign(SECRET, REQUEST, EXPIRES))


@given(position=st.integers(0, 53), character=st.sampled_from("AZaz09-_"))
def test_a_token_altered_in_any_place_is_refused(position: int, character: str) -> None:
    token = sign(SECRET, REQUEST, EXPIRES)
    altered = token[:position] + character + token[position + 1 :]
    if altered != token:
        with pytest.raises(InvalidTokenError):
            verify(SECRET, altered)


@pytest.mark.parametrize("extra", ["=", "==", "!", " ", "\n"])
def test_a_link_has_one_spelling(extra: str) -> None:
    with pytest.raises(InvalidTokenError):
        verify(SECRET, sign(SECRET, REQUEST, EXPIRES) + extra)


@given(st.text())
def test_any_text_is_refused_and_never_an_error_of_another_kind(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        verify(SECRET, text)
