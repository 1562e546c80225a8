import json
from datetime import UTC, datetime, timedelta

from schemas.accounts import AccountChanged
from schemas.profiles import ProfileChanged
from services.ingest.identity import customer_key, email_key
from services.ingest.inputs import AccountInput, ProfileInput
from services.ingest.persons import Known, People, Strength, statement
from services.ingest.profiles import account_after, profile_without_surveys

SECRET = b"a secret"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def profile(known: ProfileChanged | None = None, *, at: datetime = NOW, **body: object) -> ProfileChanged:
    given = ProfileInput.model_validate_json(json.dumps(body))
    said = statement(given, "c-1", SECRET)
    before = {said.who.key: Known(Strength.CUSTOMER, known)} if known else {}
    return People(before).state(said, at)


def account(known: AccountChanged | None = None, *, at: datetime = NOW, **body: object) -> AccountChanged:
    return account_after(
        AccountInput.model_validate_json(json.dumps(body)), account_id="a-77", known=known, now=at
    )


LATER = NOW + timedelta(hours=1)


def test_the_first_call_makes_version_one() -> None:
    made = profile(name="Dana", email="Dana@Customer.example", products=["export"], traits={"seats": 5})
    assert (made.version, made.changed_at, made.customer_id) == (1, NOW, "c-1")
    assert made.person_key == customer_key(SECRET, "c-1")
    assert made.aliases == (email_key(SECRET, "dana@customer.example"),)
    assert (made.products, made.traits) == (("export",), {"seats": 5})


def test_the_same_call_changes_nothing() -> None:
    made = profile(name="Dana", opt_outs=[{"since": "2026-11-01T00:00:00Z"}])
    assert profile(made, at=LATER, name="Dana", opt_outs=[{"since": "2026-11-02T00:00:00Z"}]) == made


def test_another_body_replaces_the_known_one() -> None:
    made = profile(name="Dana", segment="enterprise")
    changed = profile(made, at=LATER, name="Dana W")
    assert (changed.version, changed.changed_at) == (2, LATER)
    assert (changed.name, changed.segment) == ("Dana W", None)


def test_an_opt_out_outlives_a_call_that_does_not_mention_it() -> None:
    made = profile(opt_outs=[{"program": None, "since": "2026-11-01T00:00:00Z"}])
    changed = profile(
        made, at=LATER, name="Dana", opt_outs=[{"program": "p", "since": "2026-11-02T00:00:00Z"}]
    )
    assert [out.program for out in changed.opt_outs] == [None, "p"]
    assert changed.opted_out_of("anything")


def test_consents_and_aliases_are_added() -> None:
    review = {"topic": "review", "wording": "You may.", "given_at": "2026-11-01T00:00:00Z"}
    made = profile(email="old@customer.example", consents=[review])
    changed = profile(made, at=LATER, email="new@customer.example", consents=[review])
    assert len(changed.consents) == 1
    assert set(changed.aliases) == {
        email_key(SECRET, "old@customer.example"),
        email_key(SECRET, "new@customer.example"),
    }


def test_an_account_has_versions_too() -> None:
    made = account(name="Whitfield Logistics", renewal_date="2027-03-01", arr=48000)
    assert made.version == 1
    assert account(made, at=LATER, name="Whitfield Logistics", renewal_date="2027-03-01", arr=48000) == made
    changed = account(made, at=LATER, name="Whitfield")
    assert (changed.version, changed.changed_at, changed.arr) == (2, LATER, None)


def test_unsubscribing_ends_all_surveys_keeps_the_rest_and_repeats_without_a_change() -> None:
    made = profile(name="Dana", opt_outs=[{"program": "release", "since": "2026-11-01T00:00:00Z"}])
    without = profile_without_surveys(made, made.person_key, LATER)
    assert (without.version, without.changed_at, without.name) == (2, LATER, "Dana")
    assert without.opted_out_of("anything")
    assert profile_without_surveys(without, made.person_key, LATER + timedelta(days=1)) == without


def test_somebody_without_a_profile_can_unsubscribe() -> None:
    without = profile_without_surveys(None, "p-1", NOW)
    assert (without.person_key, without.version, without.opted_out_of(None)) == ("p-1", 1, True)


def test_a_later_import_does_not_end_an_unsubscription() -> None:
    without = profile_without_surveys(profile(name="Dana"), customer_key(SECRET, "c-1"), NOW)
    assert profile(without, at=LATER, name="Dana B.").opted_out_of("anything")
