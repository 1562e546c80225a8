"""salesforce_customers.yaml: what of an org says who the customers are. Pure."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from runtime.yaml_file import Location, load_yaml
from services.ingest.field_owners import Owned
from services.ingest.inputs import AccountInput, ProfileInput

_NAME = r"[A-Za-z][A-Za-z0-9_]{0,79}"
FieldPath = Annotated[str, Field(pattern=rf"^{_NAME}(\.{_NAME})?$")]
"""API name of a field, or of one of a record that is referred to, such as Owner.Email or Csm__r.Email."""

# What each object's identity is made of, and what people say of themselves, no field map sets.
PROFILE_FIELDS = frozenset(ProfileInput.model_fields) - {
    "account_id",
    "consents",
    "email",
    "opt_outs",
    "same_as",
    "traits",
}
ACCOUNT_FIELDS = frozenset(AccountInput.model_fields) - {"salesforce_id", "traits"}
TRAIT = "traits."


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Filled(_Strict):
    """Where a field's value comes from."""

    field: FieldPath | None = None
    values: dict[str, str] = Field(default_factory=dict)
    """What a value of theirs is called here; others are taken as they are."""
    always: str | None = None
    """One value for everybody, such as the currency of an org that has a single one."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.field is None) == (self.always is None):
            raise ValueError("expected the API name of a field, or `always` with a value")
        return self


def _from_name(given: object) -> object:
    return {"field": given} if isinstance(given, str) else given


Fields = dict[str, Annotated[Filled, BeforeValidator(_from_name)]]
"""A field of ours, or `traits.` and a name: where it comes from."""


class AccountMap(_Strict):
    """Accounts, one account each."""

    id: FieldPath | None = None
    """The field with your own id; one without a value is left out. Not set: the record's id is the id."""
    fields: Fields = Field(default_factory=dict)


class ContactMap(_Strict):
    """Contacts, one person each."""

    customer_id: FieldPath | None = None
    """The field with your own id of the person. Without it the address says who it is."""
    email: FieldPath = "Email"
    fields: Fields = Field(default_factory=dict)


class OpportunityMap(_Strict):
    """Opportunities: one that is won is a purchase, or a renewal."""

    type: FieldPath = "Type"
    renewals: frozenset[str] = frozenset()
    """The values of that field with which an account renews what it has."""
    look_back_days: int | None = Field(default=None, ge=1)
    """How far back the first reading goes; not set: to the beginning."""


class CaseMap(_Strict):
    """Cases: one that is closed is a support case closed, of its contact."""

    ours: FieldPath | None = None
    """A field that has a value only in Cases this product made: those are no support cases."""
    look_back_days: int = Field(default=30, ge=1)
    """How far back the first reading goes."""


class CustomerMap(_Strict):
    """The whole file. What is not named is not read."""

    every_seconds: float = Field(default=300, ge=10, le=3_600)
    """Between two readings; each costs a call for every object and for every `page_rows` changed records."""
    page_rows: int = Field(default=500, ge=200, le=2_000)
    """Records a call."""
    reserve_share: float = Field(default=0.1, ge=0, lt=1)
    """The part of the org's daily calls that is left to others: below it, nothing is read."""
    accounts: AccountMap | None = None
    contacts: ContactMap | None = None
    opportunities: OpportunityMap | None = None
    cases: CaseMap | None = None

    @property
    def is_off(self) -> bool:
        """Whether nothing is read."""
        return not any((self.accounts, self.contacts, self.opportunities, self.cases))

    @property
    def owned(self) -> Owned:
        """The fields that nobody else sets of whom Salesforce has."""
        contacts, accounts = self.contacts, self.accounts
        return Owned(
            profile=frozenset({"email", "account_id", *contacts.fields}) if contacts else frozenset(),
            account=frozenset({"salesforce_id", *accounts.fields}) if accounts else frozenset(),
        )

    @property
    def account_id(self) -> str | None:
        """The field of an Account with your own id of it."""
        return self.accounts.id if self.accounts else None


def paths(fields: Mapping[str, Filled]) -> list[str]:
    """The fields of theirs that a map reads."""
    return [filled.field for filled in fields.values() if filled.field]


def digest(part: BaseModel, account_id: str | None = None) -> str:
    """Changes when records have to be read again because the map of their object is another one."""
    return sha256(f"{account_id} {part.model_dump_json()}".encode()).hexdigest()[:16]


def load_customer_map(path: Path) -> CustomerMap:
    """The file's content. Raises runtime.yaml_file.ConfigError."""
    return load_yaml(path, CustomerMap, _mistakes)


def _mistakes(found: CustomerMap) -> Iterable[tuple[Location, str]]:
    for part, given, known in (
        ("accounts", found.accounts, ACCOUNT_FIELDS),
        ("contacts", found.contacts, PROFILE_FIELDS),
    ):
        for name in given.fields if given else ():
            if name not in known and not (name.startswith(TRAIT) and name != TRAIT):
                yield (
                    (part, "fields", name),
                    f"is not known here; expected traits.<name> or one of {', '.join(sorted(known))}",
                )
