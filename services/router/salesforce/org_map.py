"""salesforce.yaml: what the org calls things, and which of its fields show which facts."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from services.router.destination import JsonObject
from services.router.facts import AccountFacts, Facts, ProfileFacts, ResponseFacts
from services.router.follow_up import Resolution
from services.router.shared import once_an_answer

EFFECT_ID = "Feedback_Effect_Id__c"
"""Of Case, Task and CampaignMember: the External ID an effect's record is found by."""
PERSON_KEY = "Feedback_Person_Key__c"
"""Of Contact: who the person is here; unique, so that nobody becomes two Contacts. Of Case: whose it is."""
TURN = "Feedback_Turn__c"
"""Of Case: which one of its person's Cases it is; unique, so that two answers at once open one."""
RESPONSE_OBJECT = "Feedback_Response__c"
RESPONSE_ID = "Response_Id__c"
"""Of RESPONSE_OBJECT: the answer's id."""
WITHDRAWN = "Feedback_Withdrawn__c"
"""Of RESPONSE_OBJECT: whether the answer has been withdrawn."""

ApiName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]

FACTS: Mapping[str, frozenset[str]] = {
    "response": frozenset(ResponseFacts.model_fields)
    - {"revision", "received_at", "masked_comment", "further_answers"},
    # Name, address and telephone number are what records are matched by, never copied elsewhere.
    "profile": frozenset(ProfileFacts.model_fields) - {"name", "email", "phone"},
    "account": frozenset(AccountFacts.model_fields),
}
"""The facts that a field may show, by the part they belong to."""

_SHOWN: dict[str, set[str]] = {part: set(names) for part, names in FACTS.items()}
_OPEN = frozenset({"traits", "context"})
_LONGEST_LIST = 255


def _known(path: str) -> str:
    part, _, rest = path.partition(".")
    name, _, key = rest.partition(".")
    if name not in FACTS.get(part, ()) or bool(key) != (name in _OPEN):
        raise ValueError(f"{path!r} is no fact a field can show: expected one such as response.score")
    return path


FactPath = Annotated[str, AfterValidator(_known)]
Fields = dict[ApiName, FactPath]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class RecordMap(_Strict):
    """One object of the org."""

    record_type: ApiName | None = None
    """Developer name of the record type new records get; none: the integration user's default."""
    fields: Fields = Field(default_factory=dict)
    """API name of a field: the fact it shows."""


class ContactMap(RecordMap):
    """Contacts; `fields` show the person's latest answer."""

    customer_id: ApiName | None = None
    """The field that holds your own id of the person, where there is one."""


class AccountMap(RecordMap):
    """Accounts; `fields` show the latest answer of anybody in the account."""

    account_id: ApiName | None = None
    """The field that holds your own id of the account, where there is one."""


class CaseMap(RecordMap):
    """Cases, and the values of Case Status that matter."""

    new_status: str = "New"
    """Of a Case when it is made."""
    reopened_status: str = "Working"
    """Of a closed Case that a poor answer opens again."""
    closed_status: str = "Closed"
    """Of a Case whose follow-up is resolved or whose answer was withdrawn."""
    resolutions: dict[str, Resolution] = Field(default_factory=dict)
    """How the follow-up of a Case ended that people closed, by the value of Case Status; others: fixed."""


class TaskMap(RecordMap):
    """Tasks, and the values of Task Status that matter."""

    new_status: str = "Not Started"
    """Of a Task when it is made."""
    completed_status: str = "Completed"
    """Of a Task whose follow-up is resolved or whose answer was withdrawn."""


class OrgMap(_Strict):
    """The whole file."""

    case: CaseMap = CaseMap()
    task: TaskMap = TaskMap()
    response: RecordMap = RecordMap()
    """The object Feedback_Response__c."""
    contact: ContactMap = ContactMap()
    account: AccountMap = AccountMap()
    themes: dict[str, str] = Field(default_factory=dict)
    """A theme of themes.yaml: the picklist value or word the org has for it; others go as they are."""
    campaigns: dict[str, str] = Field(default_factory=dict)
    """A campaign as rules.yaml names it: the Campaign's name in the org; others are looked up as they are."""
    automation_users: tuple[str, ...] = ()
    """E-mail addresses of users that are programs: what they change never overrides a person."""


@once_an_answer
def mappable(facts: Facts) -> JsonObject:
    """The facts that fields may show, as JSON, without those that are not known."""
    return facts.model_dump(mode="json", include=_SHOWN, exclude_none=True)


def shown(fields: Mapping[str, str], facts: Mapping[str, JsonValue], org: OrgMap) -> JsonObject:
    """The values of these fields; one whose fact is not known is left out."""
    return {name: value for name, value in _shown(fields, facts, org) if value is not None}


def cleared(fields: Mapping[str, str], part: str) -> JsonObject:
    """Every field that shows a fact of one part, emptied."""
    return {name: None for name, path in fields.items() if path.startswith(f"{part}.")}


def emptied(fields: Mapping[str, str]) -> JsonObject:
    """Every field emptied that shows a fact, but for the answer's id."""
    return {name: None for name, path in fields.items() if path != "response.id"}


def field_of(fields: Mapping[str, str], path: str) -> str | None:
    """The field that shows a fact, if any."""
    return next((name for name, shows in fields.items() if shows == path), None)


def _shown(
    fields: Mapping[str, str], facts: Mapping[str, JsonValue], org: OrgMap
) -> Iterator[tuple[str, JsonValue]]:
    for name, path in fields.items():
        value: JsonValue = dict(facts)
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if path == "response.themes" and isinstance(value, list):
            value = [org.themes.get(str(theme), str(theme)) for theme in value]
        yield name, _joined(value) if isinstance(value, list) else value


def _joined(values: list[JsonValue]) -> str:
    """As a multi-select picklist takes several values; cut at a whole one to fit a text field."""
    text = ""
    for value in values:
        longer = f"{text};{value}" if text else str(value)
        if len(longer) > _LONGEST_LIST:
            break
        text = longer
    return text
