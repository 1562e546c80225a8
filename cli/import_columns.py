"""Which column of a file is which field, guessed from the names that tools and people give them. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.scales import Metric


class Kind(StrEnum):
    """What a file holds."""

    RESPONSES = "responses"
    HISTORY = "history"
    """Answers of the past: each says when it was given."""
    PROFILES = "profiles"
    ACCOUNTS = "accounts"
    MOMENTS = "moments"
    """What happened to people and accounts, each says when: purchased, renewed, support_case_closed…"""


ANSWERS = frozenset({Kind.RESPONSES, Kind.HISTORY})


@dataclass(frozen=True, slots=True)
class Export:
    """A survey tool's own export, known by columns that no other has together."""

    tool: str
    marks: frozenset[str]
    metric: Metric | None
    """What it asks where no column says so."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Columns by field, what nothing is known of, and whose export it looks like."""

    columns: Mapping[str, str]
    unused: tuple[str, ...]
    export: Export | None


_WHO = {
    "customer_id": ("customerid", "externalid", "userid", "accountuserid", "contactid", "clientid"),
    "email": (
        "email",
        "emailaddress",
        "mail",
        "personemail",
        "enduseremail",
        "respondentemail",
        "contactemail",
    ),
    "name": ("name", "fullname", "personname", "respondentname", "contactname", "customername"),
}
_COMPANY = ("accountid", "companyid", "organizationid", "organisationid")
_UPDATED = ("updatedat", "lastupdated", "modifiedat", "updated")
_LANGUAGE = ("language", "locale", "lang")
_ANSWER = {
    "source_id": ("responseid", "surveyresponseid", "answerid", "id", "sourceid"),
    "metric": ("metric", "surveytype", "questiontype", "surveymetric"),
    "score": ("score", "npsscore", "answer", "rating", "recommendationscore", "csatscore", "cesscore"),
    "comment": ("comment", "comments", "text", "feedback", "reason", "verbatim", "answercomment"),
    "responded_at": (
        "respondedat", "createdat", "responded", "answeredat", "responsedate", "submittedat", "date",
        "created", "timestamp",
    ),
    "updated_at": _UPDATED,
    **{f"respondent.{field}": names for field, names in _WHO.items()},
    "respondent.visitor_id": ("visitorid", "personid", "enduserid"),
    "account_id": _COMPANY,
    "language": _LANGUAGE,
    "program": ("program", "campaign", "surveyname", "surveytemplate"),
    "channel": ("channel", "deliverymethod", "source", "medium", "surveychannel"),
}  # fmt: skip
_PERSON = {
    **_WHO,
    "customer_id": (*_WHO["customer_id"], "id"),
    "phone": ("phone", "phonenumber", "mobile", "telephone"),
    "language": _LANGUAGE,
    "time_zone": ("timezone", "tz"),
    "account_id": _COMPANY,
    "role": ("role", "contactrole"),
    "segment": ("segment", "tier"),
    "cohort": ("cohort", "billingperiod"),
    "stage": ("stage", "lifecyclestage"),
    "products": ("products", "product"),
    "internal": ("internal", "isinternal", "employee"),
}
_ACCOUNT = {
    "account_id": (*_COMPANY, "customerid", "externalid", "id"),
    "name": ("name", "accountname", "companyname", "company", "account"),
    "owner_email": ("owneremail", "accountowneremail", "accountowner", "owner"),
    "csm_email": ("csmemail", "csm", "customersuccessmanager"),
    "segment": ("segment", "tier"),
    "stage": ("stage", "lifecyclestage"),
    "arr": ("arr", "annualrecurringrevenue", "annualrevenue"),
    "currency": ("currency", "currencyisocode", "arrcurrency"),
    "renewal_date": ("renewaldate", "renewal", "renewson", "contractend", "contractenddate"),
    "health": ("health", "healthscore", "healthstatus"),
    "salesforce_id": ("salesforceid", "salesforceaccountid", "sfdcid", "sfid"),
}
_MOMENT = {
    "source_id": ("eventid", "sourceid", "id"),
    "moment": ("moment", "event", "eventtype", "eventname", "type"),
    "occurred_at": ("occurredat", "happenedat", "timestamp", "eventdate", "date", "createdat", "closedat"),
    "updated_at": _UPDATED,
    "customer_id": _WHO["customer_id"],
    "email": _WHO["email"],
    "account_id": _COMPANY,
    "retracted": ("retracted", "isretracted", "cancelled"),
}
FIELDS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    Kind.RESPONSES: _ANSWER,
    Kind.HISTORY: _ANSWER,
    Kind.PROFILES: _PERSON,
    Kind.ACCOUNTS: _ACCOUNT,
    Kind.MOMENTS: _MOMENT,
}
"""Each field's names, the likeliest first, without case, spaces and punctuation."""

FREE: Mapping[Kind, str] = {
    Kind.RESPONSES: "context.",
    Kind.HISTORY: "context.",
    Kind.PROFILES: "traits.",
    Kind.ACCOUNTS: "traits.",
    Kind.MOMENTS: "context.",
}
"""What a field begins with whose name is the user's own choice."""

# The names of the tools' own fields, as their APIs document them and their exports repeat them.
EXPORTS = (
    Export("Delighted", frozenset({"surveytype", "permalink"}), None),
    Export("AskNicely", frozenset({"responseid", "questiontype", "answer"}), None),
    Export("AskNicely", frozenset({"responseid", "answerlabel", "answer"}), Metric.NPS),
    Export("Wootric", frozenset({"score", "text", "enduserid"}), Metric.NPS),
    Export("Wootric", frozenset({"score", "text", "enduseremail"}), Metric.NPS),
)


def guess(headers: Sequence[str], kind: Kind) -> Guess:
    """Each field's likeliest column. A column serves one field, the one that names it first."""
    by_name: dict[str, str] = {}
    for header in headers:
        by_name.setdefault(plain(header), header)
    columns: dict[str, str] = {}
    for field, names in FIELDS[kind].items():
        found = next((by_name[name] for name in names if name in by_name), None)
        if found is not None and found not in columns.values():
            columns[field] = found
    export = next((one for one in EXPORTS if one.marks <= by_name.keys()), None)
    unused = tuple(header for header in headers if header not in columns.values())
    return Guess(columns, unused, export if kind in ANSWERS else None)


def corrected(guessed: Guess, given: Iterable[str], headers: Sequence[str], kind: Kind) -> Guess:
    """The guess with what the user says, as `field=column`; `field=` takes a field out.

    Raises ValueError with what was expected for a field or a column that is not there.
    """
    columns = dict(guessed.columns)
    for one in given:
        field, equals, column = one.partition("=")
        if not equals or not (field in FIELDS[kind] or field.startswith(FREE[kind])):
            known = ", ".join(FIELDS[kind])
            raise ValueError(
                f"expected field=column with a field of {known} or {FREE[kind]}<name>, not {one!r}"
            )
        if column and column not in headers:
            raise ValueError(f"expected one of the file's columns {', '.join(headers)}, not {column!r}")
        columns.pop(field, None)
        if column:
            columns[field] = column
    unused = tuple(header for header in headers if header not in columns.values())
    return Guess(columns, unused, guessed.export)


def plain(header: str) -> str:
    """A column's name as names are compared."""
    return re.sub(r"[\W_]+", "", header).casefold()
