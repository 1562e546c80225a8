"""Figures as people read them: rounded, with their margins and denominators. Pure."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from schemas.scales import Metric
from services.insights.definitions import Change, Interval, Score, Share
from services.insights.web.axis import MINUS

NAMES: dict[Metric, str] = {Metric.NPS: "NPS", Metric.CSAT: "CSAT", Metric.CES: "CES"}
"""What people call the metrics."""
RANGES: dict[Metric, tuple[float, float]] = {
    Metric.NPS: (-100, 100),
    Metric.CSAT: (0, 100),
    Metric.CES: (1, 7),
}
"""The least and the most that a metric's score can be."""
HEARD_BACK = {"contacted": "were contacted", "mailed": "had a mail alone", "none": "heard nothing"}
"""What somebody heard from us after an answer."""
_UNITS = {Metric.NPS: "", Metric.CSAT: "\N{NO-BREAK SPACE}%", Metric.CES: ""}
_DIGITS = {Metric.NPS: 0, Metric.CSAT: 0, Metric.CES: 1}
NOTHING = "\N{EN DASH}"


def number(value: float, digits: int = 0, *, signed: bool = False) -> str:
    """Rounded, with a real minus sign, never minus nothing."""
    rounded = round(value, digits) + 0.0
    return f"{rounded:{'+' if signed and rounded else ''},.{digits}f}".replace("-", MINUS)


def value_of(score: Score) -> str:
    """The score alone, in its unit."""
    if score.value is None:
        return NOTHING
    return number(score.value, _DIGITS[score.metric]) + _UNITS[score.metric]


def margin_of(score: Score) -> str:
    """What may be added or taken away, or of a share where it lies; nothing where there is no score."""
    if score.margin is None or score.interval is None:
        return ""
    if score.metric is Metric.CSAT:
        return f"({reach(score.interval)})"
    return f"± {number(score.margin, _DIGITS[score.metric])}"


def with_margin(score: Score) -> str:
    """The score and its margin: `10 ± 15`, of CSAT `80 % (63 to 91)`."""
    return f"{value_of(score)} {margin_of(score)}".strip()


def reach(interval: Interval, digits: int = 0) -> str:
    """From where to where."""
    return f"{number(interval.low, digits)} to {number(interval.high, digits)}"


def changed(change: Change | None, metric: Metric) -> str:
    """By how much a score changed, and whether that says anything."""
    if change is None:
        return "nothing to compare with"
    digits = _DIGITS[metric]
    told = f"{number(change.value, digits, signed=True)} ± {number(change.margin, digits)}"
    if change.is_low:
        return f"{told}, too few answers to tell"
    return f"{told}, a significant change" if change.is_significant else f"{told}, within chance"


def percent(share: Share) -> str:
    """A share of 100, rounded."""
    return NOTHING if share.percent is None else f"{number(share.percent)}\N{NO-BREAK SPACE}%"


def day(one: date) -> str:
    """A day that is read the same everywhere: 3 May 2026."""
    return f"{one.day} {one:%b %Y}"


def moment(at: datetime) -> str:
    """A day and a time of it, in the zone that `at` is told in: 3 May 2026, 14:05."""
    return f"{day(at)}, {at:%H:%M}"


def duration(lasted: timedelta) -> str:
    """How long, in the unit that tells most: minutes below two hours, hours below two days, else days."""
    hours = lasted.total_seconds() / 3600
    for limit, factor, unit in ((2, 60, "minutes"), (48, 1, "hours")):
        if hours < limit:
            return f"{number(hours * factor)} {unit}"
    return f"{number(hours / 24)} days"


def sentence(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]


def named(value: str) -> str:
    """A value of a dimension; the empty one stands for what is not known."""
    return value.replace("_", " ") if value else "not known"


FILTERS: dict[str, Callable[..., str]] = {
    "value_of": value_of,
    "margin_of": margin_of,
    "with_margin": with_margin,
    "changed": changed,
    "percent": percent,
    "reach": reach,
    "number": number,
    "day": day,
    "duration": duration,
    "moment": moment,
    "named": named,
    "sentence": sentence,
}
"""Under these names templates use them."""
