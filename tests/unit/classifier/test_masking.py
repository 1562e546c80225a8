import pytest

from services.classifier.masking import mask


@pytest.mark.parametrize(
    ("comment", "masked"),
    [
        ("write to ann.lee+x@mail.example.com.", "write to [email]."),
        ("call +49 (171) 234-5678 or 030/1234567", "call [phone] or [phone]"),
        ("card 4111 1111 1111 1111, thanks", "card [card], thanks"),
        ("DE89 3704 0044 0532 0130 00 is my account", "[iban] is my account"),
        ("order 100200300 of 2026-11-20", "order [number] of 2026-11-20"),
        ("20 minutes, 3 times, 1,500 users, 99.95 %", "20 minutes, 3 times, 1,500 users, 99.95 %"),
        ("since 01.02.2026 version 2.10.3", "since 01.02.2026 version 2.10.3"),
        ("Regards, Ann LEE", "Regards, [name]"),
        ("Leeds is in the lee, says Ann", "Leeds is in the lee, says [name]"),
        ("Dana helped", "Dana helped"),
    ],
)
def test_details_become_their_kind_and_the_rest_stays(comment: str, masked: str) -> None:
    assert mask(comment, names=["Ann Lee"]).text == masked


def test_each_kind_is_told_once() -> None:
    assert mask("a@b.de, c@d.de, 0171 2345678").kinds == ("email", "phone")
