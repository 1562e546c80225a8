"""What the demo puts in, what must come of it, and what did: the same table twice, compared line by line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sandbox.sample.answers import Answers, functions_by_comment
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
    PRODUCT_CARDS = "Slack #product-feedback cards"
    SUPPORT_CARDS = "Slack #support cards"
    FINANCE_CARDS = "Slack #finance cards"
    SALES_CARDS = "Slack #sales cards"
    MARKETING_CARDS = "Slack #marketing cards"
    KUDOS = "Slack #kudos"
    OWNER_CARDS = "Slack cards to an account's owner"
    CASES = "Salesforce Cases"
    CASE_COMMENTS = "comments on a Case of the same person"
    TASKS = "Salesforce Tasks"
    RECORDS = "answers in Salesforce"
    HEALTH = "scores sent to customer success"
    MARKETING = "marketing calls"
    THANKS = "automatic answers by mail"
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
_FUNCTIONS = functions_by_comment()
_RENEWAL_DAYS = 90
_CADENCE = ((4, (3, 10, 24)), (6, (5, 19)), (8, (14,)))
"""Highest score of a band, and after how many days its steps come."""
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


@dataclass(frozen=True)
class PutIn:
    """What the demo put in so far."""

    answers: Answers
    histories: list[History]
    survey_answers: list[Body]
    accounts: Mapping[str, Body]
    began_on: date
    days_later: int
    """How far the business clock was turned after `answers` and before `survey_answers`."""


def expected(put_in: PutIn) -> Tally:
    """What must have come of the sample and of the answers given to the surveys it caused.

    Counted from what was sent, answer by answer, without the product's own rules or code paths: each answer
    once however often it was sent, and only those with `effects: record` silent.
    """
    sent = put_in.answers.sent
    elsewhere = [answer for history in put_in.histories for answer in history.answers]
    first = {str(body["source_id"]): body for body in reversed([*sent, *elsewhere])}
    distinct = _newest([*sent, *elsewhere])
    everything = [*distinct.values(), *put_in.survey_answers]
    tally = classified(_group(body) for body in everything)
    tally[Line.RECEIVED] = len(everything)
    with_case: set[str] = set()
    for body in everything:
        if body.get("effects") == "record":
            continue
        if _group(body) in _LOW:
            tally[Line.CASE_COMMENTS if _person(body) in with_case else Line.CASES] += 1
            with_case.add(_person(body))
        # Whoever wrote nothing at first had the automatic answer before the comment came.
        said_nothing = not first.get(str(body.get("source_id")), body).get("comment")
        tally[Line.THANKS] += bool(_email(body)) and said_nothing
        tally.update(_shown(body))
        tally[Line.TASKS] += _is_at_risk(body, put_in) + (_group(body) is Group.PROMOTER)
    tally[Line.MARKETING] += sum(_steps(distinct.values(), put_in.days_later))
    tally[Line.SURVEYS] = sum(history.plot in ASKED_ONCE for history in put_in.histories)
    return tally


def _newest(bodies: Iterable[Body]) -> dict[str, Body]:
    """Each answer as it stands: one that is sent again as it was takes back no comment."""
    newest: dict[str, Body] = {}
    for body in bodies:
        known = newest.setdefault(str(body["source_id"]), body)
        if str(body.get("updated_at", "")) > str(known.get("updated_at", "")):
            newest[str(body["source_id"])] = body
    return newest


def _shown(body: Body) -> Counter[Line]:
    """What an answer leads to at once, whoever gave it."""
    group = _group(body)
    is_low, is_middle, has_comment = group in _LOW, group in _MIDDLE, bool(body.get("comment"))
    functions = _FUNCTIONS.get(str(body.get("comment")), frozenset())
    praises = has_comment and not (is_low or is_middle)
    return Counter(
        {
            Line.SUCCESS_CARDS: is_low or (is_middle and has_comment),
            Line.PRODUCT_CARDS: is_middle or "Product" in functions,
            Line.SUPPORT_CARDS: "Support" in functions,
            Line.FINANCE_CARDS: "Finance" in functions,
            Line.SALES_CARDS: "Sales" in functions,
            Line.MARKETING_CARDS: "Marketing" in functions,
            Line.KUDOS: praises,
            Line.OWNER_CARDS: praises,
            Line.RECORDS: True,
            Line.HEALTH: True,
            Line.MARKETING: not is_low,
        }
    )


def _is_at_risk(body: Body, put_in: PutIn) -> bool:
    """Whether it is no good answer, and the account's renewal is near."""
    is_of_survey = "source_id" not in body
    today = put_in.began_on + timedelta(days=put_in.days_later if is_of_survey else 0)
    renewal = date.fromisoformat(str(put_in.accounts[str(body["account_id"])]["renewal_date"]))
    return _group(body) in _LOW | _MIDDLE and 0 <= (renewal - today).days <= _RENEWAL_DAYS


def _steps(bodies: Iterable[Body], days_later: int) -> Iterator[int]:
    """How many steps of a cadence have come for each answer; a person's next answer ends it."""
    latest = {_person(body): body for body in bodies if body.get("effects") != "record"}
    for body in latest.values():
        if body["metric"] == "nps" and _email(body):
            days = next((days for top, days in _CADENCE if int(str(body["score"])) <= top), ())
            yield sum(after <= days_later for after in days)


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
