"""You said, we did: whom a change is told to that they asked for, and who is left out and why. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.event import NAMESPACE, derived_id

MOST_RECIPIENTS = 20_000
"""Of one announcement: more than so many are no answer to what somebody said."""


class LeftOut(StrEnum):
    """Why a respondent is not written to; the first that holds."""

    FORGOTTEN = "are forgotten, or were"
    COLLEAGUE = "are colleagues or tests"
    REFUSES = "want no mail"
    NO_ADDRESS = "have no address"
    UNKNOWN_WISH = "never said in a profile that reached us whether they want mail"
    TOLD = "were told something since they answered"


@dataclass(frozen=True, slots=True)
class Respondent:
    """Somebody whose answer fits."""

    person: str
    has_address: bool
    refuses: bool | None
    """None: not known."""
    is_internal: bool
    is_forgotten: bool
    """And has no profile since."""
    answered_at: datetime
    """Their latest answer that fits."""
    response_id: UUID
    """That answer."""
    told_at: datetime | None
    """When they were last told that something was done."""

    def left_out(self) -> LeftOut | None:
        """Why they are not written to; None: they are."""
        is_told = self.told_at is not None and self.told_at >= self.answered_at
        reasons = (
            (LeftOut.FORGOTTEN, self.is_forgotten),
            (LeftOut.COLLEAGUE, self.is_internal),
            (LeftOut.REFUSES, self.refuses is True),
            (LeftOut.NO_ADDRESS, not self.has_address),
            (LeftOut.UNKNOWN_WISH, self.refuses is None),
            (LeftOut.TOLD, is_told),
        )
        return next((reason for reason, holds in reasons if holds), None)


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an announcement reaches, and how many it does not by the reason."""

    reached: Sequence[Respondent]
    left_out: Counter[LeftOut]


def audience(respondents: Iterable[Respondent]) -> Audience:
    """Sorts out respondents, each of whom is there once."""
    reached: list[Respondent] = []
    left_out: Counter[LeftOut] = Counter()
    for one in respondents:
        reason = one.left_out()
        if reason is None:
            reached.append(one)
        else:
            left_out[reason] += 1
    return Audience(reached, left_out)


class Mail(BaseModel):
    """What is written to everybody."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    subject: str = Field(min_length=1, max_length=150)
    words: str = Field(min_length=1, max_length=5_000)


def mistakes(error: ValidationError) -> str:
    """What is wrong with a mail, in words for whoever typed it."""
    named = {"subject": "The subject", "words": "The text"}
    limits = {"subject": 150, "words": 5_000}
    fields = dict.fromkeys(str(one["loc"][0]) for one in error.errors())
    return " ".join(f"{named[field]} needs 1 to {limits[field]:,} characters." for field in fields)


def delivery_id(announcement_id: UUID, person: str) -> UUID:
    """The same for the same person however often it is asked for."""
    return derived_id(NAMESPACE, "you_said_we_did", str(announcement_id), person)
