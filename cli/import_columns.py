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
    "updated_at": ("updatedat", "lastupdated", "modifiedat", "updated"),
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
FIELDS: dict[Kind, Mapping[str, tuple[str, ...]]] = {
    Kind.RESPONSES: _ANSWER,
    Kind.HISTORY: _ANSWER,
    Kind.PROFILES: _PERSON,
}
"""Each field's names, the likeliest first, without case, spaces and punctuation."""

FREE = {Kind.RESPONSES: "context.", Kind.HISTORY: "context.", Kind.PROFILES: "traits."}
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
    return Guess(columns, unused, export if kind is not Kind.PROFILES else None)


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
