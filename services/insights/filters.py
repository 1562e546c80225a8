"""Which answers a page is about: read from, and written to, the parameters of its address. Pure."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Self, TypeVar

from schemas.scales import Metric

DEFAULT_DAYS = 90
LONGEST_DAYS = 3_660
"""Ten years."""
MOST_VALUES = 50
LONGEST_VALUE = 320

E = TypeVar("E", bound=StrEnum)


class Dimension(StrEnum):
    """What answers are told apart by. An empty value stands for what is not known."""

    SEGMENT = "segment"
    COHORT = "cohort"
    ROLE = "role"
    STAGE = "stage"
    """Of the person's life as a customer."""
    PRODUCT = "product"
    OWNER = "owner"
    """Address of who owns the account."""
    PROGRAM = "program"
    CHANNEL = "channel"
    SOURCE = "source"
    THEME = "theme"
    """An answer may have several, or none."""
    FUNCTION = "function"
    """Department; an answer may concern several, or none."""
    SENTIMENT = "sentiment"
    GROUP = "group"
    SCORE = "score"
    BEFORE = "before"
    """Group of the person's previous answer of the metric; `first` where there is none."""
    NEXT = "next"
    """Group of the person's next answer of the metric; `none` where there is none yet."""
    TURN = "turn"
    """Whether the next score is `higher`, `lower` or the `same`; `none` where there is none yet."""
    HEARD_BACK = "heard_back"
    """What the person heard from us: somebody `contacted` them, they were `mailed` by the product, `none`."""
    SLA = "sla"
    """Whether the first contact was in time: `met` or `missed`; empty where none was made or due."""
    WISH = "wish"
    """What the person offered to do for us: topics of their consents."""
    ADVOCACY = "advocacy"
    """What became of it, in the marketing platform's latest words, such as `published`."""
    LOST_AFTER = "lost_after"
    """Of lost customers: within how many days of the answer, a value of `Within`; `later`, or `before` it."""


_DIMENSIONS = {dimension.value: dimension for dimension in Dimension}


class Rolling(StrEnum):
    """A trailing window, for trends without the noise of single days."""

    MONTH = "30"
    QUARTER = "90"

    @property
    def days(self) -> int:
        """Its width."""
        return int(self)


class Within(StrEnum):
    """So soon after an answer a customer was lost."""

    MONTH = "30"
    QUARTER = "90"
    HALF_YEAR = "180"
    YEAR = "365"

    @property
    def days(self) -> int:
        """How many days that is."""
        return int(self)


class BadFilter(ValueError):
    """A parameter cannot be used. Its text says which and what is expected, in words for who typed it."""

    def __init__(self, parameter: str, expected: str) -> None:
        super().__init__(f"{parameter}: expected {expected}")
        self.parameter = parameter
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Filter:
    """Counted answers of one metric, given from `since` to `until`, both days included.

    `chosen` holds the accepted values by dimension, in the order of `Dimension`; an answer has to fit all
    dimensions that are named. Prospects and lost customers are left out unless stages are chosen, or when
    customers were lost.
    """

    metric: Metric
    since: date
    until: date
    rolling: Rolling | None = None
    chosen: tuple[tuple[Dimension, tuple[str, ...]], ...] = ()

    @property
    def days(self) -> int:
        """Length of the period."""
        return (self.until - self.since).days + 1

    def of(self, dimension: Dimension) -> tuple[str, ...]:
        """The accepted values of a dimension; none: all are."""
        return dict(self.chosen).get(dimension, ())

    def choosing(self, dimension: Dimension, *values: str) -> Self:
        """The same with these values of the dimension alone; without values the dimension is free again."""
        chosen = dict(self.chosen) | {dimension: tuple(dict.fromkeys(values))}
        ordered = tuple((one, chosen[one]) for one in Dimension if chosen.get(one))
        return replace(self, chosen=ordered)

    @property
    def leaves_out(self) -> bool:
        """Whether prospects and lost customers are left out."""
        return not (self.of(Dimension.STAGE) or self.of(Dimension.LOST_AFTER))

    def between(self, since: date, until: date) -> Self:
        """The same in another period."""
        return replace(self, since=since, until=until)

    def before(self) -> Self:
        """The period of the same length that ends the day before this one begins."""
        return self.between(self.since - timedelta(days=self.days), self.since - timedelta(days=1))

    def parameters(self) -> list[tuple[str, str]]:
        """What an address says to mean this filter; `read` understands it."""
        said = [("metric", self.metric.value), ("from", str(self.since)), ("to", str(self.until))]
        if self.rolling:
            said.append(("rolling", self.rolling.value))
        return said + [(dimension.value, value) for dimension, values in self.chosen for value in values]


def read(parameters: Iterable[tuple[str, str]], today: date) -> Filter:
    """The filter that an address means; parameters of other purposes are passed over.

    `from` and `to` are days of the reporting time zone; without them it is the 90 days up to today. A
    dimension may be named several times. Raises BadFilter.
    """
    single: dict[str, str] = {}
    chosen: dict[Dimension, list[str]] = {}
    for name, value in parameters:
        if name in _DIMENSIONS:
            chosen.setdefault(_DIMENSIONS[name], []).append(_value(name, value))
        elif value:
            single[name] = value
    until = _day("to", single.get("to"), today)
    since = _day("from", single.get("from"), until - timedelta(days=DEFAULT_DAYS - 1))
    if not since <= until < since + timedelta(days=LONGEST_DAYS):
        raise BadFilter("from", f"a day not after `to`, and at most {LONGEST_DAYS} days before it")
    metric = one_of(Metric, "metric", single.get("metric", Metric.NPS))
    rolling = one_of(Rolling, "rolling", single["rolling"]) if "rolling" in single else None
    wanted = Filter(metric, since, until, rolling)
    for dimension, values in chosen.items():
        if len(values) > MOST_VALUES:
            raise BadFilter(dimension, f"at most {MOST_VALUES} values")
        wanted = wanted.choosing(dimension, *values)
    return wanted


def one_of(kind: type[E], name: str, text: str, among: Container[E] | None = None) -> E:
    """The member of that value, one of `among` where those are given. Raises BadFilter."""
    allowed = [one for one in kind if among is None or one in among]
    for one in allowed:
        if one.value == text:
            return one
    raise BadFilter(name, " or ".join(one.value for one in allowed))


def _day(name: str, text: str | None, otherwise: date) -> date:
    if text is None:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadFilter(name, "a day such as 2026-11-22") from None


def _value(name: str, text: str) -> str:
    if len(text) > LONGEST_VALUE or "\x00" in text:
        raise BadFilter(name, f"at most {LONGEST_VALUE} characters")
    return text
