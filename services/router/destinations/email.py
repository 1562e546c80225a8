"""E-mail over SMTP: the thank-you after an answer, and the survey itself.

A mail cannot be changed or called back, and nobody can be asked whether it arrived: when the connection is
lost after the end of the data, it counts as delivered (RFC 5321 section 4.5.3.2.6): the server may have it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from smtplib import SMTPAuthenticationError, SMTPResponseException, SMTPSenderRefused
from threading import Event
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from runtime.deadline import within
from runtime.settings import EnvironmentSettings, LowerListed
from schemas.reply_address import About, Answered, reply_address
from services.router.destination import (
    Addressee,
    AfterAmbiguity,
    Ambiguous,
    Bulletin,
    Call,
    Delivered,
    Failed,
    Found,
    Limits,
    Operation,
    Plugin,
    Result,
    Retry,
    Sighting,
    Traits,
)
from services.router.facts import Facts
from services.router.mail_message import address, as_html, compose, one_line, split_subject
from services.router.mail_server import MailServer
from services.router.outcomes import subject_of_request, subject_of_response
from services.router.people import Person, Team
from services.router.templates import Templates

_PERMANENT = 500

ERRORS: Mapping[int, type[Retry | Failed]] = {
    # The account or the server, not this mail: passes when somebody puts it right.
    502: Retry,
    503: Retry,
    521: Retry,
    530: Retry,
    534: Retry,
    535: Retry,
    538: Retry,
    554: Failed,
}
"""What a reply code means (RFC 5321 section 4.2.3, RFC 4954); any other 4xx: Retry, any other 5xx: Failed."""


class Action(BaseModel):
    """An e-mail action in rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    """`thank_you` stands for the two files `thank_you.txt.j2`, whose first line is the subject, and
    `thank_you.html.j2`."""


class Content(BaseModel):
    """A mail."""

    model_config = ConfigDict(frozen=True)

    to: str
    name: str | None
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None
    about: str | None = None
    """What the mail is about, as the ledger names it."""
    writer_name: str | None = None
    writer_email: str | None = None
    """The colleague who looks after the customer: who writes, or gets the reply."""


class Settings(EnvironmentSettings):
    """The mail server, and who writes."""

    smtp_host: str | None = None
    """Mail server that takes our mail; unset: e-mail is off."""
    smtp_port: int = Field(587, ge=1, le=65535)
    """Its port; 465 is TLS from the first byte."""
    smtp_username: str | None = None
    """Login of the mail server; unset: none."""
    smtp_password: SecretStr | None = None
    """Password of that login."""
    smtp_starttls: bool = True
    """Insist on STARTTLS; false only for a server on this machine."""
    mail_from: str | None = None
    """Who writes, e.g. `Acme <feedback@acme.example>`."""
    mail_reply_to: str | None = None
    """Mailbox that feedback-router reads, e.g. `feedback@acme.example`: each mail is answered to an address
    of its own there, feedback+…@acme.example; unset: answers go to the colleague alone."""
    survey_token_secret: SecretStr | None = None
    """Signs those addresses; the same as ingest's."""
    mail_own_domains: LowerListed = ()
    """Domains, separated by commas, from which colleagues may write as themselves (SPF and DKIM cover them);
    of others the company writes, and the reply goes to the colleague."""
    mail_calls_per_second: float = Field(20.0, gt=0)
    """Mails a second."""
    mail_parallel_calls: int = Field(4, ge=1, le=64)
    """Connections to the mail server at once."""
    mail_deadline_seconds: float = Field(20.0, ge=1, le=60)
    """Hard limit of handing over one mail."""

    @field_validator("mail_reply_to")
    @classmethod
    def _plain(cls, mailbox: str | None) -> str | None:
        if mailbox is not None:
            reply_address(b"", mailbox, Answered(About.REQUEST, UUID(int=0)))
        return mailbox

    @field_validator("mail_from")
    @classmethod
    def _one_address(cls, text: str | None) -> str | None:
        if text is not None:
            address(text)
        return text


class Mail:
    """A connected mail server."""

    def __init__(self, settings: Settings, host: str, sender: Address) -> None:
        self.limits = Limits(
            calls_per_second=settings.mail_calls_per_second,
            parallel_calls=settings.mail_parallel_calls,
            deadline_seconds=settings.mail_deadline_seconds,
        )
        self._own_domains = settings.mail_own_domains
        self._sender = sender
        username, password = settings.smtp_username, settings.smtp_password
        self._server = MailServer(
            host,
            settings.smtp_port,
            starttls=settings.smtp_starttls,
            login=(username, password.get_secret_value()) if username and password else None,
        )
        self._mailbox = settings.mail_reply_to
        self._secret = settings.survey_token_secret

    def deliver(self, call: Call) -> Result:
        """Hand the mail over. What was sent stays sent: there is nothing to update or to take back."""
        message_id = f"<{call.effect_id}@{self._sender.domain}>"
        if call.operation is not Operation.CREATE:
            return Delivered(call.external_id)
        content = Content.model_validate(call.content)
        try:
            to = address(content.to, content.name)
        except ValueError:
            return Failed("invalid_address")
        writer = _colleague(content)
        writes_as_themselves = writer is not None and writer.domain.lower() in self._own_domains
        message = compose(
            message_id=message_id,
            sender=writer if writer and writes_as_themselves else self._sender,
            reply_to=[one for one in (self._answers_to(content), writer) if one],
            to=to,
            subject=content.subject,
            text=content.text,
            html=content.html,
            unsubscribe_url=content.unsubscribe_url,
            date=datetime.now(UTC),
        )
        handed_over = Event()
        try:
            within(
                call.deadline_seconds,
                lambda: self._server.send(self._sender.addr_spec, to.addr_spec, bytes(message), handed_over),
            )
        except OSError as error:
            return verdict(error, handed_over=handed_over.is_set())
        return Delivered(message_id)

    def reconcile(self, call: Call) -> Sighting:
        """A mail server cannot be asked; what may have been sent counts as sent."""
        return Found(f"<{call.effect_id}@{self._sender.domain}>")

    def _answers_to(self, content: Content) -> Address | None:
        """The address at which an answer is known to be one to this mail."""
        if self._mailbox is None or self._secret is None or content.about is None:
            return None
        about, _, id_ = content.about.partition(":")
        answered = Answered(About(about), UUID(id_))
        return address(reply_address(self._secret.get_secret_value().encode(), self._mailbox, answered))

    def close(self) -> None:
        """Close the connections."""
        self._server.close()


def verdict(error: OSError, *, handed_over: bool) -> Result:
    """What a failed mail means; `handed_over` once the whole mail was on its way."""
    match error:
        case SMTPSenderRefused(smtp_code=code) | SMTPAuthenticationError(smtp_code=code):
            return Retry(f"smtp_{code}")
        case SMTPResponseException(smtp_code=code) if code > 0:
            meaning = ERRORS.get(code, Failed if code >= _PERMANENT else Retry)
            return meaning(f"smtp_{code}")
    # smtplib raises SMTPServerDisconnected for whatever happens to the connection.
    timed_out = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
    cause = "timeout" if timed_out else "connection_lost"
    return Ambiguous(f"{cause}_after_data") if handed_over else Retry(cause)


def _colleague(content: Content) -> Address | None:
    """Whose address is no address does not write."""
    try:
        return address(content.writer_email, content.writer_name) if content.writer_email else None
    except ValueError:
        return None


def _files(action: Action) -> tuple[str, str]:
    return f"{action.template}.txt.j2", f"{action.template}.html.j2"


def render(action: Action, facts: Facts, templates: Templates) -> Content | None:
    """The filled templates; nothing where no address is known."""
    if facts.profile.email is None:
        return None
    text_file, html_file = _files(action)
    subject, text = split_subject(templates.render(text_file, facts))
    owner, account = facts.owner, facts.account
    return Content(
        to=facts.profile.email,
        name=facts.profile.name,
        subject=one_line(subject, 200),
        text=text,
        html=templates.render(html_file, facts),
        unsubscribe_url=facts.survey.unsubscribe_url if facts.survey else None,
        about=_about(facts),
        writer_name=owner.name if owner else None,
        writer_email=owner.email if owner else account.csm_email if account else None,
    )


def _about(facts: Facts) -> str | None:
    if facts.response is not None:
        return subject_of_response(facts.response.id)
    return subject_of_request(facts.survey.request_id) if facts.survey else None


def connect(settings: Settings) -> Mail | str:
    """The mail server."""
    if settings.smtp_host is None:
        return "SMTP_HOST is not set"
    if settings.mail_from is None:
        return "MAIL_FROM is not set"
    return Mail(settings, settings.smtp_host, address(settings.mail_from))


def _redirected(content: Content, to: Person) -> Content:
    return content.model_copy(update={"to": to.email, "name": to.name})


def _bulletins(told: Bulletin, _team: Team, members: Sequence[Person]) -> Mapping[str, Content]:
    """A mail to each member."""
    html = as_html(told.text)
    return {
        f"mail_{one.id}": Content(
            to=one.email, name=one.name, subject=one_line(told.title, 200), text=told.text, html=html
        )
        for one in members
    }


def _letter(told: Bulletin, to: Addressee) -> Content:
    return Content(
        to=to.email,
        name=to.name,
        subject=one_line(told.title, 200),
        text=told.text,
        html=as_html(told.text),
        unsubscribe_url=to.unsubscribe_url,
        about=to.about,
        writer_name=to.owner.name if to.owner else None,
        writer_email=to.owner.email if to.owner else None,
    )


PLUGIN = Plugin(
    name="email",
    traits=Traits(after_ambiguity=AfterAmbiguity.ASSUME_DELIVERED, updates=False, to_respondent=True),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=lambda _content, facts: facts.profile.key,
    rate_key=lambda _content: "",
    audience=lambda content: (content.to,),
    templates=_files,
    redirect=_redirected,
    bulletins=_bulletins,
    letter=_letter,
)
