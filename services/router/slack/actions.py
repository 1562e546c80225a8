"""A Slack action of rules.yaml, and the card it makes of an answer. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from string import Formatter
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from services.router.draft import Draft
from services.router.facts import Facts
from services.router.mail_message import split_subject
from services.router.outcomes import subject_of_response
from services.router.shared import once_an_answer
from services.router.slack.card import card, fallback_text, noted
from services.router.slack.content import Card, Content, Link, Recipient, Seen
from services.router.slack.follow_up_part import MAX_LINKS
from services.router.slack.kudos import kudos
from services.router.templates import Templates

OWNER = "@owner"
_CHANNEL = r"#?[\w.-]{1,80}"

LINK_FACTS: Mapping[str, Callable[[Facts], str | None]] = {
    "response_id": lambda facts: str(facts.response.id) if facts.response else None,
    "person_key": lambda facts: facts.profile.key,
    "customer_id": lambda facts: facts.profile.customer_id,
    "account_id": lambda facts: facts.account.id if facts.account else None,
    "salesforce_id": lambda facts: facts.account.salesforce_id if facts.account else None,
}


def _link_fields(template: str) -> str:
    unknown = {name for _, name, _, _ in Formatter().parse(template) if name is not None} - set(LINK_FACTS)
    if unknown:
        raise ValueError(f"unknown {{{', '.join(sorted(unknown))}}}: a link may use {', '.join(LINK_FACTS)}")
    if not template.startswith(("https://", "http://")):
        raise ValueError("a link starts with https://")
    return template


class LinkAction(BaseModel):
    """A button of the card that opens a page; left out where a fact its address needs is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1, max_length=75)
    url: Annotated[str, AfterValidator(_link_fields)] = Field(max_length=500)
    """With `{response_id}`, `{person_key}`, `{customer_id}`, `{account_id}` or `{salesforce_id}` in it."""


class Action(BaseModel):
    """A Slack action in rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str = Field(pattern=rf"^({_CHANNEL}|{OWNER})$")
    """Name or id of a channel the app was invited to; `@owner`: a message to the customer's owner alone."""
    without_owner: str | None = Field(default=None, pattern=rf"^{_CHANNEL}$")
    """Of `channel: "@owner"`: the channel that gets it where nobody is known to own the customer, or where
    Slack does not know who does."""
    look: Literal["card", "kudos"] = "card"
    """`kudos`: the praise and whom it names, for everybody to read, without the customer's details."""
    note: str | None = Field(default=None, min_length=1, max_length=300)
    """A line below the headline that says why it is here."""
    links: tuple[LinkAction, ...] = Field(default=(), max_length=MAX_LINKS)
    reply: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,63}$")
    """Template of the mail that somebody can edit and send to the customer: `reply` stands for
    `reply.txt.j2`, whose first line is the subject. Left out: the card offers no reply."""

    @model_validator(mode="after")
    def _is_about_the_owner(self) -> "Action":
        if self.without_owner is not None and self.channel != OWNER:
            raise ValueError(f'without_owner goes with channel: "{OWNER}"')
        return self


def templates_of(action: Action) -> tuple[str, ...]:
    """Files of the templates it needs."""
    return (f"{action.reply}.txt.j2",) if action.reply else ()


def render(action: Action, facts: Facts, templates: Templates) -> Content | None:
    """The card of an answer; a survey request has none, and neither has an owner whom nobody knows."""
    response = facts.response
    is_owners = action.channel == OWNER
    to = _owner(facts) if is_owners else None
    channel = "" if to is not None else action.without_owner if is_owners else action.channel
    otherwise = action.without_owner or "" if to is not None else ""
    if response is None or channel is None:
        return None
    if action.look == "kudos":
        text, blocks = kudos(response)
        return Content(channel=channel, text=text, blocks=blocks, to=to, otherwise=otherwise)
    told = _told(facts, action.reply, templates)
    links = tuple(filled(action.links, told.card.ids))
    return Content(
        channel=channel,
        to=to,
        otherwise=otherwise,
        text=told.text,
        blocks=noted(told.blocks, action.note),
        card=told.card.model_copy(update={"links": links}) if links else told.card,
    )


class _Told(NamedTuple):
    """What all cards of an answer say."""

    text: str
    blocks: list[JsonValue]
    card: Card


@once_an_answer
def _told(facts: Facts, reply: str | None, templates: Templates) -> _Told:
    response = facts.response
    if response is None:
        raise ValueError("a survey request has no card")
    known = ((name, value(facts)) for name, value in LINK_FACTS.items())
    return _Told(
        text=fallback_text(facts, response),
        blocks=card(facts, response),
        card=Card(
            subject=subject_of_response(response.id),
            person_key=facts.profile.key,
            account_id=facts.account.id if facts.account else None,
            request_id=response.request_id,
            program=response.program,
            customer=facts.profile.name,
            owner_name=facts.owner.name if facts.owner else None,
            owner_email=_owner_email(facts),
            time_zone=facts.profile.time_zone,
            ids={name: value for name, value in known if value is not None},
            draft=_draft(reply, facts, templates) if reply else None,
            seen=Seen(
                revision=response.revision,
                themes=response.themes,
                sentiment=response.sentiment,
                functions=response.functions,
            ),
        ),
    )


def _owner(facts: Facts) -> Recipient | None:
    email = _owner_email(facts)
    if email is None:
        return None
    return Recipient(name=(facts.owner.name if facts.owner else None) or email, email=email)


def _owner_email(facts: Facts) -> str | None:
    if facts.owner:
        return facts.owner.email
    return facts.account.csm_email or facts.account.owner_email if facts.account else None


def _draft(template: str, facts: Facts, templates: Templates) -> Draft | None:
    if facts.profile.email is None:
        return None
    subject, text = split_subject(templates.render(f"{template}.txt.j2", facts))
    return Draft(to=facts.profile.email, name=facts.profile.name, subject=subject, text=text)


def filled(links: Iterable[LinkAction], ids: Mapping[str, str]) -> Iterator[Link]:
    """The buttons of those links of which all is known that their addresses name."""
    for link in links:
        names = {name for _, name, _, _ in Formatter().parse(link.url) if name is not None}
        if names <= ids.keys():
            values = {name: quote(ids[name], safe="") for name in names}
            yield Link(text=link.text, url=link.url.format_map(values))
