"""A record of Salesforce in our words. Pure: what cannot be used is named, and costs nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from schemas.lifecycle import Moment
from services.ingest.inputs import AccountInput, LifecycleEventInput, ProfileInput
from services.ingest.lenient import address, part, text
from services.ingest.salesforce.customer_map import (
    TRAIT,
    AccountMap,
    CaseMap,
    ContactMap,
    CustomerMap,
    Fields,
    Filled,
    OpportunityMap,
)

Row = Mapping[str, Any]
Body = TypeVar("Body", bound=BaseModel)

_DATE_LENGTH = len("2027-03-01")
_NOT_TEXT = frozenset({"arr", "internal"})


@dataclass(frozen=True, slots=True)
class Reading(Generic[Body]):
    """A record as it stood at `stamp`. `body` None: it names nobody whom we could know.

    `our_id` is the company's own id of whom it is about. `refused` names the fields whose values are not what
    they have to be. `is_deleted`: it is in the recycle bin; a contact's `body` is then what stays true of the
    person, and `master` the contact it was merged into.
    """

    record_id: str
    stamp: datetime
    our_id: str | None
    body: Body | None
    refused: tuple[str, ...] = ()
    is_deleted: bool = False
    master: "Named | None" = None


class Named(NamedTuple):
    """How a contact names its person: by the company's own id, by an e-mail address, or not at all."""

    our_id: str | None
    email: str | None


def read_account(row: Row, by: AccountMap) -> Reading[AccountInput]:
    """An Account; one that was deleted is nobody's."""
    our_id = text(_at(row, by.id)) if by.id else str(row["Id"])
    if our_id is None or row["IsDeleted"]:
        return Reading(*_what(row), None, None)
    body, refused = _checked(AccountInput, {"salesforce_id": row["Id"], **_filled(row, by.fields)})
    return Reading(*_what(row), our_id, body, refused)


def read_contact(row: Row, by: ContactMap, account_id: str | None) -> Reading[ProfileInput]:
    """A Contact; `account_id` is the field of its Account with the company's own id.

    One that was deleted belongs to no account.
    """
    our_id, email = _named(row, by)
    if our_id is None and email is None:
        return Reading(*_what(row), None, None)
    is_deleted = bool(row["IsDeleted"])
    account = None if is_deleted else account_of(row, account_id)
    body, refused = _checked(ProfileInput, {"email": email, "account_id": account, **_filled(row, by.fields)})
    master = _named(row["MasterRecord"], by) if row.get("MasterRecord") else None
    return Reading(*_what(row), our_id, body, refused, is_deleted=is_deleted, master=master)


def read_opportunity(row: Row, by: OpportunityMap, account_id: str | None) -> Reading[LifecycleEventInput]:
    """An Opportunity; one that is not, or no longer, won, or was deleted, did not happen."""
    record_id, stamp = _what(row)
    account = account_of(row, account_id)
    closed_on = date.fromisoformat(str(row["CloseDate"])[:_DATE_LENGTH]) if row["CloseDate"] else None
    if account is None:
        return Reading(record_id, stamp, None, None)
    is_renewal = text(_at(row, by.type)) in by.renewals
    body = _happened(
        Moment.RENEWED if is_renewal else Moment.PURCHASED,
        row,
        at=min(datetime.combine(closed_on, time(), UTC), stamp) if closed_on else stamp,
        is_so=bool(row["IsWon"]) and not row["IsDeleted"],
        who={"account_id": account},
        context={"opportunity_id": record_id},
    )
    return Reading(record_id, stamp, account, body)


def read_case(row: Row, by: CaseMap, whole: CustomerMap) -> Reading[LifecycleEventInput]:
    """A Case; one that is not, or no longer, closed, or was deleted, did not happen.

    One without a contact concerns nobody.
    """
    record_id, stamp = _what(row)
    contacts = whole.contacts or ContactMap()
    our_id = text(part(row, "Contact", *_steps(contacts.customer_id))) if contacts.customer_id else None
    email = address(part(row, "Contact", *_steps(contacts.email)))
    if (our_id is None and email is None) or (by.ours and _at(row, by.ours)):
        return Reading(record_id, stamp, None, None)
    body = _happened(
        Moment.SUPPORT_CASE_CLOSED,
        row,
        at=_instant(row["ClosedDate"]) if row["ClosedDate"] else stamp,
        is_so=bool(row["IsClosed"]) and not row["IsDeleted"],
        who={"customer_id": our_id, "email": email, "account_id": account_of(row, whole.account_id)},
        context={"case_id": record_id},
    )
    return Reading(record_id, stamp, our_id, body)


def told_as(body: LifecycleEventInput) -> str:
    """Tells two states of a moment apart that are worth telling."""
    said = body.model_dump_json(exclude={"updated_at"})
    return "retracted" if body.retracted else sha256(said.encode()).hexdigest()[:32]


def is_news(body: LifecycleEventInput, told: str | None) -> bool:
    """Whether a moment is to be told, after what was `told` of it; what never was need not be retracted."""
    return told_as(body) != told and not (body.retracted and told is None)


def account_of(row: Row, account_id: str | None) -> str | None:
    """The account a record belongs to, as the company calls it."""
    return text(part(row, "Account", *_steps(account_id))) if account_id else text(row["AccountId"])


def _named(row: Row, by: ContactMap) -> Named:
    return Named(text(_at(row, by.customer_id)) if by.customer_id else None, address(_at(row, by.email)))


def _what(row: Row) -> tuple[str, datetime]:
    return str(row["Id"]), _instant(row["SystemModstamp"])


def _instant(value: object) -> datetime:
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _steps(path: str) -> list[str]:
    return path.split(".")


def _at(row: Row, path: str) -> object:
    return part(row, *_steps(path))


def _filled(row: Row, fields: Fields) -> dict[str, object]:
    """The body's fields, traits among themselves; what has no value stays away."""
    found = {name: _value(row, name, filled) for name, filled in fields.items()}
    traits = {name.removeprefix(TRAIT): value for name, value in found.items() if name.startswith(TRAIT)}
    plain = {name: value for name, value in found.items() if not name.startswith(TRAIT)}
    given: dict[str, object] = {name: value for name, value in plain.items() if value is not None}
    return given | {"traits": {name: value for name, value in traits.items() if value is not None}}


def _value(row: Row, name: str, filled: Filled) -> object:
    if filled.field is None:
        return filled.always
    value = _at(row, filled.field)
    if value is None or name in _NOT_TEXT:
        return value
    if name == "renewal_date":
        return str(value)[:_DATE_LENGTH]
    if name == "products":
        # A multi-select picklist.
        return [filled.values.get(one, one) for one in map(str.strip, str(value).split(";")) if one]
    if name.startswith(TRAIT) and not isinstance(value, str):
        return value
    return filled.values.get(str(value), str(value).strip() or None)


def _checked(model: type[Body], fields: Mapping[str, Any]) -> tuple[Body, tuple[str, ...]]:
    """The body of what can be used, and what cannot."""
    try:
        return model.model_validate_json(to_json(fields)), ()
    except ValidationError as error:
        wrong = {_field_of(detail["loc"]) for detail in error.errors(include_url=False, include_input=False)}
    given = {} if "traits" in wrong else fields["traits"]  # too many of them
    traits = {name: value for name, value in given.items() if f"{TRAIT}{name}" not in wrong}
    usable = {name: value for name, value in fields.items() if name not in wrong} | {"traits": traits}
    return model.model_validate_json(to_json(usable)), tuple(sorted(wrong))


def _field_of(location: tuple[int | str, ...]) -> str:
    name, *rest = map(str, location)
    return f"{TRAIT}{rest[0]}" if name == "traits" and rest else name


def _happened(
    moment: Moment,
    row: Row,
    *,
    at: datetime,
    is_so: bool,
    who: Mapping[str, str | None],
    context: Mapping[str, str],
) -> LifecycleEventInput | None:
    given = {
        "moment": moment,
        "source_id": row["Id"],
        "occurred_at": at,
        "updated_at": _instant(row["SystemModstamp"]),
        "retracted": not is_so,
        "context": context,
        **who,
    }
    try:
        return LifecycleEventInput.model_validate_json(to_json(given))
    except ValidationError:
        return None  # a time before 2000
