"""What ingest asks of a survey vendor, and what a vendor's webhook can say.

A vendor is one file in `services/ingest/vendors/`; its last statement is `VENDOR = Vendor(...)`. All of it is
pure: the route verifies, the worker stores, fetches and publishes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.event import Effects
from schemas.scales import Metric

SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Source(BaseModel):
    """One connection to a vendor, as sources.yaml describes it. A vendor adds what it alone needs."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    vendor: str
    secrets: tuple[SecretName, ...] = Field(min_length=1, max_length=2)
    """Files in secrets/ingest. Two are valid at once, so that one can be replaced without an interruption."""
    metric: Metric | None = None
    """Which question it asks, where the vendor does not say."""
    scores: dict[int, int] | None = None
    """Their score: ours; needed where their scale is not ours, such as 1 to 10. Other scores are refused."""
    effects: Effects = Effects.DELIVER
    """`record` keeps the answers without alerting anybody."""
    program: str | None = Field(default=None, min_length=1, max_length=64)
    channel: str | None = Field(default=None, min_length=1, max_length=32)
    """E.g. email, in_app, web."""
    version: int = Field(default=1, ge=1, le=999)
    """Raise it when you correct this entry and replay: corrected answers then replace the earlier ones."""


S = TypeVar("S", bound=Source)


@dataclass(frozen=True, slots=True)
class Call:
    """A webhook call: header names in lower case, the body byte for byte."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response as the vendor has it now. Times are aware; what the vendor left out is None.

    `revision` is the vendor's own clock, its modification time in milliseconds or its version; None where it
    has neither, then the first receipt counts. A vendor never mixes the two. `score` is on its scale.
    """

    source_id: str
    revision: int | None
    metric: Metric | None = None
    score: int | None = None
    comment: str | None = None
    responded_at: datetime | None = None
    customer_id: str | None = None
    email: str | None = None
    name: str | None = None
    visitor_id: str | None = None
    account_id: str | None = None
    language: str | None = None
    channel: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    provisional: bool = False
    """The person has not finished: alerts wait."""
    retracted_because: str | None = None
    """E.g. deleted, test: the answer does not stand."""


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Somebody told the vendor that they want no more surveys."""

    email: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Nothing:
    """The call says nothing about an answer. `why` is one of a few words: ping, shown, declined."""

    why: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """The call only names an answer, which the vendor's API has.

    `url` is asked with the secret `token` as bearer; `read` makes the answer of the JSON it gives, or raises
    Unreadable.
    """

    url: str
    token: SecretName
    read: Callable[[object], "Answer | Nothing"]


Said = Answer | Unsubscribed | Nothing | Fetch


class Unreadable(ValueError):
    """The body is not what this vendor sends. The text names what was missing and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor(Generic[S]):
    """One kind of source.

    `verify` says whether a secret signed the call; a vendor that signs nothing uses `signatures.token`.
    `event_id` is the vendor's own id of the call, the same whenever it is repeated; None
    where there is none, then the body's hash counts. Both raise Unreadable, and nothing else.
    `version` counts up whenever
    `read` makes something else of the same body.
    """

    name: str
    source: type[S]
    verify: Callable[[Call, S, str], bool]
    read: Callable[[Call, S], Sequence[Said]]
    event_id: Callable[[Call, S], str | None] = lambda _call, _source: None
    version: int = 1


AnyVendor = Vendor[Any]
