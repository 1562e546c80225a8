"""What ingest asks of a mail provider, and what its calls say about mails that we sent.

A provider is one file in `services/ingest/mail_providers/`; its last statement is `PROVIDER = Provider(...)`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from services.ingest.vendor import Call, SecretName


class MailFate(StrEnum):
    """What became of a mail."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """For good; what is tried again says nothing yet."""
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class MailEvent:
    """What became of a mail to an address. `at` is None where nobody says when.

    `references` are texts of the mail's own headers in which one of our signed addresses may stand.
    """

    fate: MailFate
    address: str
    at: datetime | None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The provider asks whether the address is ours: `url` is to be opened once."""

    url: str


class MailSource(BaseModel):
    """A provider as sources.yaml describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    secrets: tuple[SecretName, ...] = Field(min_length=1, max_length=2)
    """Files in secrets/ingest; two are valid at once."""


P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a call can be proved with. `now` is the wall clock's; `certificate` fetches one by its address."""

    secrets: tuple[str, ...]
    now: datetime
    certificate: Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider(Generic[P]):
    """One kind of mail provider.

    `verify` says whether the call is the provider's and not older than the provider's scheme allows. `read`
    raises services.ingest.vendor.Unreadable.
    """

    name: str
    source: type[P]
    verify: Callable[[Call, P, Proof], bool]
    read: Callable[[Call], Sequence[MailEvent | Confirmation]]


AnyProvider = Provider[Any]
