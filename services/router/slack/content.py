"""What the ledger keeps of a Slack message until it is sent."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.router.draft import Draft


class Link(BaseModel):
    """A button that opens a page."""

    model_config = ConfigDict(frozen=True)

    text: str
    url: str


class Seen(BaseModel):
    """How the answer was classified when the card was drawn: what a correction starts from."""

    model_config = ConfigDict(frozen=True)

    revision: int
    themes: tuple[str, ...] = ()
    sentiment: str | None = None
    functions: tuple[str, ...] = ()


class Card(BaseModel):
    """What a card needs beside the answer's blocks, to show the follow-up and to offer its buttons."""

    model_config = ConfigDict(frozen=True)

    subject: str
    """`response:<id>`."""
    person_key: str
    account_id: str | None = None
    request_id: UUID | None = None
    """The survey request it answers."""
    program: str | None = None
    customer: str | None = None
    """What the customer is called."""
    owner_name: str | None = None
    owner_email: str | None = None
    time_zone: str | None = None
    """The customer's; IANA name."""
    links: tuple[Link, ...] = ()
    ids: dict[str, str] = Field(default_factory=dict)
    """What the address of a page in another tool may name: `actions.LINK_FACTS`, as far as it is known."""
    draft: Draft | None = None
    seen: Seen


class Recipient(BaseModel):
    """A colleague who must see the message."""

    model_config = ConfigDict(frozen=True)

    name: str
    email: str
    user: str | None = None
    """Id of their Slack user, where people.yaml gives it."""


class Content(BaseModel):
    """A message: a card, or with `card` None words that stand for themselves, such as those in a thread."""

    model_config = ConfigDict(frozen=True)

    channel: str
    """Empty: the message goes to its recipient alone."""
    text: str
    to: Recipient | None = None
    otherwise: str = ""
    """The channel that gets it where Slack does not know the recipient; empty: nobody gets it."""
    blocks: list[Any] = Field(default_factory=list)
    """Block Kit, as plain JSON: to look through it again would take pydantic as long as it took to draw."""
    card: Card | None = None
