"""Personal details in comments, replaced by what kind they are: for channels that many people read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LONGEST_NAME_PART = 2
_CARD_DIGITS = range(13, 20)
_PHONE_DIGITS = range(7, 16)
_LUHN_ABOVE = 9

_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_DIGITS = re.compile(r"(?<![\w.])(?:\+|\b)\(?\d(?:[ ().\-/]{0,2}\d){5,24}\b")
_DIGIT = re.compile(r"\d")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?[./-]\d\d?[./-](?:\d{4}|\d\d)")


@dataclass(frozen=True, slots=True)
class Masked:
    """A comment for many eyes."""

    text: str
    kinds: tuple[str, ...]
    """What was masked: email, iban, card, phone, number, name; each once."""


def mask(comment: str, *, names: Iterable[str] = ()) -> Masked:
    """Replaces e-mail addresses, bank accounts, cards, phone and other long numbers, and the given names.

    `names` are those of the person who wrote it; the names of others are what praise is about, and stay. In
    small letters a name is taken for a word: Will signs what will be read.
    """
    kinds: dict[str, None] = {}

    def told(kind: str) -> str:
        kinds[kind] = None
        return f"[{kind}]"

    text = comment
    if "@" in text:
        text = _EMAIL.sub(lambda _: told("email"), text)
    if _DIGIT.search(text):
        text = _IBAN.sub(lambda _: told("iban"), text)
        text = _DIGITS.sub(lambda found: told(kind) if (kind := _kind(found[0])) else found[0], text)
    for name in _parts(names):
        text = re.sub(
            rf"\b{re.escape(name)}\b",
            lambda found: found[0] if found[0][0].islower() else told("name"),
            text,
            flags=re.IGNORECASE,
        )
    return Masked(text, tuple(kinds))


def _kind(written: str) -> str | None:
    if _DATE.fullmatch(written):
        return None
    digits = [int(character) for character in written if character.isdecimal()]
    if len(digits) in _CARD_DIGITS and _is_luhn(digits):
        return "card"
    if len(digits) in _PHONE_DIGITS and (written[0] in "+(0" or not written.isdecimal()):
        return "phone"
    return "number"


def _is_luhn(digits: list[int]) -> bool:
    """ISO/IEC 7812-1: every second digit from the right doubled, the sum a multiple of ten."""
    doubled = [2 * digit for digit in digits[-2::-2]]
    spread = sum(digit - _LUHN_ABOVE if digit > _LUHN_ABOVE else digit for digit in doubled)
    return (sum(digits[::-2]) + spread) % 10 == 0


def _parts(names: Iterable[str]) -> Iterator[str]:
    """The whole name and each part that is not an initial, longest first."""
    parts = {
        part for name in names for part in (name.strip(), *name.split()) if len(part) > _LONGEST_NAME_PART
    }
    return iter(sorted(parts, key=len, reverse=True))
