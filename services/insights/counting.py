"""Counts which answers fit a filter and how many of them fall where, by intersecting bitmaps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from pyroaring import BitMap, FrozenBitMap

from schemas.scales import GROUPS, Metric, group_of
from services.insights.definitions import NO_CUSTOMERS, Tally
from services.insights.filters import Dimension, Filter
from services.insights.image import Image
from services.insights.standing import ANSWERED, CLOSES, DAY, asked_about

OF_REQUESTS = frozenset(
    {
        *(Dimension.SEGMENT, Dimension.COHORT, Dimension.ROLE, Dimension.STAGE, Dimension.OWNER),
        *(Dimension.PROGRAM, Dimension.CHANNEL),
    }
)
"""What people who were asked can be told apart by."""

Stages = frozenset[str]
NOBODY: Stages = frozenset()
"""In place of the stages that are left out, where none are."""


class Counting:
    """Counts in one image, so that all figures of a page are of one moment.

    What a filter means is worked out once for all of them.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._fitting: dict[tuple[Filter, str, Stages], BitMap] = {}

    def altogether(self, wanted: Filter) -> Tally:
        """The answers that fit."""
        fitting = self._places(wanted, wanted.metric)
        groups = self._groups(wanted.metric).items()
        return tally(
            wanted.metric, [(group, fitting.intersection_cardinality(places)) for group, places in groups]
        )

    def by_value(self, wanted: Filter, dimension: str, *, without: Stages = NO_CUSTOMERS) -> dict[str, Tally]:
        """The answers that fit, by a dimension's value; one with several themes or functions is among each.

        `without`: the stages left out where none are chosen.
        """
        fitting = self._places(wanted, wanted.metric, without)
        groups = [(group, fitting & places) for group, places in self._groups(wanted.metric).items()]
        found: dict[str, Tally] = {}
        for value, places in self._values(wanted, wanted.metric, dimension):
            answers = [(group, of_group.intersection_cardinality(places)) for group, of_group in groups]
            if any(number for _, number in answers):
                found[value] = tally(wanted.metric, answers)
        return found

    def crossed(
        self, wanted: Filter, dimension: str, other: str, *, without: Stages = NO_CUSTOMERS
    ) -> dict[tuple[str, str], int]:
        """How many answers that fit fall on a value of one dimension and a value of another."""
        fitting = self._places(wanted, wanted.metric, without)
        return self._crossed(fitting, wanted, wanted.metric, dimension, other)

    def asked(
        self, wanted: Filter, dimension: str, *, closing_after: date | None = None
    ) -> dict[tuple[str, str], int]:
        """How many requests sent in the period fall on a dimension's value and were answered, or not.

        What only answers have, such as themes, does not narrow who was asked. `closing_after`: those alone
        that can still be answered after that day.
        """
        of_requests = replace(wanted, chosen=tuple(one for one in wanted.chosen if one[0] in OF_REQUESTS))
        population = asked_about(wanted.metric)
        fitting = self._places(of_requests, population)
        if closing_after is not None:
            days = self._image.of(population, CLOSES).items()
            fitting = fitting & _union(places for day, places in days if day > str(closing_after))
        return self._crossed(fitting, wanted, population, dimension, ANSWERED)

    def places(self, wanted: Filter, *, without: Stages = NO_CUSTOMERS) -> list[int]:
        """The places of the answers that fit."""
        return self._places(wanted, wanted.metric, without).to_array().tolist()

    def newest_days(self, wanted: Filter) -> Iterator[tuple[date, BitMap]]:
        """The places of the answers that fit, a day at a time, the newest day first."""
        fitting = self._places(wanted, wanted.metric)
        for day, places in sorted(self._values(wanted, wanted.metric, DAY), reverse=True):
            if of_day := fitting & places:
                yield date.fromisoformat(day), of_day

    def _crossed(
        self, fitting: BitMap, wanted: Filter, population: str, dimension: str, other: str
    ) -> dict[tuple[str, str], int]:
        found = {}
        others = self._values(wanted, population, other)
        for value, places in self._values(wanted, population, dimension):
            of_value = fitting & places
            for group, of_group in others:
                if number := of_value.intersection_cardinality(of_group):
                    found[value, group] = number
        return found

    def _groups(self, metric: Metric) -> Mapping[str, FrozenBitMap]:
        # A mean needs the scores themselves.
        return self._image.of(metric, Dimension.SCORE if metric is Metric.CES else Dimension.GROUP)

    def _values(self, wanted: Filter, population: str, dimension: str) -> list[tuple[str, FrozenBitMap]]:
        """A dimension's values; of days those of the period."""
        values = self._image.of(population, dimension).items()
        if dimension != DAY:
            return list(values)
        since, until = str(wanted.since), str(wanted.until)
        return [(day, places) for day, places in values if since <= day <= until]

    def _places(self, wanted: Filter, population: str, without: Stages = NO_CUSTOMERS) -> BitMap:
        key = wanted, population, without
        if key not in self._fitting:
            self._fitting[key] = self._intersected(wanted, population, without)
        return self._fitting[key]

    def _intersected(self, wanted: Filter, population: str, without: Stages) -> BitMap:
        fitting = _union(places for _, places in self._values(wanted, population, DAY))
        for dimension, accepted in wanted.chosen:
            values = self._image.of(population, dimension)
            fitting &= _union(values[value] for value in accepted if value in values)
        if wanted.leaves_out:
            stages = self._image.of(population, Dimension.STAGE)
            fitting -= _union(stages[stage] for stage in without & stages.keys())
        return fitting


def _union(bitmaps: Iterable[FrozenBitMap]) -> BitMap:
    return BitMap().union(*bitmaps)


def tally(metric: Metric, answers: Sequence[tuple[str, int]]) -> Tally:
    """So many answers of each group or, of CES, of each score."""
    if metric is not Metric.CES:
        of_group = dict(answers)
        low, middle, top = (of_group.get(group, 0) for group in GROUPS[metric])
        return Tally(low, middle, top)
    counted, total, squares = dict.fromkeys(GROUPS[metric], 0), 0, 0
    for text, number in answers:
        score = int(text)
        counted[group_of(metric, score)] += number
        total += number * score
        squares += number * score**2
    low, middle, top = counted.values()
    return Tally(low, middle, top, total, squares)
