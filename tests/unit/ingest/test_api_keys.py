from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from services.ingest.api_keys import ApiKeys, Caller, Scope, digest_of, new_key

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def source_of(keys: ApiKeys, authorization: str) -> str | None:
    caller = keys.caller_of(authorization, NOW)
    return caller.source if caller else None


def test_a_key_names_its_source() -> None:
    keys = ApiKeys.parse(f"# first\ncrm:{digest('fr_one')}\n\n  app:{digest('fr_two')}\n")
    assert source_of(keys, "Bearer fr_one") == "crm"
    assert source_of(keys, "bearer fr_two") == "app"


def test_two_keys_of_one_source_are_both_valid() -> None:
    keys = ApiKeys.parse(f"crm:{digest('old')}\ncrm:{digest('new')}")
    assert source_of(keys, "Bearer old") == source_of(keys, "Bearer new") == "crm"


@pytest.mark.parametrize(
    "authorization", [None, "", "fr_one", "Basic fr_one", "Bearer", "Bearer ", "Bearer fr_other", "Bearer ü"]
)
def test_anything_else_is_nobody(authorization: str | None) -> None:
    assert ApiKeys.parse(f"crm:{digest('fr_one')}").caller_of(authorization, NOW) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
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


def test_a_key_of_the_settings_may_send_everything_for_ever() -> None:
    caller = ApiKeys.parse(f"crm:{digest('fr_one')}").caller_of("Bearer fr_one", NOW + timedelta(days=9_999))
    assert caller == Caller(digest("fr_one")[:12], "crm", frozenset(Scope))


def test_a_stored_key_ends_when_it_expires_or_is_no_longer_there() -> None:
    key = new_key()
    caller = Caller("id", "crm", frozenset({Scope.RESPONSES}), expires_at=NOW)
    keys = ApiKeys.parse(f"first:{digest('fr_first')}")
    keys.stored({digest_of(key): caller})
    assert keys.caller_of(f"Bearer {key}", NOW - timedelta(seconds=1)) == caller
    assert keys.caller_of(f"Bearer {key}", NOW) is None
    assert source_of(keys, "Bearer fr_first") == "first"
    keys.stored({})
    assert keys.caller_of(f"Bearer {key}", NOW - timedelta(seconds=1)) is None
    assert source_of(keys, "Bearer fr_first") == "first"
