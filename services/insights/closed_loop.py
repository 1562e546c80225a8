"""What was done about answers and what it changed, and who answered of those who were asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from schemas.scales import GROUPS
from services.insights.counting import OF_REQUESTS, Counting
from services.insights.definitions import Share
from services.insights.figures import Step, spans_of
from services.insights.filters import Dimension, Filter
from services.insights.standing import DAY, NO, NONE, YES


@dataclass(frozen=True, slots=True)
class HeardBack:
    """Of the answers of one group: who heard from us, and from whom."""

    group: str
    contacted: Share
    """Somebody spoke or wrote to them."""
    answered: Share
    """Somebody did, or the product mailed them."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What unhappy people said the next time, of those who did answer again."""

    answers: int
    """Those whose next score is looked at, and those who have not answered again."""
    higher: Share
    """The next score is higher."""
    converted: Share
    """The next score is of the highest group."""


@dataclass(frozen=True, slots=True)
class Response:
    """Who answered, of those whom a survey was sent in the period."""

    value: str
    """Of the dimension it is told by; a day where it is told by days."""
    answered: Share
    open: int
    """Requests that can still be answered: until they close, the rate is immature."""

    @property
    def is_immature(self) -> bool:
        """More answers may come."""
        return self.open > 0


@dataclass(frozen=True, slots=True)
class Cohort:
    """The surveys sent on some days, both ends included."""

    since: date
    until: date
    response: Response


def heard_back(counting: Counting, wanted: Filter) -> tuple[HeardBack, ...]:
    """Who heard from us, by group from the lowest. The others are `heard_back=none` of a filter."""
    found = counting.crossed(wanted, Dimension.GROUP, Dimension.HEARD_BACK)
    rows = []
    for group in GROUPS[wanted.metric]:
        of_group = {how: answers for (its, how), answers in found.items() if its == group}
        everybody, contacted = sum(of_group.values()), of_group.get("contacted", 0)
        answered = Share(everybody - of_group.get(NONE, 0), everybody)
        rows.append(HeardBack(group, Share(contacted, everybody), answered))
    return tuple(rows)


def first_contact_in_time(counting: Counting, wanted: Filter) -> Share:
    """First contacts that met their target, in business hours, of those made or missed."""
    found = counting.by_value(wanted, Dimension.SLA)
    met, missed = (found[one].answers if one in found else 0 for one in ("met", "missed"))
    return Share(met, met + missed)


def recovery(counting: Counting, wanted: Filter) -> Mapping[str, Recovery]:
    """What the lowest group said the next time, by what they heard from us.

    Who was contacted was not drawn by lot: the difference shows what went together, not what caused it.
    """
    lowest, *_, highest = GROUPS[wanted.metric]
    unhappy = wanted.choosing(Dimension.GROUP, lowest)
    turns = counting.crossed(unhappy, Dimension.HEARD_BACK, Dimension.TURN)
    nexts = counting.crossed(unhappy, Dimension.HEARD_BACK, Dimension.NEXT)
    found = {}
    for how in ("contacted", "mailed", NONE):
        answers = sum(number for (its, _), number in turns.items() if its == how)
        again = answers - turns.get((how, NONE), 0)
        higher, converted = turns.get((how, "higher"), 0), nexts.get((how, highest), 0)
        found[how] = Recovery(answers, Share(higher, again), Share(converted, again))
    return found


def response(counting: Counting, wanted: Filter, today: date) -> Response:
    """The response rate of the surveys sent in the period."""
    rows = response_by(counting, wanted, Dimension.CHANNEL, today)
    answered = sum(row.answered.part for row in rows)
    asked = sum(row.answered.whole for row in rows)
    return Response("", Share(answered, asked), sum(row.open for row in rows))


def response_cohorts(counting: Counting, wanted: Filter, step: Step, today: date) -> tuple[Cohort, ...]:
    """The response rate by days, weeks or months of sending, the oldest first; all of the period."""
    days = response_by(counting, wanted, None, today)
    found = []
    for since, until in spans_of(wanted, step):
        sent = [row for row in days if str(since) <= row.value <= str(until)]
        answered = Share(sum(row.answered.part for row in sent), sum(row.answered.whole for row in sent))
        found.append(Cohort(since, until, Response("", answered, sum(row.open for row in sent))))
    return tuple(found)


def response_by(
    counting: Counting, wanted: Filter, dimension: Dimension | None, today: date
) -> tuple[Response, ...]:
    """The response rate by a dimension of those asked, the most asked first; None: by day of sending.

    Raises ValueError for a dimension that only answers have.
    """
    if dimension is not None and dimension not in OF_REQUESTS:
        raise ValueError(f"nobody is asked by {dimension}")
    by = DAY if dimension is None else dimension
    found = counting.asked(wanted, by)
    still_open = counting.asked(wanted, by, closing_after=today)
    rows = []
    for value in {value for value, _ in found}:
        answered, silent = found.get((value, YES), 0), found.get((value, NO), 0)
        rows.append(Response(value, Share(answered, answered + silent), still_open.get((value, NO), 0)))
    if dimension is None:
        return tuple(sorted(rows, key=lambda row: row.value))
    return tuple(sorted(rows, key=lambda row: (-row.answered.whole, row.value)))
