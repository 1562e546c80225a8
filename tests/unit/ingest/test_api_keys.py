from hashlib import sha256

import pytest

from services.ingest.api_keys import ApiKeys


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def test_a_key_names_its_source() -> None:
    keys = ApiKeys.parse(f"# first\ncrm:{digest('fr_one')}\n\n  app:{digest('fr_two')}\n")
    assert keys.source_of("Bearer fr_one") == "crm"
    assert keys.source_of("bearer fr_two") == "app"


def test_two_keys_of_one_source_are_both_valid() -> None:
    keys = ApiKeys.parse(f"crm:{digest('old')}\ncrm:{digest('new')}")
    assert keys.source_of("Bearer old") == keys.source_of("Bearer new") == "crm"


@pytest.mark.parametrize(
    "authorization", [None, "", "fr_one", "Basic fr_one", "Bearer", "Bearer ", "Bearer fr_other", "Bearer ü"]
)
def test_anything_else_is_nobody(authorization: str | None) -> None:
    assert ApiKeys.parse(f"crm:{digest('fr_one')}").source_of(authorization) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no API key"),
        ("crm", "line 1: expected `source-name:sha256-of-the-key`"),
        (f"ok:{'a' * 64}\ncrm:fr_in_clear", "line 2"),
        (f"Crm:{'a' * 64}", "line 1"),
        (f"survey:{'a' * 64}", "the hosted survey's own"),
    ],
)
def test_a_bad_line_is_named_and_never_shown(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        ApiKeys.parse(text)
    assert "fr_in_clear" not in str(refused.value)
