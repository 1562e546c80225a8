"""When a delivery may happen: days after the answer, in working time, never at night. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

from runtime.business_hours import Calendar, Span, next_opening

_SPAN = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)$")
_DAYS_A_WEEK = 7


class Deliver(StrEnum):
    """At which hours a delivery may happen."""

    AT_ONCE = "at_once"
    BUSINESS_HOURS = "business_hours"
    """Working time of the customer's owner, else of the team."""
    OUTSIDE_QUIET_HOURS = "outside_quiet_hours"
    """Not while the respondent sleeps."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """When respondents are left alone, in their own time zone."""

    begins: time
    ends: time

    @lru_cache(maxsize=1024)  # noqa: B019 - quiet hours live as long as the rules, of which few are in memory
    def calendar(self, time_zone: str | None) -> Calendar:
        """When they may hear from us; a zone that is not known is taken as UTC."""
        try:
            ZoneInfo(time_zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            time_zone = None
        return Calendar(time_zone or "UTC", (Span(self.ends, self.begins),) * _DAYS_A_WEEK)


def _quiet(written: object) -> object:
    if not isinstance(written, str):
        return written
    found = _SPAN.match(written.strip())
    try:
        hours = [int(part) for part in found.groups()] if found else []
        quiet = Quiet(time(hours[0], hours[1]), time(hours[2], hours[3]))
    except (ValueError, IndexError):
        raise ValueError(f"{written!r} are no hours; expected such as 21:00-08:00") from None
    if not quiet.ends < quiet.begins:
        raise ValueError(f"{written!r} does not go over midnight; expected such as 21:00-08:00")
    return quiet


QuietHours = Annotated[Quiet, BeforeValidator(_quiet)]
DEFAULT_QUIET_HOURS = Quiet(time(21), time(8))


@dataclass(frozen=True, slots=True)
class Timing:
    """When a delivery may happen, as a rule says it."""

    after: timedelta = timedelta()
    deliver: Deliver = Deliver.AT_ONCE


AT_ONCE = Timing()


@dataclass(frozen=True, slots=True)
class Calendars:
    """Of the two sides: `ours` says when the owner works, `theirs` when the respondent may be disturbed."""

    ours: Calendar
    theirs: Calendar


def not_before(timing: Timing, since: datetime, now: datetime, calendars: Calendars) -> datetime | None:
    """The first moment, from `now` on, at which it may be delivered; None: at once.

    `since` is when the person answered or was to be asked.
    """
    earliest = max(since + timing.after, now)
    match timing.deliver:
        case Deliver.BUSINESS_HOURS:
            earliest = next_opening(earliest, calendars.ours)
        case Deliver.OUTSIDE_QUIET_HOURS:
            earliest = next_opening(earliest, calendars.theirs)
        case Deliver.AT_ONCE:
            pass
    return earliest if earliest > now else None
