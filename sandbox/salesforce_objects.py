"""The objects and fields of the Salesforce double: standard ones, and the custom fields the product adds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldType = Literal[
    "id",
    "string",
    "textarea",
    "picklist",
    "email",
    "phone",
    "url",
    "double",
    "int",
    "currency",
    "boolean",
    "date",
    "datetime",
    "reference",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `length` in characters, or bytes if `in_bytes` (0 = not limited), `values` of a restricted
    picklist.
    """

    name: str
    type: FieldType = "string"
    length: int = 0
    in_bytes: bool = False
    required: bool = False
    writable: bool = True
    external_id: bool = False
    unique: bool = False
    indexed: bool = False
    values: tuple[str, ...] = ()
    refers_to: tuple[str, ...] = ()
    default: str | bool | None = None

    @property
    def is_looked_up(self) -> bool:
        """Whether records are found by its value without reading them all."""
        return self.external_id or self.unique or self.indexed


@dataclass(frozen=True)
class ObjectType:
    """One object with its three-character key prefix and its fields by name."""

    name: str
    prefix: str
    fields: Mapping[str, Field]

    def field(self, name: str) -> Field | None:
        """Find a field whatever its case, as the API does."""
        return self.fields.get(name) or next(
            (field for field in self.fields.values() if field.name.lower() == name.lower()), None
        )


_SYSTEM = (
    Field("Id", "id", 18, writable=False),
    Field("IsDeleted", "boolean", writable=False, default=False),
    Field("CreatedDate", "datetime", writable=False),
    Field("CreatedById", "reference", writable=False, refers_to=("User",)),
    Field("LastModifiedDate", "datetime", writable=False),
    Field("LastModifiedById", "reference", writable=False, refers_to=("User",)),
    Field("SystemModstamp", "datetime", writable=False),
)
_MASTER = "MasterRecordId"
_OWNER = Field("OwnerId", "reference", refers_to=("User", "Group"))
_EFFECT_ID = Field("Feedback_Effect_Id__c", "string", 36, external_id=True, unique=True)
_RECORD_TYPE = Field("RecordTypeId", "reference", refers_to=("RecordType",))
_SCORE = (
    Field("Feedback_Metric__c", "picklist", values=("nps", "csat", "ces")),
    Field("Feedback_Score__c", "double"),
    Field(
        "Feedback_Group__c",
        "picklist",
        values=("promoter", "passive", "detractor", "positive", "neutral", "negative"),
    ),
    Field("Feedback_Responded_At__c", "datetime"),
)
_ANSWER = (
    *_SCORE,
    Field("Feedback_Themes__c", "string", 255),
    Field("Feedback_Comment__c", "textarea", 32_768),
)


def _object(name: str, prefix: str, *fields: Field) -> ObjectType:
    return ObjectType(name, prefix, {field.name: field for field in (*_SYSTEM, *fields)})


_ALL = (
    _object(
        "User",
        "005",
        Field("Name", "string", 121),
        Field("Username", "string", 80, required=True, unique=True),
        Field("Email", "email", 128, required=True),
        Field("IsActive", "boolean", default=True),
        Field("UserType", "picklist", values=("Standard", "AutomatedProcess"), default="Standard"),
    ),
    _object(
        "RecordType",
        "012",
        Field("DeveloperName", "string", 80, required=True),
        Field("SobjectType", "string", 40, required=True),
        Field("IsActive", "boolean", default=True),
    ),
    _object("Group", "00G", Field("Name", "string", 40, required=True), Field("Type", "string", 40)),
    _object(
        "Account",
        "001",
        Field("Name", "string", 255, required=True),
        Field("Type", "string", 255),
        Field("Industry", "string", 255),
        Field("Website", "url", 255),
        Field("Phone", "phone", 40),
        Field("AnnualRevenue", "currency"),
        Field("Description", "textarea", 32_000),
        Field("Account_Id__c", "string", 80, external_id=True, unique=True),
        Field(_MASTER, "reference", writable=False, refers_to=("Account",)),
        # Fields of its own, as orgs have them that keep subscriptions.
        Field("Arr__c", "currency"),
        Field("Csm__c", "reference", refers_to=("User",)),
        Field("Renewal_Date__c", "date"),
        *_SCORE,
        _RECORD_TYPE,
        _OWNER,
    ),
    _object(
        "Contact",
        "003",
        Field("FirstName", "string", 40),
        Field("LastName", "string", 80, required=True),
        Field("Name", "string", 121, writable=False),
        Field("Email", "email", 80, indexed=True),
        Field("Phone", "phone", 40),
        Field("Title", "string", 128),
        Field("Role__c", "string", 64),
        Field("AccountId", "reference", refers_to=("Account",)),
        Field(_MASTER, "reference", writable=False, refers_to=("Contact",)),
        # External ID but not unique, as orgs have it: several people can match.
        Field("Customer_Id__c", "string", 80, external_id=True),
        Field("Feedback_Person_Key__c", "string", 64, external_id=True, unique=True),
        *_SCORE,
        _RECORD_TYPE,
        _OWNER,
    ),
    _object(
        "Opportunity",
        "006",
        Field("Name", "string", 120, required=True),
        Field("AccountId", "reference", refers_to=("Account",)),
        Field(
            "StageName",
            "picklist",
            required=True,
            values=("Prospecting", "Negotiation/Review", "Closed Won", "Closed Lost"),
        ),
        Field("CloseDate", "date", required=True),
        Field("Amount", "currency"),
        Field("Type", "string", 255),
        Field("IsClosed", "boolean", writable=False, default=False),
        Field("IsWon", "boolean", writable=False, default=False),
        _OWNER,
    ),
    _object(
        "Case",
        "500",
        Field("CaseNumber", "string", 30, writable=False),
        Field("Subject", "string", 255),
        Field("Description", "textarea", 32_000),
        Field("Status", "picklist", values=("New", "Working", "Escalated", "Closed"), default="New"),
        Field("Priority", "picklist", values=("High", "Medium", "Low"), default="Medium"),
        Field("Origin", "picklist", values=("Phone", "Email", "Web", "Survey")),
        Field("Type", "picklist", values=("Problem", "Question", "Feature Request", "Feedback")),
        Field("Reason", "string", 255),
        Field("SuppliedName", "string", 80),
        Field("SuppliedEmail", "email", 80),
        Field("SuppliedPhone", "phone", 40),
        Field("SuppliedCompany", "string", 80),
        Field("ContactId", "reference", refers_to=("Contact",)),
        Field("AccountId", "reference", refers_to=("Account",)),
        Field("Comments", "textarea", 4_000),
        Field("IsClosed", "boolean", writable=False, default=False),
        Field("ClosedDate", "datetime", writable=False),
        _EFFECT_ID,
        Field("Feedback_Person_Key__c", "string", 64, external_id=True),
        Field("Feedback_Turn__c", "string", 100, unique=True),
        *_ANSWER,
        Field("Feedback_Response_Id__c", "string", 36),
        _RECORD_TYPE,
        _OWNER,
    ),
    _object(
        "CaseComment",
        "00a",
        Field("ParentId", "reference", required=True, indexed=True, refers_to=("Case",)),
        Field("CommentBody", "textarea", 4_000, in_bytes=True),
        Field("IsPublished", "boolean", default=False),
    ),
    _object(
        "Task",
        "00T",
        Field("Subject", "string", 255),
        Field("Description", "textarea", 32_000),
        Field(
            "Status",
            "picklist",
            values=("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"),
            default="Not Started",
        ),
        Field("Priority", "picklist", values=("High", "Normal", "Low"), default="Normal"),
        Field("ActivityDate", "date"),
        Field("WhoId", "reference", refers_to=("Contact",)),
        Field("WhatId", "reference", refers_to=("Account", "Case", "Campaign")),
        Field("IsClosed", "boolean", writable=False, default=False),
        # Custom fields of activities can be External IDs, but not unique.
        Field("Feedback_Effect_Id__c", "string", 36, external_id=True),
        _RECORD_TYPE,
        _OWNER,
    ),
    _object(
        "Campaign",
        "701",
        Field("Name", "string", 80, required=True),
        Field("Status", "picklist", values=("Planned", "In Progress", "Completed", "Aborted")),
        Field("IsActive", "boolean", default=False),
        _OWNER,
    ),
    _object(
        "CampaignMember",
        "00v",
        Field("CampaignId", "reference", required=True, refers_to=("Campaign",)),
        Field("ContactId", "reference", refers_to=("Contact",)),
        Field("Status", "string", 40, default="Sent"),
        _EFFECT_ID,
    ),
    _object(
        "Feedback_Response__c",
        "a00",
        Field("Name", "string", 80, writable=False),
        Field("Response_Id__c", "string", 36, required=True, external_id=True, unique=True),
        Field("Contact__c", "reference", refers_to=("Contact",)),
        Field("Account__c", "reference", refers_to=("Account",)),
        Field("Case__c", "reference", refers_to=("Case",)),
        *_ANSWER,
        Field("Feedback_Program__c", "string", 64),
        Field("Feedback_Source__c", "string", 64),
        Field("Feedback_Withdrawn__c", "boolean", default=False),
        _RECORD_TYPE,
        _OWNER,
    ),
)

OBJECTS: Mapping[str, ObjectType] = {kind.name: kind for kind in _ALL}
"""Every object by API name."""


def object_named(name: str) -> ObjectType | None:
    """Find an object whatever its case."""
    return OBJECTS.get(name) or next((kind for kind in _ALL if kind.name.lower() == name.lower()), None)
