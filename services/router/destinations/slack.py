"""Slack: an answer as a card in a channel, edited in place when the answer or its follow-up changes.

`chat.postMessage` knows no idempotency key, so the effect's id travels in the message's metadata and is
looked for in the channel's history after a call whose answer was lost. Metadata is readable by every app of
the workspace: it holds that id and a version, nothing about a person.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import Field, HttpUrl, JsonValue, SecretStr
from pydantic_settings import SettingsConfigDict
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from runtime.deadline import remaining, within
from runtime.settings import EnvironmentSettings
from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Call,
    Delivered,
    Failed,
    Found,
    Limits,
    Notice,
    Operation,
    Plugin,
    Result,
    Retry,
    Sighting,
    Traits,
)
from services.router.follow_up import FollowUpView
from services.router.lost_call import lost
from services.router.movement import Around
from services.router.people import Person
from services.router.slack import follow_up_part
from services.router.slack.actions import Action, LinkAction, filled, render, templates_of
from services.router.slack.bulletin import bulletins
from services.router.slack.card import TEXT_CHARACTERS, by_now, withdrawn
from services.router.slack.content import Card, Content, Recipient
from services.router.slack.errors import cause_of, code_of, retry_after, verdict
from services.router.slack.follow_up_part import MAX_LINKS
from services.router.slack.history import EVENT_TYPE, SCAN_SECONDS, History
from services.router.slack.summary import summarise
from services.router.slack.texts import escape, mention, shorten
from services.router.slack.workspace import Workspace

_GONE = frozenset({"message_not_found"})


class Settings(EnvironmentSettings):
    """How Slack is reached, and how it reaches us."""

    model_config = SettingsConfigDict(env_prefix="SLACK_")

    bot_token: SecretStr | None = None
    """Bot token (xoxb-...) of the Slack app; unset: Slack is off."""
    signing_secret: SecretStr | None = None
    """Signing secret of the Slack app: its buttons reach us over HTTP where this is set."""
    app_token: SecretStr | None = None
    """App-level token (xapp-...): buttons reach us over Socket Mode where this is set."""
    base_url: HttpUrl = HttpUrl("https://slack.com/api/")
    """Where Slack's Web API answers."""
    calls_per_second: float = Field(1.0, gt=0)
    """Messages a second in one channel; Slack takes one."""
    parallel_calls: int = Field(4, ge=1, le=64)
    """Calls to Slack in flight at once."""
    deadline_seconds: float = Field(10.0, ge=1, le=60)
    """Hard limit of one call to Slack."""
    history_hours: float = Field(72.0, gt=0)
    """How far back a message whose answer was lost is looked for in its channel."""
    links: tuple[LinkAction, ...] = Field((), max_length=MAX_LINKS)
    """Buttons of every card that open a page in another tool; destinations.yaml explains them."""


class Slack:
    """A connected workspace."""

    def __init__(self, settings: Settings, token: SecretStr) -> None:
        self.limits = Limits(
            calls_per_second=settings.calls_per_second,
            parallel_calls=settings.parallel_calls,
            deadline_seconds=settings.deadline_seconds,
        )
        self.settings = settings
        self.workspace = Workspace(token, str(settings.base_url), connections=settings.parallel_calls)
        self._history = History(self._client, seconds=settings.history_hours * 3600)

    def deliver(self, call: Call) -> Result:
        """Post the message, edit it, or edit it to say that it was withdrawn."""
        try:
            return within(call.deadline_seconds, lambda: self._deliver(call))
        except SlackApiError as error:
            if call.operation is Operation.RETRACT and code_of(error.response) in _GONE:
                return Delivered(call.external_id)
            return verdict(error.response)
        except OSError as error:
            return lost(error)

    def reconcile(self, call: Call) -> Sighting:
        """Look for the effect's message where it belongs; of several the first stays, the rest is deleted."""
        try:
            return within(call.deadline_seconds, lambda: self._look_for(call))
        except SlackApiError as error:
            return Retry(cause_of(error.response), retry_after(error.response))
        except OSError as error:
            return Retry(lost(error).cause)

    def close(self) -> None:
        """Close the connections."""
        self.workspace.close()

    def _deliver(self, call: Call) -> Result:
        content = Content.model_validate(call.content)
        metadata = {
            "event_type": EVENT_TYPE,
            "event_payload": {"effect_id": str(call.effect_id), "version": call.version},
        }
        if call.operation is Operation.RETRACT:
            if call.external_id is None:
                return Delivered()
            text, blocks = withdrawn("this answer does not count any more.")
        else:
            text, blocks = self._drawn(content, call.follow_up)
        if call.external_id is None:
            named, _, thread_ts = (call.parent_id or content.channel).partition("/")
            channel = named or self._user(content.to) or content.otherwise
            if not channel:
                return Failed("nobody_in_slack_has_this_address")
            posted = self._client().chat_postMessage(
                channel=channel,
                thread_ts=thread_ts or None,
                text=text,
                blocks=blocks,  # type: ignore[arg-type]  # plain JSON, which the client passes on as it is
                metadata=metadata,
                mrkdwn=False,
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
            )
            return Delivered(f"{posted['channel']}/{posted['ts']}")
        channel, _, ts = call.external_id.partition("/")
        self._client().chat_update(
            channel=channel,
            ts=ts,
            text=text,
            blocks=blocks,  # type: ignore[arg-type]  # plain JSON, which the client passes on as it is
            metadata=metadata,
            link_names=False,
        )
        return Delivered(call.external_id)

    def _drawn(self, content: Content, follow_up: FollowUpView | None) -> tuple[str, list[JsonValue]]:
        card = content.card
        if card is None:
            return self._addressed(content), content.blocks
        links = (*card.links, *filled(self.settings.links, card.ids))
        card = card.model_copy(update={"links": links})
        owner, now = self._owner(card, follow_up), datetime.now(UTC)
        blocks = follow_up_part.composed(content.blocks, card, follow_up, owner=owner, now=now)
        return follow_up_part.told(content.text, follow_up), blocks

    def _addressed(self, content: Content) -> str:
        """The words, for whoever must see them among others."""
        if content.to is None or not content.channel:
            return content.text
        user = self._user(content.to)
        return f"{(mention(user) if user else None) or escape(content.to.name)} {content.text}"

    def _owner(self, card: Card, follow_up: FollowUpView | None) -> str | None:
        """The owner as mrkdwn: mentioned where Slack knows them, else by name."""
        user, name, email = None, card.owner_name, card.owner_email
        if follow_up is not None and follow_up.owner_id is not None:
            user, name, email = follow_up.owner_slack_user, follow_up.owner_name, follow_up.owner_email
        shown = name or email
        if shown is None:
            return None
        user = self._user(Recipient(name=shown, email=email or "", user=user))
        return (mention(user) if user else None) or escape(shown)

    def _user(self, who: Recipient | None) -> str | None:
        if who is None or who.user is not None or not who.email:
            return who.user if who else None
        return self.workspace.directory.user_of(who.email, self._client)

    def _look_for(self, call: Call) -> Sighting:
        if call.parent_id:
            channel, _, thread_ts = call.parent_id.partition("/")
            found = self._copies(call, channel, thread_ts)
        else:
            found = [copy for channel in self._places(call) for copy in self._copies(call, channel)]
        for channel, repeated in found[1:]:
            self._delete(channel, repeated)
        return Found("/".join(found[0])) if found else Absent()

    def _places(self, call: Call) -> Iterator[str]:
        """Ids of the channels where the message may be."""
        content = Content.model_validate(call.content)
        named = content.channel or content.otherwise
        if named and (channel := self._history.channel_id(named)):
            yield channel
        if not content.channel and (direct := self._direct(content.to)):
            yield direct

    def _copies(self, call: Call, channel: str, thread_ts: str = "") -> list[tuple[str, str]]:
        return [(channel, ts) for ts in self._history.messages(str(call.effect_id), channel, thread_ts)]

    def _direct(self, who: Recipient | None) -> str | None:
        user = self._user(who)
        return str(self._client().conversations_open(users=[user])["channel"]["id"]) if user else None

    def _delete(self, channel: str, ts: str) -> None:
        try:
            self._client().chat_delete(channel=channel, ts=ts)
        except SlackApiError as error:
            if code_of(error.response) not in _GONE:
                raise

    def _client(self) -> WebClient:
        return self.workspace.client(remaining())


def connect(settings: Settings) -> Slack | str:
    """The workspace the bot token belongs to."""
    if settings.bot_token is None:
        return "SLACK_BOT_TOKEN is not set"
    return Slack(settings, settings.bot_token)


def notice(said: Notice, shown: Content | None) -> Content | None:
    """Words below the card, or a direct message where there is none."""
    to = said.to and Recipient(name=said.to.name, email=said.to.email, user=said.to.slack_user)
    if shown is None and to is None:
        return None
    return Content(
        channel=shown.channel if shown else "", text=escape(shorten(said.text, TEXT_CHARACTERS)), to=to
    )


def _place(content: Content) -> str:
    return content.channel.removeprefix("#") or (content.to.email if content.to else "")


def _redirected(content: Content, to: Person) -> Content:
    """The card in a direct message; without its buttons, which would act on the answer."""
    who = Recipient(name=to.name, email=to.email, user=to.slack_user)
    return content.model_copy(update={"channel": "", "to": who, "otherwise": "", "card": None})


def _by_now(content: Content, around: Around) -> Content:
    if content.card is None:
        return content
    return content.model_copy(update={"blocks": by_now(content.blocks, around.earlier)})


PLUGIN = Plugin(
    name="slack",
    traits=Traits(
        after_ambiguity=AfterAmbiguity.RECONCILE,
        updates=True,
        settle_seconds=10 + SCAN_SECONDS,
        shows_follow_up=True,
    ),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=lambda _content, facts: facts.profile.key,
    rate_key=_place,
    audience=lambda content: (_place(content),),
    templates=templates_of,
    notice=notice,
    summarise=summarise,
    bulletins=bulletins,
    redirect=_redirected,
    by_now=_by_now,
    in_place=lambda before, now: now.model_copy(
        update={"channel": before.channel, "to": before.to, "otherwise": before.otherwise}
    ),
)
