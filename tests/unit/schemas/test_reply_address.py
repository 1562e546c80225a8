"""The address that answers come to: it survives what mail systems do to it, and cannot be made by others."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reply_address import About, Answered, read_reply_address, reply_address
from schemas.survey_link import InvalidTokenError

SECRET = b"signs the addresses of these tests"
SUBJECTS = st.builds(Answered, st.sampled_from(About), st.uuids())


@given(SUBJECTS)
def test_it_comes_back_in_any_case_and_among_other_text(answered: Answered) -> None:
    address = reply_address(SECRET, "feedback@acme.example", answered)
    assert len(address.partition("@")[0]) <= 64
    for spelled in (address, address.upper(), f'"Acme" <{address}>', f"eve@b.example, {address}"):
        assert read_reply_address(SECRET, spelled) == answered


@given(SUBJECTS, st.integers(0, 43), st.sampled_from("abc234567"))
def test_another_letter_or_another_secret_is_refused(answered: Answered, at: int, letter: str) -> None:
    address = reply_address(SECRET, "feedback@acme.example", answered)
    start = len("feedback+")
    altered = address[: start + at] + letter + address[start + at + 1 :]
    if altered != address:
        with pytest.raises(InvalidTokenError):
            read_reply_address(SECRET, altered)
    with pytest.raises(InvalidTokenError):
        read_reply_address(b"another secret", address)


@given(st.text(max_size=80))
def test_other_text_is_no_such_address(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        read_reply_address(SECRET, text)


@pytest.mark.parametrize("mailbox", ["feedback", "feedback+x@acme.example", "@acme.example", "feedback@"])
def test_a_mailbox_is_a_plain_address(mailbox: str) -> None:
    with pytest.raises(ValueError, match="plain address"):
        reply_address(SECRET, mailbox, Answered(About.REQUEST, UUID(int=1)))
