"""A list of records in one body: each is read and refused on its own. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from runtime.problems import FieldProblem
from services.ingest.faults import details, faults

MAX_ITEMS = 1_000
LENGTH: Any = Field(min_length=1, max_length=MAX_ITEMS)

Input = TypeVar("Input", bound=BaseModel)
Refused = list[FieldProblem]


class Items(Generic[Input]):
    """Reads lists of one model; `several` is the list of it, with LENGTH."""

    def __init__(self, model: type[Input], several: TypeAdapter[list[Input]]) -> None:
        self.model = model
        self._list = several

    def read(self, raw: bytes, context: Mapping[str, Any]) -> list[Input | Refused]:
        """Each item, or what is wrong with it, in order.

        Raises ValidationError where the body as a whole is not a list of so many.
        """
        try:
            return [*self._list.validate_json(raw, context=context)]
        except ValidationError as error:
            wrong = _by_item(error)
            if wrong is None:
                raise
        # JSON again, since a strict model reads times and enumerations from nothing else.
        right = [item for number, item in enumerate(from_json(raw)) if number not in wrong]
        read = iter(self._list.validate_json(to_json(right), context=context) if right else ())
        return [
            faults(wrong[number], self.model) if number in wrong else next(read)
            for number in range(len(wrong) + len(right))
        ]


def _by_item(error: ValidationError) -> dict[int, list[ErrorDetails]] | None:
    """The faults by the item they are in; None when one of them is the list's own."""
    found: defaultdict[int, list[ErrorDetails]] = defaultdict(list)
    for detail in details(error):
        if not detail["loc"]:
            return None
        number, *rest = detail["loc"]
        found[int(number)].append({**detail, "loc": tuple(rest)})
    return dict(found)
