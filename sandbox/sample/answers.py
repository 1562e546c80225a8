"""What the invented customers answered: every metric and group, several languages, late comments, repeats."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random

import yaml

from sandbox.sample.customers import Body, Person, people

_COMMENTS = Path(__file__).parent / "comments.yaml"
# Of a hundred answers 35 are promoters', 40 passives' and 25 detractors', which is an NPS of 10.
_NPS_SCORES = (0, 1, 2, 3, 3, 4, 5, 5, 6, 6, *(7, 8) * 8, *(9, 10) * 7)
_CSAT_SCORES = (1, 2, 3, 4, 4, 5, 5)
_CES_SCORES = (1, 2, 3, 4, 5, 6, 6, 7)
_COMMENTED = 0.7
RESPONDENTS = tuple(people(255, prefix="customer", without_email=frozenset(range(7, 255, 25))))
"""Who answers."""


@dataclass(frozen=True)
class Answers:
    """Bodies of `POST /v1/responses`, in the order in which they are sent."""

    first: list[Body]
    """One for each answer."""
    later: list[Body]
    """The same answers again: a comment that came after the score, and plain repeats."""

    @property
    def sent(self) -> list[Body]:
        """All calls."""
        return [*self.first, *self.later]


def answers(now: datetime) -> Answers:
    """306 answers of 255 people within the two days before `now` (UTC), 30 late comments and 20 repeats."""
    chance = Random("answers")  # noqa: S311 - a repeatable sample
    words = comments()
    first: list[Body] = []
    asked = [("nps", person) for person in RESPONDENTS]
    asked += [("csat", person) for person in RESPONDENTS[::10]]
    asked += [("ces", person) for person in RESPONDENTS[5::10]]
    for number, (metric, person) in enumerate(asked):
        body = _answer(chance, number, metric, person, now)
        if chance.random() < _COMMENTED:
            body |= _comment(metric, body["score"], words)
        first.append(body)
    silent = [body for body in first if "comment" not in body][:30]
    late = [
        body | _comment(str(body["metric"]), body["score"], words) | {"updated_at": _iso(now)}
        for body in silent
    ]
    return Answers(first, late + first[40:60])


def comments() -> dict[str, Iterator[Body]]:
    """What detractors, passives and promoters write, each group over and over again."""
    written = yaml.safe_load(_COMMENTS.read_text(encoding="utf-8"))
    return {group: cycle(texts) for group, texts in written.items()}


def functions_by_comment() -> dict[str, frozenset[str]]:
    """Whom each of the sample's comments concerns."""
    written = yaml.safe_load(_COMMENTS.read_text(encoding="utf-8"))
    return {one["text"]: frozenset(one["functions"]) for group in written.values() for one in group}


def identified(person: Person) -> Body:
    """The person as the company's product names them in an answer."""
    respondent: Body = {"customer_id": person.customer_id, "name": person.name}
    return respondent | {"email": person.email} if person.email else respondent


def _answer(chance: Random, number: int, metric: str, person: Person, now: datetime) -> Body:
    scores = {"nps": _NPS_SCORES, "csat": _CSAT_SCORES, "ces": _CES_SCORES}[metric]
    return {
        "source_id": f"sample-{number}",
        "metric": metric,
        "score": chance.choice(scores),
        "responded_at": _iso(now - timedelta(minutes=chance.randrange(5, 2 * 24 * 60))),
        "respondent": identified(person),
        "account_id": person.account_id,
        "language": person.language,
        "program": {"nps": "relationship", "csat": "support", "ces": "onboarding"}[metric],
        "channel": chance.choice(("email", "in_app", "web")),
    }


def _comment(metric: str, score: object, words: dict[str, Iterator[Body]]) -> Body:
    lines = {"nps": (6, 8), "csat": (2, 3), "ces": (3, 4)}[metric]
    level = sum(int(str(score)) > line for line in lines)
    comment = next(words[("detractor", "passive", "promoter")[level]])
    return {"comment": comment["text"], "language": comment["language"]}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
