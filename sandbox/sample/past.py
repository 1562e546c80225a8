"""What the invented customers answered in the year before: it fills the pages, and alerts nobody."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from sandbox.sample.answers import RESPONDENTS, comments, identified
from sandbox.sample.customers import Body, Person

_MONTHS = 12
_DAYS = 30  # of a month
_SHARE = 0.15  # of the people, each month
_COMMENTED = 0.5
_SCORES = ((0, 2, 3, 4, 5, 6, 6), (7, 7, 8, 8, 8), (9, 9, 10, 10))
"""Of detractors, passives and promoters."""
_RELEASES = {"Faster exports": 57, "New navigation": 216}
"""How many days ago each was launched."""
_BEGINNING, _END = (38, 39, 23), (24, 38, 38)
"""How many of a hundred belong to each group in the first month and the last: they get better."""


def past(now: datetime) -> list[Body]:
    """Bodies of `POST /v1/responses`, some 450: the answers of 4 to 364 days before `now` (UTC)."""
    chance = Random("past")  # noqa: S311 - a repeatable sample
    words = comments()
    return [
        _answer(chance, words, person, month, now)
        for month in range(_MONTHS)
        for person in RESPONDENTS
        if chance.random() < _SHARE
    ]


def releases(now: datetime) -> list[Body]:
    """Bodies of `POST /v1/lifecycle-events`: two releases before `now` (UTC)."""
    return [
        {
            "moment": "release_launched",
            "source_id": f"release-{name}",
            "occurred_at": (now - timedelta(days=days)).isoformat(timespec="milliseconds"),
            "context": {"release": name},
        }
        for name, days in _RELEASES.items()
    ]


def _answer(
    chance: Random, words: dict[str, Iterator[Body]], person: Person, month: int, now: datetime
) -> Body:
    [level] = chance.choices(range(3), tuple(_weights(month)))
    answered_at = now - timedelta(days=_DAYS * (_MONTHS - 1 - month) + chance.uniform(4, 4 + _DAYS))
    body: Body = {
        "source_id": f"past-{month}-{person.customer_id}",
        "metric": "nps",
        "score": chance.choice(_SCORES[level]),
        "responded_at": answered_at.isoformat(timespec="milliseconds"),
        "respondent": identified(person),
        "account_id": person.account_id,
        "language": person.language,
        "program": "relationship",
        "channel": chance.choice(("email", "in_app", "web")),
        "effects": "record",
    }
    if chance.random() < _COMMENTED:
        comment = next(words[("detractor", "passive", "promoter")[level]])
        body |= {"comment": comment["text"], "language": comment["language"]}
    return body


def _weights(month: int) -> Iterator[float]:
    for first, last in zip(_BEGINNING, _END, strict=True):
        yield first + (last - first) * month / (_MONTHS - 1)
