"""SurveyMonkey. A call only names an answer, which is then fetched; previews are tests, deletions retract.

https://api.surveymonkey.com/v3/docs (webhook callbacks; `GET /surveys/{id}/responses/{id}/details`). The
signature is keyed with `<client id>&<secret>`, which is what the secret file holds. The address must answer
HEAD with 200 before SurveyMonkey takes it.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import quote

from pydantic import Field

from services.ingest import signatures
from services.ingest.lenient import (
    address,
    comment,
    instant,
    json_body,
    milliseconds,
    part,
    parts,
    required,
    text,
    whole,
)
from services.ingest.vendor import Answer, Call, Fetch, Nothing, Said, SecretName, Source, Unreadable, Vendor

_TO_FETCH = frozenset({"response_created", "response_updated", "response_completed"})


class SurveyMonkeySource(Source):
    """Surveys of one SurveyMonkey account."""

    api_token: SecretName
    """File in secrets/ingest with the access token of your app."""
    api_url: str = Field(default="https://api.surveymonkey.com/v3", pattern=r"^https?://[^\s?#]+$")
    """The API of your data centre, e.g. https://api.eu.surveymonkey.com/v3."""
    score: str
    """Id of the question with the score."""
    comment: str | None = None
    """Id of the open question."""
    customer_id_variable: str = "customer_id"
    """Custom variable that carries your own id of the person."""


def read(call: Call, source: SurveyMonkeySource) -> Sequence[Said]:
    """Which answer to fetch, or that one was deleted."""
    body = json_body(call)
    event = text(part(body, "event_type"))
    if event not in {*_TO_FETCH, "response_deleted"}:
        return [Nothing("other_event")]
    response = required(text(part(body, "object_id")), "object_id")
    if event == "response_deleted":
        at = milliseconds(part(body, "event_datetime"))
        if at is None:
            raise Unreadable("expected event_datetime")
        return [Answer(source_id=response, revision=at, retracted_because="deleted")]
    survey = required(text(part(body, "resources", "survey_id")), "resources.survey_id")
    url = f"{source.api_url.rstrip('/')}/surveys/{quote(survey, '')}/responses/{quote(response, '')}/details"
    return [Fetch(f"{url}?simple=true", source.api_token, partial(read_details, source=source))]


def read_details(details: object, source: SurveyMonkeySource) -> Answer | Nothing:
    """The answer of the API's response details."""
    changed_at = milliseconds(part(details, "date_modified"))
    if changed_at is None:
        raise Unreadable("expected date_modified")
    scored = next(_answers(details, source.score), None)
    written = next(_answers(details, source.comment), None) if source.comment else None
    score = whole(part(scored, "choice_metadata", "weight"))
    contact, variables = part(details, "metadata", "contact"), part(details, "custom_variables")
    preview = text(part(details, "collection_mode")) in {"preview", "survey_preview"}
    return Answer(
        source_id=required(text(part(details, "id")), "id"),
        revision=changed_at,
        score=whole(part(scored, "simple_text")) if score is None else score,
        comment=comment(part(written, "text")) or comment(part(written, "simple_text")),
        responded_at=instant(part(details, "date_created")),
        customer_id=text(part(variables, source.customer_id_variable)),
        email=address(part(contact, "email", "value")) or address(part(details, "email_address")),
        name=_name(contact),
        visitor_id=text(part(details, "recipient_id")),
        provisional=text(part(details, "response_status")) == "partial",
        retracted_because="test" if preview else None,
    )


def event_id(call: Call, _source: Source) -> str | None:
    """`event_id`."""
    return text(part(json_body(call), "event_id"))


def _answers(details: object, question: str) -> Iterator[object]:
    for page in parts(details, "pages"):
        for one in parts(page, "questions"):
            if text(part(one, "id")) == question:
                yield from parts(one, "answers")


def _name(contact: object) -> str | None:
    names = (text(part(contact, name, "value")) for name in ("first_name", "last_name"))
    return text(" ".join(name for name in names if name))


VENDOR = Vendor(
    name="surveymonkey",
    source=SurveyMonkeySource,
    verify=signatures.of_body("sm-signature", "sha1", "base64"),
    read=read,
    event_id=event_id,
)
