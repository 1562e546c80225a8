"""Accounts and people of an invented software company, the same in every run."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

_COMPANIES = (
    "Alder Logistics", "Bramble Books", "Cobalt Dental", "Driftwood Hotels", "Ember Analytics",
    "Fennel Foods",
    "Granite Insurance", "Harbour Marine", "Indigo Schools", "Juniper Clinics", "Kestrel Air", "Larch Legal",
    "Meadow Farms", "Nimbus Print", "Orchard Homes", "Pebble Games", "Quarry Works", "Ripple Water",
    "Saffron Kitchens", "Timber & Sons", "Umbra Studios", "Vale Cycles", "Willow Care", "Yarrow Labs",
)  # fmt: skip
_FIRST = (
    "Amina", "Ben", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonah", "Kaya", "Lars",
    "Mei",
    "Nadia", "Oskar", "Paula", "Quentin", "Rosa", "Samir", "Tove", "Uma", "Viktor", "Wanda", "Yusuf", "Zora",
)  # fmt: skip
_LAST = (
    "Abbott", "Bianchi", "Castillo", "Dahl", "Eriksen", "Fontaine", "Gruber", "Haddad", "Ibarra", "Jansen",
    "Kowalski", "Lindgren", "Moreau", "Nakamura", "Okafor", "Petrov", "Quist", "Romero", "Schmidt", "Tanaka",
)  # fmt: skip
_LANGUAGES = ("en", "en", "en", "en", "de", "es", "fr")
_ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "Asia/Tokyo")
_ROLES = ("key_contact", "end_user", "end_user", "buyer")
_SEGMENTS = ("enterprise", "mid_market", "smb")
OWNERS = ("maya.lindqvist@acme.test", "jonas.weber@acme.test", "aiko.tanaka@acme.test")
"""Colleagues who own accounts; the Slack double knows them too."""

Body = dict[str, object]


@dataclass(frozen=True)
class Person:
    """A customer's employee."""

    customer_id: str
    account_id: str
    name: str
    email: str | None
    language: str
    profile: Body
    """Body of `PUT /v1/profiles/{customer_id}`."""


def accounts(today: date) -> dict[str, Body]:
    """Bodies of `PUT /v1/accounts/{id}` by id."""
    chance = Random("accounts")  # noqa: S311 - a repeatable sample
    return {
        _slug(name): {
            "name": name,
            "owner_email": OWNERS[number % len(OWNERS)],
            "csm_email": OWNERS[(number + 1) % len(OWNERS)],
            "segment": _SEGMENTS[number % len(_SEGMENTS)],
            "stage": "customer",
            "arr": chance.randrange(4, 120) * 1_000,
            "currency": chance.choice(("EUR", "USD", "GBP")),
            "renewal_date": (today + timedelta(days=chance.randrange(20, 360))).isoformat(),
            "health": chance.choice(("green", "green", "yellow", "red")),
        }
        for number, name in enumerate(_COMPANIES)
    }


def people(count: int, *, prefix: str, without_email: frozenset[int] = frozenset()) -> list[Person]:
    """`count` people with ids `prefix-0`, `prefix-1`, …; those at the given positions have no address."""
    return [_person(f"{prefix}-{number}", number, number not in without_email) for number in range(count)]


def _person(customer_id: str, number: int, has_email: bool) -> Person:
    chance = Random(customer_id)  # noqa: S311 - a repeatable sample
    company = _COMPANIES[number % len(_COMPANIES)]
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    email = f"{first}.{last}.{customer_id}@{_slug(company)}.test".lower() if has_email else None
    language = chance.choice(_LANGUAGES)
    profile: Body = {
        "name": f"{first} {last}",
        "language": language,
        "time_zone": chance.choice(_ZONES),
        "account_id": _slug(company),
        "role": chance.choice(_ROLES),
        "segment": _SEGMENTS[number % len(_SEGMENTS)],
        "cohort": chance.choice(("annual", "quarterly")),
        "stage": chance.choice(("new_customer", "renewal", "advocate")),
    }
    if email:
        profile["email"] = email
    return Person(customer_id, _slug(company), f"{first} {last}", email, language, profile)


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name).lower().split())
