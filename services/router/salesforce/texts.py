"""The words of a Salesforce record about an answer."""

from collections.abc import Iterator

from services.router.destination import JsonObject
from services.router.facts import Facts, ResponseFacts
from services.router.salesforce.org_map import Fields, emptied
from services.router.slack.card import headline
from services.router.slack.texts import shorten

SUBJECT_CHARACTERS = 255
DESCRIPTION_CHARACTERS = 32_000
_WITHDRAWN = "Withdrawn answer"


def subject(facts: Facts, response: ResponseFacts, lead: str | None = None) -> str:
    """One line that tells this record from the next, e.g. `Detractor: 3 of 10 (NPS), Acme`, after `lead`."""
    who = facts.account.name if facts.account and facts.account.name else facts.profile.name
    line = (f"{lead}: " if lead else "") + headline(response) + (f", {who}" if who else "")
    return shorten(" ".join(line.split()), SUBJECT_CHARACTERS)


def description(facts: Facts, response: ResponseFacts) -> str:
    """What the account manager needs before the first call. Plain text: Salesforce shows it as it is."""
    comment = response.comment or "(no comment)"
    further = [line for more in response.further_answers for line in (more.question, more.answer.strip(), "")]
    text = "\n".join([headline(response), "", comment.strip(), "", *further, *_details(facts, response)])
    return shorten(text, DESCRIPTION_CHARACTERS)


def withdrawn(fields: Fields) -> JsonObject:
    """What a record about an answer says once that is withdrawn; `fields` are those that show facts."""
    return {**emptied(fields), "Subject": _WITHDRAWN, "Description": _WITHDRAWN}


def _details(facts: Facts, response: ResponseFacts) -> Iterator[str]:
    profile = facts.profile
    if profile.name:
        yield f"Customer: {profile.name}" + (f" ({profile.role})" if profile.role else "")
    if facts.account:
        yield f"Account: {facts.account.name or facts.account.id}"
    if response.themes:
        yield f"Themes: {', '.join(response.themes)}"
    if response.program:
        yield f"Program: {response.program}"
    yield f"Answered: {response.responded_at:%-d %B %Y, %H:%M} UTC via {response.source}"
    yield f"Response: {response.id}"
