"""What makes a survey due, one file each.

A trigger module has a model `Trigger` that is told from the others by its `KEY`, the field of programs.yaml
that only it has. Adding a trigger is adding a file.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from services.scheduler.facts import Occasion, Person

Place = tuple[str | None, str | None]
"""A person, an account, or everybody: a person's key or an account's id, or neither."""


class Happening(NamedTuple):
    """Something that happened to a person, to an account (no person) or to everybody (neither)."""

    id: UUID
    moment: str
    occurred_at: datetime
    person: str | None = None
    account_id: str | None = None
    context: Mapping[str, str] = MappingProxyType({})

    @property
    def place(self) -> Place:
        """Whom it concerns."""
        return self.person, None if self.person else self.account_id

    def occasion(self) -> Occasion:
        """What happened as a reason to ask."""
        return Occasion(self.id, self.occurred_at, self.context, self.moment)


class Asking(NamedTuple):
    """What a trigger looks at."""

    person: Person
    is_contact: bool
    """Whether the program asks this person about what happens to the account."""
    happenings: Sequence[Happening]
    """What happened to the person, the account and everybody."""
    since: datetime
    """Occasions before this are too old to be asked about."""
    zone: ZoneInfo
    """Where dates without a place begin."""


class BaseTrigger(BaseModel):
    """What all triggers have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    KEY: ClassVar[str]
    RECURS: ClassVar[bool] = False
    """Whether there is always another occasion; each is then planned when the one before it is decided."""

    @property
    def moments(self) -> frozenset[str] | None:
        """The moments it asks about; None where it asks about dates."""
        return None

    @property
    def delay(self) -> timedelta:
        """How long after the occasion the survey is due."""
        return timedelta(0)

    @property
    def least_interval(self) -> timedelta | None:
        """The least time between two occasions of one person; None where nobody can say."""
        return None

    @property
    def most_ask_within(self) -> timedelta | None:
        """How long after it came due it may be asked about at most; None: as long as the program says."""
        return None

    def occasions(self, asking: Asking) -> Iterable[Occasion]:
        """The reasons to ask this person since `asking.since`, in their order; a recurring one has no end."""
        raise NotImplementedError


def _models() -> Iterator[tuple[str, type[BaseTrigger]]]:
    for info in pkgutil.iter_modules(__path__):
        yield info.name, importlib.import_module(f"{__name__}.{info.name}").Trigger


def any_trigger() -> Any:  # noqa: ANN401 - a type made of types
    """The type of a program's trigger: one of this package's models."""
    models = dict(_models())
    keys = {model.KEY: name for name, model in models.items()}

    def kind(written: object) -> str | None:
        if isinstance(written, BaseTrigger):
            return keys.get(written.KEY)
        given = written if isinstance(written, Mapping) else {}
        return next((name for key, name in keys.items() if key in given), None)

    choice = Discriminator(
        kind,
        custom_error_type="trigger",
        custom_error_message=f"expected one of {', '.join(f'`{key}:`' for key in keys)}",
    )
    return Annotated[reduce(or_, (Annotated[model, Tag(name)] for name, model in models.items())), choice]
