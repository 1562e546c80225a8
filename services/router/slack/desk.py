"""Answers what people do in Slack, whichever way it came: HTTP or Socket Mode.

What somebody decided is in the database before Slack is told that we got it. What follows for their eyes
alone (a form, a hint) is a call after that: lost in a crash, it is simply pressed again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import structlog
from pydantic import JsonValue
from slack_sdk.webhook import WebhookClient

from services.router import metrics
from services.router.draft import Draft
from services.router.follow_up_commands import Claim, Command, Refusal
from services.router.people import People, Person
from services.router.slack import modals
from services.router.slack.acts import Acts
from services.router.slack.follow_up_part import Verb
from services.router.slack.forms import Forms, commands
from services.router.slack.home_tab import HomeTab
from services.router.slack.modals import View
from services.router.slack.requests import Confirmed, HomeOpened, Pressed, Request, Submitted
from services.router.slack.texts import escape
from services.router.slack.workspace import Workspace, tolerated

CALL_SECONDS = 2
_BUSY = "That could not be saved just now, and nothing was changed. Please try again in a moment."
_NO_FOLLOW_UP = "Nobody has to follow this one up: the rules ask for no follow-up."
_NO_ADDRESS = "There is nobody to write to: no e-mail address is known."
_TOO_OLD = "This draft is gone: please write the reply again."
_ASIDE = "Put your own words in the place of this, or take it out: {}"
_NO_CARD = "This answer does not count any more."
_STRANGER = (
    "I do not know you yet: ask whoever runs feedback-router to add you to people.yaml, by the e-mail "
    "address of your Slack account or with `slack_user: {}`."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Handled:
    """What Slack is told at once, and what is done for the person after that."""

    answer: Mapping[str, JsonValue] | None = None
    after: Callable[[], None] | None = None


class SlackDesk:
    """The people in Slack, and what their clicks do."""

    def __init__(self, *, acts: Acts, forms: Forms, workspace: Workspace, home: HomeTab) -> None:
        self._acts = acts
        self._forms = forms
        self._workspace = workspace
        self._home = home

    @property
    def _people(self) -> People:
        return self._forms.people

    def handle(self, request: Request) -> Handled:
        """Do what somebody asked for. Never raises for what the database or Slack cannot do now."""
        metrics.SLACK_REQUESTS.labels(type(request).__name__.lower()).inc()
        who = self._person(request.user)
        try:
            match request:
                case HomeOpened(user):
                    return Handled(after=lambda: self._home.publish(user, who))
                case _ if who is None:
                    return self._say(request, _STRANGER.format(request.user))
                case Pressed():
                    return self._pressed(request, who)
                case Submitted():
                    return self._submitted(request, who)
                case Confirmed(draft_id):
                    sent = self._acts.send(draft_id, who)
                    return Handled({"response_action": "clear"}) if sent else self._say(request, _TOO_OLD)
        except psycopg.OperationalError as error:
            log.warning("slack request not saved", error=type(error).__name__)
            return self._say(request, _BUSY)

    def _pressed(self, pressed: Pressed, who: Person) -> Handled:
        if pressed.verb is Verb.CLAIM:
            return self._commanded(pressed, who, [Claim(who.id)])
        card = self._acts.card(pressed.subject)
        if card is None:
            return self._say(pressed, _NO_CARD)
        view = self._forms.form(pressed.verb, card, who, self._acts.clock.now())
        if view is None:
            return self._say(pressed, _NO_ADDRESS)
        return Handled(after=lambda: self._open(pressed.trigger_id, view))

    def _submitted(self, form: Submitted, who: Person) -> Handled:
        wanted = commands(form, who)
        if wanted:
            return self._commanded(form, who, wanted)
        card = self._acts.card(form.subject)
        if card is None:
            return self._say(form, _NO_CARD)
        match form.verb:
            case Verb.STOP_ASKING:
                self._acts.stop_asking(card, who)
            case Verb.NOT_USEFUL:
                self._acts.correct(form, card, who)
            case Verb.REPLY if card.draft is not None:
                return self._preview(form, card.draft, who)
        return Handled()

    def _commanded(self, request: Pressed | Submitted, who: Person, wanted: Sequence[Command]) -> Handled:
        decided = self._acts.command(request.subject, wanted)
        if decided is None:
            return self._say(request, _NO_FOLLOW_UP)
        if isinstance(decided, Refusal):
            holder = self._people.person(decided.holder)
            reason = f"{holder.name} has it already" if holder else decided.reason
            said = f"{reason[:1].upper()}{reason[1:]}."
            is_of_the_day = isinstance(request, Submitted) and request.verb is Verb.SNOOZE
            return _field_error("until", said) if is_of_the_day else self._say(request, said)
        return Handled(after=lambda: self._home.refresh(request.user, who))

    def _preview(self, form: Submitted, draft: Draft, who: Person) -> Handled:
        reason = self._acts.letters.unsendable(draft.to)
        if reason is not None:
            return self._say(form, f"No mail would leave: {reason}.")
        changed = {name: text for name in ("subject", "text") if (text := form.text(name))}
        written = draft.model_copy(update=changed)
        if aside := draft.left_to_write(written.text):
            return _field_error("text", _ASIDE.format(aside))
        draft_id = uuid4()
        self._acts.keep(draft_id, form.subject, who, written)
        return Handled({"response_action": "push", "view": modals.preview(str(draft_id), written)})

    def _say(self, request: Request, text: str) -> Handled:
        """Say something to whoever asked: a form becomes the words, a button gets a hint only they see."""
        match request:
            case Pressed(response_url=str(url)):
                return Handled(after=lambda: self._hint(url, text))
            case Pressed(trigger_id=trigger_id):
                return Handled(after=lambda: self._open(trigger_id, modals.said("Not done", text)))
        return Handled({"response_action": "update", "view": modals.said("Not done", text)})

    def _hint(self, url: str, text: str) -> None:
        with tolerated("hint"):
            WebhookClient(url, timeout=CALL_SECONDS, retry_handlers=[]).send(
                text=escape(text), response_type="ephemeral", replace_original=False
            )

    def _open(self, trigger_id: str, view: View) -> None:
        with tolerated("form"):
            self._workspace.client(CALL_SECONDS).views_open(trigger_id=trigger_id, view=view)

    def _person(self, user: str) -> Person | None:
        known = self._people.by_slack_user(user)
        if known is not None:
            return known
        directory = self._workspace.directory
        return self._people.by_email(directory.email_of(user, lambda: self._workspace.client(CALL_SECONDS)))


def _field_error(field: str, said: str) -> Handled:
    """The form stays with all that was filled in, and the words stand below one of its fields."""
    return Handled({"response_action": "errors", "errors": {field: said}})
