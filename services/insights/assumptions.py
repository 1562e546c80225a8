"""What the worth of keeping customers is reckoned with: defaults that an address may change. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Self

from services.insights.filters import BadFilter, Within, one_of

MOST_DAYS = 365
MOST_ARR = 1e12


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Each has a parameter of its own name."""

    churned_within: Within = Within.MONTH
    """So soon after an answer a loss counts as following it."""
    saved_after_days: int = 90
    """Who has no renewal date is saved when still a customer after so many days, 1 to 365."""
    credited_percent: float = 100.0
    """Share of the saved revenue that is put down to the contact, 0 to 100."""
    arr: float | None = None
    """Yearly revenue of an account, at least 0; None: the mean of the books."""

    @classmethod
    def read(cls, parameters: Iterable[tuple[str, str]]) -> Self:
        """What an address assumes; parameters of other purposes are passed over. Raises BadFilter."""
        told = {name: text for name, text in parameters if text}
        otherwise = cls()
        within = told.get("churned_within", otherwise.churned_within)
        return cls(
            one_of(Within, "churned_within", within),
            int(_number("saved_after_days", told, otherwise.saved_after_days, 1, MOST_DAYS)),
            _number("credited_percent", told, otherwise.credited_percent, 0, 100),
            _number("arr", told, 0, 0, MOST_ARR) if "arr" in told else None,
        )

    def parameters(self) -> list[tuple[str, str]]:
        """What an address says to assume this."""
        said = [
            ("churned_within", self.churned_within.value),
            ("saved_after_days", str(self.saved_after_days)),
            ("credited_percent", f"{self.credited_percent:g}"),
        ]
        return said if self.arr is None else [*said, ("arr", f"{self.arr:.2f}")]


def _number(name: str, told: Mapping[str, str], otherwise: float, least: float, most: float) -> float:
    try:
        number = float(told.get(name, otherwise))
    except ValueError:
        number = float("nan")
    if not (isfinite(number) and least <= number <= most):
        raise BadFilter(name, f"a number from {least:g} to {most:g}")
    return number
