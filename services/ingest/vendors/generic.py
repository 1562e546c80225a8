"""Whatever else can send a webhook: Zapier, Make, Intercom, Survicate, a Salesforce flow.

The source says at which paths everything stands: names and positions joined with dots, such as
`data.item.answers.0.value`. What these tools send is unconfirmed until a body of one's own has been tried.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.ingest import signatures
from services.ingest.lenient import (
    address,
    comment,
    instant,
    is_yes,
    json_or_form,
    milliseconds,
    part,
    required,
    text,
    whole,
)
from services.ingest.signatures import Algorithm, Encoding
from services.ingest.vendor import Answer, Call, Nothing, Said, Source, Unreadable, Vendor

Path = Annotated[str, StringConstraints(pattern=r"^[^.\s][^\s]*$", max_length=200)]


class Fields(BaseModel):
    """Where in the body everything stands."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    id: Path
    """The sender's own id of the answer: a changed answer has the same."""
    score: Path | None = None
    comment: Path | None = None
    updated_at: Path | None = None
    """When the answer last changed. Left out: the order of receipt counts."""
    responded_at: Path | None = None
    customer_id: Path | None = None
    email: Path | None = None
    name: Path | None = None
    visitor_id: Path | None = None
    account_id: Path | None = None
    language: Path | None = None
    event_id: Path | None = None
    """The sender's id of the call, the same when it repeats it. Left out: an equal body is the same call."""
    deleted: Path | None = None
    """True where the answer was deleted."""
    test: Path | None = None
    """True where somebody only tried."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.score is None and self.comment is None:
            raise ValueError("expected score, comment or both")
        return self


class BodySignature(BaseModel):
    """A header with the HMAC of the body, keyed with the secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    header: Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9-]+$")]
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    """What stands before it, e.g. `sha256=`."""


class GenericSource(Source):
    """Whatever else sends webhooks."""

    signature: Literal["standard_webhooks", "token"] | BodySignature
    """`token`: the secret itself comes along, as ?token= of the address or in the header X-Webhook-Token."""
    fields: Fields
    only: dict[Path, str] = Field(default_factory=dict)
    """What must stand at a path; calls with something else there are passed over."""
    context: dict[Annotated[str, StringConstraints(min_length=1, max_length=64)], Path] = Field(
        default_factory=dict, max_length=50
    )
    """What the question was about: name and path, e.g. a case's number."""


def verify(call: Call, source: GenericSource, secret: str) -> bool:
    """By the scheme that the source names."""
    signature = source.signature
    if signature == "standard_webhooks":
        return signatures.standard_webhook(call, source, secret)
    if signature == "token":
        return signatures.token(call, source, secret)
    check = signatures.of_body(signature.header, signature.algorithm, signature.encoding, signature.prefix)
    return check(call, source, secret)


def read(call: Call, source: GenericSource) -> Sequence[Said]:
    """One answer as the paths find it."""
    body = json_or_form(call)
    if any(text(_at(body, path)) != wanted for path, wanted in source.only.items()):
        return [Nothing("other_event")]
    fields = source.fields
    changed_at = milliseconds(_at(body, fields.updated_at))
    if fields.updated_at is not None and changed_at is None:
        raise Unreadable("expected a time at fields.updated_at")
    about = {name: text(_at(body, path)) for name, path in source.context.items()}
    deleted, test = is_yes(_at(body, fields.deleted)), is_yes(_at(body, fields.test))
    return [
        Answer(
            source_id=required(text(_at(body, fields.id)), "an id at fields.id"),
            revision=changed_at,
            score=whole(_at(body, fields.score)),
            comment=comment(_at(body, fields.comment)),
            responded_at=instant(_at(body, fields.responded_at)),
            customer_id=text(_at(body, fields.customer_id)),
            email=address(_at(body, fields.email)),
            name=text(_at(body, fields.name)),
            visitor_id=text(_at(body, fields.visitor_id)),
            account_id=text(_at(body, fields.account_id)),
            language=text(_at(body, fields.language), 35),
            context={name: found for name, found in about.items() if found is not None},
            retracted_because="deleted" if deleted else "test" if test else None,
        )
    ]


def _at(body: object, path: str | None) -> object:
    if path is None:
        return None
    steps = (int(step) if step.isascii() and step.isdecimal() else step for step in path.split("."))
    return part(body, *steps)


def event_id(call: Call, source: GenericSource) -> str | None:
    """Of the header that Standard Webhooks has for it, else where the source says."""
    if source.signature == "standard_webhooks":
        return call.headers.get("webhook-id")
    return text(_at(json_or_form(call), source.fields.event_id)) if source.fields.event_id else None


VENDOR = Vendor(name="generic", source=GenericSource, verify=verify, read=read, event_id=event_id)
