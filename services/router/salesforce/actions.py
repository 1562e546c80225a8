"""What a Salesforce action of rules.yaml may say, and the record it makes of an answer. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.router.destination import Notice
from services.router.facts import Facts, PreviousFacts, ResponseFacts
from services.router.movement import Around, Score
from services.router.salesforce.contents import (
    CampaignContent,
    CaseContent,
    Content,
    Earlier,
    NoteContent,
    ReopenContent,
    ResponseContent,
    TaskContent,
    Unmatched,
)
from services.router.salesforce.org_map import mappable
from services.router.salesforce.texts import description, subject
from services.router.templates import Templates

Kind = Literal["case", "task", "response", "campaign_member", "reopen"]

_OWN_FIELDS: Mapping[Kind, frozenset[str]] = {
    "case": frozenset({"priority", "origin", "record_type", "unmatched"}),
    "task": frozenset({"priority", "subject", "due_in_days", "unmatched"}),
    "response": frozenset({"unmatched"}),
    "campaign_member": frozenset({"campaign", "unmatched"}),
    "reopen": frozenset(),
}


class Action(BaseModel):
    """A Salesforce action in rules.yaml. Each kind has fields of its own; others are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: Kind = "case"
    """case, task, response, campaign_member, or reopen (the support Case that context.case_id names)."""
    priority: Literal["High", "Medium", "Normal", "Low"] | None = None
    """A Case has High, Medium, Low; a Task High, Normal, Low."""
    origin: str = Field(default="Web", min_length=1, max_length=255)
    """A value of the org's picklist Case Origin."""
    record_type: str | None = None
    """Developer name; none: that of salesforce.yaml."""
    unmatched: Unmatched = "case_only"
    """For a person no Contact matches: case_only (without a Contact), create_contact, or skip (no record)."""
    subject: str | None = Field(default=None, max_length=200)
    """First words of a Task's subject."""
    due_in_days: int | None = Field(default=None, ge=0, le=365)
    """When a Task is due, in days after the answer."""
    campaign: str | None = Field(default=None, min_length=1, max_length=80)
    """A campaign of salesforce.yaml, or the name or record id of a Campaign."""

    @model_validator(mode="after")
    def _fields_belong_to_the_kind(self) -> "Action":
        own = Action.model_fields.keys() - {"kind"}
        for name in sorted((self.model_fields_set & own) - _OWN_FIELDS[self.kind]):
            raise ValueError(f"{name} is not known to kind: {self.kind}")
        if self.kind == "campaign_member" and self.campaign is None:
            raise ValueError("kind: campaign_member needs a campaign")
        wrong = {"case": "Normal", "task": "Medium"}.get(self.kind)
        if self.priority is not None and self.priority == wrong:
            raise ValueError(f"a {self.kind} has no priority {wrong}")
        return self


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """The record an answer asks for; a survey request has none."""
    response = facts.response
    if response is None:
        return None
    content = _KINDS[action.kind](action, facts, response)
    return None if content is None else Content(content)


def _person(action: Action, facts: Facts) -> dict[str, object]:
    account, owner = facts.account, facts.owner
    account_owner = (account.csm_email or account.owner_email) if account else None
    return {
        "person_key": facts.profile.key,
        "customer_id": facts.profile.customer_id,
        "name": facts.profile.name,
        "email": facts.profile.email,
        "account_id": account.salesforce_id if account else None,
        "account_key": account.id if account else None,
        "owner_email": (owner.email if owner else None) or account_owner,
        "facts": mappable(facts),
        "unmatched": action.unmatched,
    }


def _case(action: Action, facts: Facts, response: ResponseFacts) -> CaseContent:
    return CaseContent.model_validate(
        _person(action, facts)
        | {
            "subject": subject(facts, response),
            "description": description(facts, response),
            "priority": action.priority or "Medium",
            "origin": action.origin,
            "record_type": action.record_type,
        }
    )


def _task(action: Action, facts: Facts, response: ResponseFacts) -> TaskContent:
    due_in_days = action.due_in_days
    due_on = None if due_in_days is None else (response.responded_at + timedelta(days=due_in_days)).date()
    return TaskContent.model_validate(
        _person(action, facts)
        | {
            "subject": subject(facts, response, lead=action.subject),
            "description": description(facts, response),
            "priority": action.priority or "Normal",
            "due_on": due_on,
        }
    )


def _response(action: Action, facts: Facts, response: ResponseFacts) -> ResponseContent:
    return ResponseContent.model_validate(
        _person(action, facts)
        | {
            "response_id": str(response.id),
            "responded_at": response.responded_at,
            "earlier": _earlier(facts.previous),
        }
    )


def _earlier(before: PreviousFacts | Score | None) -> Earlier | None:
    if before is None:
        return None
    return Earlier(score=before.score, group=before.group, responded_at=before.responded_at)


def _campaign_member(action: Action, facts: Facts, _response: ResponseFacts) -> CampaignContent:
    return CampaignContent.model_validate(_person(action, facts) | {"campaign": action.campaign})


def _reopen(action: Action, facts: Facts, response: ResponseFacts) -> ReopenContent | None:
    case = response.context.get("case_id")
    if not case:
        return None
    note = f"{subject(facts, response)}\n\n{description(facts, response)}"
    return ReopenContent.model_validate(_person(action, facts) | {"case": case, "note": note})


_KINDS: Mapping[Kind, Callable[[Action, Facts, ResponseFacts], BaseModel | None]] = {
    "case": _case,
    "task": _task,
    "response": _response,
    "campaign_member": _campaign_member,
    "reopen": _reopen,
}


def by_now(content: Content, around: Around) -> Content:
    """An answer's record with the answer that counts again if it is withdrawn; other records name none."""
    if not isinstance(content.root, ResponseContent):
        return content
    latest = next(iter(around.earlier), None)
    return Content(content.root.model_copy(update={"earlier": _earlier(latest)}))


def note_of(notice: Notice, shown: Content | None) -> Content | None:
    """A notice as a comment on the Case that shows the follow-up; nobody is addressed there."""
    if shown is None or not isinstance(shown.root, CaseContent):
        return None
    person_key, email = shown.root.person_key, shown.root.email
    return Content(NoteContent(person_key=person_key, email=email, note=notice.text))
