"""Days after something happened to a person, to an account, or to everybody."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from schemas.lifecycle import Moment
from services.scheduler.facts import Occasion
from services.scheduler.triggers import Asking, BaseTrigger

DAYS_TO_MEET_A_RELEASE = 5


def _one_or_more(written: object) -> object:
    return [written] if isinstance(written, str) else written


class Trigger(BaseTrigger):
    """One of some lifecycle moments, and a delay."""

    KEY: ClassVar[str] = "lifecycle"

    lifecycle: Annotated[tuple[Moment, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
    delay_days: int = Field(default=0, ge=0, le=730)

    @model_validator(mode="after")
    def _a_release_is_used_first(self) -> Self:
        if Moment.RELEASE_LAUNCHED in self.lifecycle and self.delay_days < DAYS_TO_MEET_A_RELEASE:
            raise ValueError(
                f"people meet a release first: expected a delay_days of at least {DAYS_TO_MEET_A_RELEASE}"
            )
        return self

    @cached_property
    def moments(self) -> frozenset[str]:
        """Those of the file."""
        return frozenset(self.lifecycle)

    @property
    def delay(self) -> timedelta:
        """The days of the file."""
        return timedelta(days=self.delay_days)

    def occasions(self, asking: Asking) -> Iterator[Occasion]:
        """Each of these moments; an account's only for its contacts."""
        for happened in asking.happenings:
            concerns = happened.person or not happened.account_id or asking.is_contact
            if happened.moment in self.moments and concerns and happened.occurred_at >= asking.since:
                yield happened.occasion()
