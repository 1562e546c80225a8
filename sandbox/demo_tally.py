"""What the demo puts in, what must come of it, and what did: the same table twice, compared line by line."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sandbox.sample.answers import Answers
from sandbox.sample.customers import Body
from sandbox.sample.histories import ASKED_ONCE, History
from schemas.scales import Group, Metric, group_of


class Line(StrEnum):
    """A line of the demo's table."""

    RECEIVED = "answers received"
    PROMOTER = "classified promoter"
    PASSIVE = "classified passive"
    DETRACTOR = "classified detractor"
    POSITIVE = "classified positive (CSAT, CES)"
    NEUTRAL = "classified neutral (CSAT, CES)"
    NEGATIVE = "classified negative (CSAT, CES)"
    SUCCESS_CARDS = "Slack #customer-success cards"
    CASES = "Salesforce Cases"
    CASE_COMMENTS = "comments on a Case of the same person"
    PRODUCT_CARDS = "Slack #product-feedback cards"
    MARKETING = "marketing calls"
    THANKS = "thank-you mails"
    SURVEYS = "survey mails"
    FAILED = "deliveries failed"
    REPEATED = "delivered twice"
    DEAD_LETTERS = "dead letters"


Tally = Mapping[Line, int]

_OF_GROUP = {
    Group.PROMOTER: Line.PROMOTER,
    Group.PASSIVE: Line.PASSIVE,
    Group.DETRACTOR: Line.DETRACTOR,
    Group.POSITIVE: Line.POSITIVE,
    Group.NEUTRAL: Line.NEUTRAL,
    Group.NEGATIVE: Line.NEGATIVE,
}
_LOW = frozenset({Group.DETRACTOR, Group.NEGATIVE})
_MIDDLE = frozenset({Group.PASSIVE, Group.NEUTRAL})


@dataclass(frozen=True)
class Difference:
    """A line where what came is not what must have come."""

    line: Line
    expected: int
    found: int


def classified(groups: Iterable[Group]) -> Counter[Line]:
    """Lines of the classified answers."""
    return Counter(_OF_GROUP[group] for group in groups)


def expected(answers: Answers, histories: list[History], survey_answers: list[Body]) -> Tally:
    """What must have come of the sample and of the answers given to the surveys it caused.

    Counted from what was sent, answer by answer, without the product's own rules or code paths: each answer
    once however often it was sent, and only those with `effects: record` silent.
    """
    elsewhere = [answer for history in histories for answer in history.answers]
    distinct = {str(body["source_id"]): body for body in [*answers.sent, *elsewhere]}
    everything = [*distinct.values(), *survey_answers]
    tally = classified(_group(body) for body in everything)
    tally[Line.RECEIVED] = len(everything)
    with_case: set[str] = set()
    for body in everything:
        if body.get("effects") == "record":
            continue
        group = _group(body)
        tally[Line.SUCCESS_CARDS] += group in _LOW
        if group in _LOW:
            tally[Line.CASE_COMMENTS if _person(body) in with_case else Line.CASES] += 1
            with_case.add(_person(body))
        tally[Line.PRODUCT_CARDS] += group in _MIDDLE
        tally[Line.MARKETING] += group not in _LOW | _MIDDLE
        tally[Line.THANKS] += bool(_email(body))
    tally[Line.SURVEYS] = sum(history.plot in ASKED_ONCE for history in histories)
    return tally


def differences(expected: Tally, found: Tally) -> list[Difference]:
    """Lines that differ, in the table's order."""
    return [
        Difference(line, expected.get(line, 0), found.get(line, 0))
        for line in Line
        if expected.get(line, 0) != found.get(line, 0)
    ]


def _group(body: Body) -> Group:
    return group_of(Metric(str(body["metric"])), int(str(body["score"])))


def _person(body: Body) -> str:
    """Who answered: the strongest identifier given."""
    respondent = body.get("respondent")
    given = respondent if isinstance(respondent, dict) else {}
    return str(given.get("customer_id") or given.get("email") or body.get("source_id"))


def _email(body: Body) -> object:
    respondent = body.get("respondent")
    return respondent.get("email") if isinstance(respondent, dict) else None
