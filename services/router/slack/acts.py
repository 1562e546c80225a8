"""What people do in Slack, written to the database: each in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from uuid import UUID, uuid4

import psycopg

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import to_message
from runtime.postgres import Pool
from runtime.tracing import new_traceparent
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.router import effect_store, follow_up_store
from services.router.clearance import Policy, Standing, refusal
from services.router.delivery import Connected
from services.router.destination import Notice
from services.router.effect import PEOPLE, EffectRow, effect_id
from services.router.follow_up_commands import AddNote, Change, Claim, Command, HandOver, Refusal
from services.router.follow_up_desk import Desk
from services.router.outcomes import SOURCE
from services.router.people import Person
from services.router.slack import store
from services.router.slack.content import Card, Draft
from services.router.slack.corrections import corrections
from services.router.slack.modals import REASONS
from services.router.slack.requests import Submitted

Connection = psycopg.Connection[Any]

_PATIENCE_SECONDS = 2.0
_CHANNEL = "slack"


@dataclass(frozen=True)
class Acts:
    """Writes what somebody did. Every call raises psycopg.OperationalError when the database cannot now."""

    pool: Pool
    clock: Clock
    desk: Desk
    connected: Mapping[str, Connected]
    policy: Policy

    def command(self, subject: str, commands: Sequence[Command]) -> Change | Refusal | None:
        """Carry commands out together, as far as the first that is refused; None: there is no follow-up."""
        now = self.clock.now()
        decided: Change | Refusal | None = None
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            for command in commands:
                decided = self.desk.apply_in(connection, subject, command, now)
                if not isinstance(decided, Change):
                    break
                if isinstance(command, HandOver) and decided.entry is not None:
                    self._show_to(connection, subject, command.team, now)
        return decided

    def card(self, subject: str) -> Card | None:
        """What the subject's card holds."""
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            shown = store.cards_of(connection, [subject]).get(subject)
        return shown.content.card if shown else None

    def stop_asking(self, card: Card, actor: Person) -> None:
        """Publish that the person wants no more surveys; ingest, which owns profiles, opts them out."""
        now = self.clock.now()
        response_id = UUID(card.subject.partition(":")[2])
        step = SurveyStepOccurred(
            # An answer nobody asked for has no request: its own id stands for one that never was.
            request_id=card.request_id or response_id,
            person_key=card.person_key,
            program=card.program or _CHANNEL,
            channel=_CHANNEL,
            step=SurveyStep.UNSUBSCRIBED,
            reason=f"asked {actor.id}",
            occurred_at=now,
        )
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            outbox.append(connection, [to_message(step, source=SOURCE, traceparent=new_traceparent())])
            self._remember(connection, card.subject, actor, "This person gets no more surveys.", now)

    def correct(self, submitted: Submitted, card: Card, actor: Person) -> None:
        """Publish what was wrong with the card, and remember why."""
        now = self.clock.now()
        stated = corrections(submitted, card, actor=actor.id, now=now)
        reason = REASONS.get(submitted.text("reason") or "", "")
        note = ": ".join(part for part in (reason.partition(" (")[0], submitted.text("note")) if part)
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            outbox.append(
                connection,
                [to_message(event, source=SOURCE, traceparent=new_traceparent()) for event in stated],
            )
            self._remember(connection, card.subject, actor, f"Not useful. {note}".strip(), now)

    def unsendable(self, draft: Draft) -> str | None:
        """Why a mail to this address would be withheld now, or None."""
        anybody = Standing(
            is_wanted=True, is_erased=False, program=None, opt_outs=frozenset(), expires_at=None
        )
        mail = self.connected["email"]
        return refusal(anybody, self.policy, (draft.to,), mail.disabled, self.clock.now())

    def keep(self, draft_id: UUID, subject: str, actor: Person, draft: Draft) -> None:
        """Keep a reply that is being previewed."""
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            store.keep_draft(connection, draft_id, subject, actor.id, draft)

    def send(self, draft_id: UUID, actor: Person) -> bool:
        """Have a previewed reply mailed, once; what was nobody's is the writer's. False: it is too old."""
        now = self.clock.now()
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            taken = store.take_draft(connection, draft_id)
            if taken is None:
                return store.was_sent(connection, draft_id)
            subject, draft = taken
            card = store.cards_of(connection, [subject]).get(subject)
            if card is None or card.content.card is None:
                return False
            it = follow_up_store.lock(connection, subject)
            mail = self._mail(card.content.card, draft, draft_id, actor)
            effect_store.write(connection, [mail], now=now)
            if it is not None and it.owner_id is None:
                self.desk.apply_in(connection, subject, Claim(actor.id), now)
            told = Notice(f"{actor.name} wrote to the customer:\n{draft.subject}\n\n{draft.text}")
            about, name = it or _answer(card.content.card), f"sent_{draft_id.hex[:12]}"
            self.desk.notify(connection, about, told, name=name, now=now)
        return True

    def _mail(self, card: Card, draft: Draft, draft_id: UUID, actor: Person) -> EffectRow:
        plugin = self.connected["email"].plugin
        content = plugin.content.model_validate(
            {
                "to": draft.to,
                "name": draft.name,
                "subject": draft.subject,
                "text": draft.text,
                "html": _as_html(draft.text),
                "about": card.subject,
                "writer_name": actor.name,
                "writer_email": actor.email,
            }
        )
        action = f"reply_{draft_id.hex[:12]}"
        return _row(card, action, "email", content.model_dump_json(), rate_key=plugin.rate_key(content))

    def _show_to(self, connection: Connection, subject: str, team: str, now: datetime) -> None:
        """Show the card in the channel of the team that has it now, once."""
        channel = self.desk.people.teams[team].slack_channel
        shown = store.cards_of(connection, [subject]).get(subject)
        if channel is None or shown is None or shown.content.card is None:
            return
        content = shown.content.model_copy(update={"channel": channel, "to": None})
        # A team's id may be as long as an action's, of which the events take this much.
        action, rate_key = f"handed_to_{team}"[:64], self.connected["slack"].plugin.rate_key(content)
        known = effect_store.of_subjects(connection, [subject]).get(subject, {})
        if action in known or shown.content.channel.removeprefix("#") == rate_key:
            return
        row = _row(shown.content.card, action, "slack", content.model_dump_json(), rate_key=rate_key)
        effect_store.write(connection, [row._replace(repeats=shown.action)], now=now)

    def _remember(
        self, connection: Connection, subject: str, actor: Person, words: str, now: datetime
    ) -> None:
        """Put a note into the follow-up's history; where there is none, into the card's thread."""
        if self.desk.apply_in(connection, subject, AddNote(actor.id, words), now) is not None:
            return
        shown = store.cards_of(connection, [subject]).get(subject)
        if shown is not None and shown.content.card is not None:
            about = _answer(shown.content.card)
            name = f"note_{uuid4().hex[:12]}"
            self.desk.notify(connection, about, Notice(f"{actor.name}: {words}"), name=name, now=now)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that nobody has to follow up, as far as notices are about it."""

    subject: str
    person_key: str
    account_id: str | None
    rule: str
    traceparent: str


def _answer(card: Card) -> _Answer:
    return _Answer(card.subject, card.person_key, card.account_id, PEOPLE, new_traceparent())


def _row(card: Card, action: str, destination: str, content: str, *, rate_key: str) -> EffectRow:
    return EffectRow(
        subject=card.subject,
        action=action,
        effect_id=effect_id(card.subject, action),
        rule=PEOPLE,
        destination=destination,
        person_key=card.person_key,
        account_id=card.account_id,
        program=None,
        channel=None,
        received_at=None,
        expires_at=None,
        traceparent=new_traceparent(),
        content=content,
        is_wanted=True,
        desired_version=1,
        order_key=card.person_key,
        rate_key=rate_key,
        is_new=True,
    )


def _as_html(text: str) -> str:
    paragraphs = "".join(
        f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n") if part.strip()
    )
    return f'<!doctype html><html><head><meta charset="utf-8"></head><body>{paragraphs}</body></html>'
