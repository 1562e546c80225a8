"""What the ledger keeps of each kind of record until it is written: our words, not yet the org's fields."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

Unmatched = Literal["case_only", "create_contact", "skip"]
"""What to do for a person no Contact matches."""


class Person(BaseModel):
    """Who answered, and where they belong: what records are matched by."""

    model_config = ConfigDict(frozen=True)

    person_key: str
    customer_id: str | None = None
    name: str | None = None
    email: str | None = None
    account_id: str | None = None
    """The account's record id in Salesforce."""
    account_key: str | None = None
    """The company's own id of the account."""
    owner_email: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    """What fields of the org may show, as plain JSON; see `org_map.mappable`."""
    unmatched: Unmatched = "case_only"


class CaseContent(Person):
    """A Case about an answer."""

    kind: Literal["case"] = "case"
    subject: str
    description: str
    priority: str
    origin: str
    record_type: str | None = None


class NoteContent(Person):
    """What a colleague noted, as a comment on the Case that is the parent."""

    kind: Literal["note"] = "note"
    note: str


class TaskContent(Person):
    """A Task for whoever looks after the customer."""

    kind: Literal["task"] = "task"
    subject: str
    description: str
    priority: str
    due_on: date | None = None


class Earlier(BaseModel):
    """The answer that counts again when a later one is withdrawn."""

    model_config = ConfigDict(frozen=True)

    score: int
    group: str
    responded_at: datetime


class ResponseContent(Person):
    """The answer itself as a record, and the latest one on its Contact and Account."""

    kind: Literal["response"] = "response"
    response_id: str
    responded_at: datetime
    earlier: Earlier | None = None


class CampaignContent(Person):
    """Membership of a campaign."""

    kind: Literal["campaign_member"] = "campaign_member"
    campaign: str


class ReopenContent(Person):
    """A note on the support Case an answer is about, which is open from then on."""

    kind: Literal["reopen"] = "reopen"
    case: str
    """Record id or number of the Case."""
    note: str


class Content(
    RootModel[
        Annotated[
            CaseContent | NoteContent | TaskContent | ResponseContent | CampaignContent | ReopenContent,
            Field(discriminator="kind"),
        ]
    ]
):
    """Any of them."""

    model_config = ConfigDict(frozen=True)
