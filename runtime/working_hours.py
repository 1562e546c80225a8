"""Time zones, holidays and hours as people write them in YAML."""

from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holidays import list_supported_countries
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from runtime.business_hours import Span


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; expected one such as Europe/Berlin") from None
    return name


def _country(name: str) -> str:
    code, _, part = name.partition("-")
    parts = list_supported_countries().get(code)
    if parts is None or (part and part not in parts):
        raise ValueError(f"no holidays are known for {name!r}; expected a country such as DE, or DE-BY")
    return name


def _span(written: object) -> object:
    """`09:00-17:00`; YAML would read an unquoted 09:00 as a number, but not this."""
    if not isinstance(written, str):
        return written
    opens, _, closes = written.partition("-")
    try:
        span = Span(time.fromisoformat(opens.strip()), _closing(closes.strip()))
    except ValueError:
        raise ValueError(f"{written!r} is not a span of time; expected one such as 09:00-17:00") from None
    if span.closes != time.min and span.opens >= span.closes:
        raise ValueError(f"{written!r} ends before it begins")
    return span


def _closing(written: str) -> time:
    return time.min if written == "24:00" else time.fromisoformat(written)


TimeZone = Annotated[str, AfterValidator(_zone)]
"""IANA name."""
Country = Annotated[str, AfterValidator(_country)]
"""ISO 3166 code, also with a part of the country, such as DE-BY."""
Hours = Annotated[Span, BeforeValidator(_span)]


class WorkingHours(BaseModel):
    """Working time of each weekday, local; a day that is not named is off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mon: Hours | None = None
    tue: Hours | None = None
    wed: Hours | None = None
    thu: Hours | None = None
    fri: Hours | None = None
    sat: Hours | None = None
    sun: Hours | None = None

    @model_validator(mode="after")
    def _work_at_all(self) -> "WorkingHours":
        if not any(self.week):
            raise ValueError("names no working day; expected at least one, such as `mon: 09:00-17:00`")
        return self

    @property
    def week(self) -> tuple[Span | None, ...]:
        """From Monday to Sunday."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)


_OFFICE = Span(time(9), time(17))
OFFICE_HOURS = WorkingHours(mon=_OFFICE, tue=_OFFICE, wed=_OFFICE, thu=_OFFICE, fri=_OFFICE)
