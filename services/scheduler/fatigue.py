"""How often people are asked, over all programs, channels and vendors together."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from services.scheduler.audience import AudienceCondition, Known
from services.scheduler.program import Config, Days, Percent

LEAST_GAP = timedelta(days=30)
"""Nobody is asked more often than this, whatever a file says."""


class CohortGap(Config):
    """A gap of its own for some people."""

    who: AudienceCondition
    gap_days: int = Field(ge=LEAST_GAP.days, le=730)


class AccountLimit(Config):
    """Not all contacts of an account at once."""

    people: int = Field(ge=1)
    within_days: Days


class Fatigue(Config):
    """How often one person may be asked, over all programs, channels and vendors together."""

    gap_days: int = Field(default=180, ge=LEAST_GAP.days, le=730)
    cohorts: tuple[CohortGap, ...] = ()
    """The first whose condition holds counts instead of `gap_days`."""
    per_account: AccountLimit | None = None
    daily_cap: Annotated[int, Field(ge=1)] | None = None
    """How many are asked in a day (UTC) at most, over all programs."""
    hold_out_percent: Percent = 0
    """People who are never asked, to compare with; always the same ones."""

    def gap(self, known: Known) -> timedelta:
        """The least time between two surveys of a person; a cohort that cannot be told is not theirs."""
        return timedelta(
            days=next((cohort.gap_days for cohort in self.cohorts if _is(known, cohort)), self.gap_days)
        )

    def least_gap(self, audience: AudienceCondition | None) -> timedelta:
        """That of the cohort that is asked most often, of those who may be in an audience.

        A cohort is outside where the audience says so in its words, `... && !(who)`: two conditions cannot be
        compared otherwise without asking everybody.
        """
        said = frozenset() if audience is None else _conjuncts(audience.source)
        inside = [cohort.gap_days for cohort in self.cohorts if f"!({_plain(cohort.who.source)})" not in said]
        return timedelta(days=min([self.gap_days, *inside]))


def _conjuncts(source: str) -> frozenset[str]:
    """What must hold together for a CEL expression to be true, as far as that can be read off it."""
    parts, depth = [""], 0
    for word in re.split(r"(&&|\|\||[()?])", source):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in ("||", "?"):
            return frozenset()
        if depth == 0 and word == "&&":
            parts.append("")
        else:
            parts[-1] += word
    return frozenset(_plain(part) for part in parts)


def _plain(source: str) -> str:
    return "".join(source.split())


def _is(known: Known, cohort: CohortGap) -> bool:
    try:
        return known.holds(cohort.who)
    except ValueError:
        return False
