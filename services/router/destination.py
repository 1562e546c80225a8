"""What the ledger asks of a destination, what it takes as an answer, and what a plug-in consists of.

A destination is one file in `services/router/destinations/`; its last statement is `PLUGIN = Plugin(...)`.
The ledger decides *whether* and *when* to call; the plug-in knows *how* and says, in one of
the results below, what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, JsonValue
from pydantic_settings import BaseSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event
    from uuid import UUID

    from runtime.clock import Clock
    from runtime.postgres import Pool
    from services.router.facts import Facts, OwnerFacts
    from services.router.follow_up import FollowUpView
    from services.router.follow_up_desk import Desk
    from services.router.movement import Around
    from services.router.people import Person, Team
    from services.router.storm import Summary
    from services.router.templates import Templates


JsonObject = dict[str, JsonValue]


class Operation(StrEnum):
    """What one call does to the outside object."""

    CREATE = "create"
    UPDATE = "update"
    RETRACT = "retract"
    RECONCILE = "reconcile"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to one destination.

    `effect_id` is the same for every attempt at one effect and travels along where the destination can
    carry it (Slack message metadata, Salesforce External ID, Message-ID, webhook-id): reconciling looks for
    it. It is not personal data. `version` counts up with every change of what is wanted. `external_id` is
    what the destination called the object when it was created, None before that. `content` is the plug-in's
    own `Content`, dumped as JSON; a retraction carries the content last wanted. `deadline_seconds` is the
    hard limit of the whole call, enforced by the plug-in's client timeouts: nothing the call does may reach
    the destination later. `parent_id` is the external id of the object that this one lives in (the card above
    a reply, the Case of a comment); set whenever the effect has a parent that exists. `follow_up` is the
    subject's follow-up as it stood when the call was decided, None where there is none. `is_erased`: the
    person is to be forgotten, nothing about them may stay.
    """

    effect_id: UUID
    operation: Operation
    version: int
    external_id: str | None
    content: Mapping[str, JsonValue]
    deadline_seconds: float
    parent_id: str | None = None
    follow_up: FollowUpView | None = None
    is_erased: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """It happened. `external_id` names the object outside; None where there is nothing to name.

    `review` names objects outside among which a person has to choose (several contacts with one address).
    """

    external_id: str | None = None
    review: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """It did not happen and may succeed later. `cause`: a short class of error, no personal data."""

    cause: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not happen and never can as it stands: repeating it would fail the same way."""

    cause: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """It did not happen, as the rules want it: nobody it could be about is known outside."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It may have happened: the answer was lost, or the deadline passed during the call."""

    cause: str


@dataclass(frozen=True, slots=True)
class Found:
    """Reconciling found the object. Of several carrying the effect's id the plug-in keeps one and removes the
    rest.
    """

    external_id: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Reconciling looked wherever the object could be and it is not there."""


Result = Delivered | Retry | Failed | Skipped | Ambiguous
Sighting = Found | Absent | Retry


class AfterAmbiguity(StrEnum):
    """What follows a call of which nobody knows whether it happened."""

    RECONCILE = "reconcile"
    """Look for the effect's id outside, then create it or take it as delivered."""
    REPEAT = "repeat"
    """Send it again: the receiver recognises the id (Standard Webhooks' webhook-id)."""
    ASSUME_DELIVERED = "assume_delivered"
    """Count it as delivered and flag it: a second mail annoys more than a missing one."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What the ledger must know of a kind of destination, whatever its settings.

    `updates`: an object delivered earlier can be changed and retracted; otherwise only the first delivery
    is made. `to_respondent`: it reaches the person who answered (held back while profiles are stale, or
    opted out of surveys). `settle_seconds`: how long after the deadline a call that did reach the
    destination may stay invisible to reconciling. `shows_follow_up`: its objects show the follow-up that
    rides on the call, so a change of it is sent again.
    """

    after_ambiguity: AfterAmbiguity
    updates: bool
    to_respondent: bool = False
    settle_seconds: float = 0.0
    shows_follow_up: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a follow-up that colleagues should read: a line of its history, a reminder.

    `text` is plain text of theirs. `to` is who must see it, None where it only has to be on record.
    """

    text: str
    to: Person | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a connected destination may be pressed; from its settings.

    `calls_per_second` holds for each rate key, None is unlimited; `batches_per_second` for those rate keys of
    which one call carries many deliveries: what comes in between waits and travels together.
    `parallel_calls` are in flight at once, from as many threads. `deadline_seconds` becomes each call's hard
    limit, 1-60.
    """

    calls_per_second: float | None = None
    parallel_calls: int = 4
    deadline_seconds: float = 10.0
    batches_per_second: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What a team or a person is told, such as a digest. Plain text; an empty line begins a new paragraph."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """The customer whom a bulletin is for, and who looks after them."""

    email: str
    name: str | None = None
    owner: OwnerFacts | None = None
    about: str | None = None
    """The answer it comes back to, as the ledger names it."""
    unsubscribe_url: str | None = None


class Destination(Protocol):
    """A connected destination. `deliver` and `reconcile` are called from several threads at once."""

    @property
    def limits(self) -> Limits:
        """How hard it may be pressed."""

    def deliver(self, call: Call) -> Result:
        """Create, update or retract. Foreseeable failures are results; what raises is Ambiguous."""

    def reconcile(self, call: Call) -> Sighting:
        """Look for `call.effect_id` outside, and leave at most one object carrying it."""

    def close(self) -> None:
        """Release connections."""


@runtime_checkable
class DeliversMany(Protocol):
    """A destination that takes several deliveries in one outside call, where their contents allow it."""

    def batch_key(self, call: Call) -> str | None:
        """Deliveries with the same key may travel together; None: this one travels alone."""

    def deliver_many(self, calls: Sequence[Call]) -> Sequence[Result]:
        """As `deliver`, one result a call, in their order, within the deadline that they share."""


class Worker(Protocol):
    """Something that works until it is told to stop."""

    def run(self, stop: Event) -> None:
        """Works until `stop`."""


A = TypeVar("A", bound=BaseModel)
C = TypeVar("C", bound=BaseModel)
S = TypeVar("S", bound=BaseSettings)


@dataclass(frozen=True, slots=True)
class Plugin(Generic[A, C, S]):
    """All of one kind of destination.

    `action` is the model of its fields in rules.yaml beside `id` and `destination`; `content` what is
    stored and sent; `settings` its environment variables and secrets. `render` is pure: the same facts give
    the same content, so that a revision that changes nothing makes no call; None means that the facts leave
    nothing to send (no e-mail address). `connect` returns the connected destination, or the reason it is
    disabled, naming the missing variable; it makes no call itself. `order_key`: effects with the same key
    are delivered one after another, in the order planned. `rate_key`: they share one rate limit (a Slack
    channel). `audience`: the addresses it reaches (channel, e-mail) as compared with the pilot's
    allow-list; any one allowed is enough. `templates` names the templates an action needs, checked when the
    rules are loaded. `is_named`: there are as many of it as names under it in destinations.yaml, and none
    without; `plugins.named` makes one of them. `notice` makes the message that a notice becomes: a child of
    the object that shows the follow-up, whose content is given, or with None a message to the recipient
    alone; None where it cannot be said there. `sync` makes, of the connected destination, the worker that
    reads what people did there. `summarise` makes the object that stands for many that would come at once,
    whose children they become; one of them is given. Left out: they all come. `redirect` makes the object go
    to one colleague alone, to try it out; left out: it reaches nobody in person. `in_place` makes, of what
    was wanted (first) and what is wanted now, what an object may become that is outside already, or may be:
    a message stays in its channel, where it is looked for; None: it stays as it is. Left out: objects have no
    place. `by_now` makes, of the content as planned and the person's other answers that count by now, what is
    told: an answer that it names may be gone. Left out: it names none.
    `bulletins` makes, of what a team and these members of it are told, the objects by action; left out: teams
    are told nothing there. `letter` makes, of what a customer is told, the object that reaches them; left
    out: no customer is told anything there but about answers and surveys.
    """

    name: str
    traits: Traits
    settings: type[S]
    action: type[A]
    content: type[C]
    render: Callable[[A, Facts, Templates], C | None]
    connect: Callable[[S], Destination | str]
    order_key: Callable[[C, Facts], str]
    rate_key: Callable[[C], str]
    audience: Callable[[C], tuple[str, ...]]
    templates: Callable[[A], tuple[str, ...]] = lambda _action: ()
    is_named: bool = False
    notice: Callable[[Notice, C | None], C | None] | None = None
    sync: Callable[[Any, Pool, Clock, Desk], Worker] | None = None
    summarise: Callable[[Summary, C], C] | None = None
    redirect: Callable[[C, Person], C] | None = None
    in_place: Callable[[C, C], C | None] | None = None
    by_now: Callable[[C, Around], C] | None = None
    bulletins: Callable[[Bulletin, Team, Sequence[Person]], Mapping[str, C]] | None = None
    letter: Callable[[Bulletin, Addressee], C] | None = None
