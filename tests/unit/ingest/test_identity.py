import re

from services.ingest.identity import customer_key, email_key, person_key

SECRET = b"a secret"


def test_the_strongest_identifier_decides() -> None:
    customer = person_key(SECRET, customer_id="c-1", email="dana@customer.example", visitor_id="v-1")
    assert customer == person_key(SECRET, customer_id="c-1") == customer_key(SECRET, "c-1")
    email = person_key(SECRET, email="dana@customer.example", visitor_id="v-1")
    assert email == email_key(SECRET, "dana@customer.example")
    assert person_key(SECRET, visitor_id="v-1") not in (None, customer, email)


def test_nobody_has_no_key() -> None:
    assert person_key(SECRET) is None


def test_an_address_is_the_same_however_it_is_spelled() -> None:
    assert email_key(SECRET, " Dana@Customer.Example ") == email_key(SECRET, "dana@customer.example")


def test_kinds_of_identifiers_never_meet() -> None:
    keys = {
        person_key(SECRET, customer_id="same"),
        person_key(SECRET, email="same"),
        person_key(SECRET, visitor_id="same"),
    }
    assert len(keys) == 3


def test_the_key_is_an_hmac_of_the_documented_form() -> None:
    # printf customer:c-1042 | openssl dgst -sha256 -hmac 'a secret' | cut -c1-32
    assert customer_key(SECRET, "c-1042") == "e283601f8503bd2e4a247a4699d23090"
    assert re.fullmatch("[0-9a-f]{32}", customer_key(b"another secret", "c-1042"))
    assert customer_key(b"another secret", "c-1042") != customer_key(SECRET, "c-1042")
