"""What people do in Slack, written to the database: each in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import to_message
from runtime.postgres import Pool
from runtime.tracing import new_traceparent
from schemas.survey_events import SurveyStep, SurveyStepOccurred
from services.router.destination import Notice
from services.router.draft import Draft
from services.router.follow_up_commands import AddNote, Change, Command, HandOver, Refusal
from services.router.follow_up_desk import Desk
from services.router.letters import Answered, Letters, answered
from services.router.outcomes import SOURCE
from services.router.people import Person
from services.router.plugins import AnyPlugin
from services.router.slack import store
from services.router.slack.content import Card
from services.router.slack.corrections import corrections
from services.router.slack.modals import REASONS
from services.router.slack.requests import Submitted
from services.router.slack.showing import show_to

Connection = psycopg.Connection[Any]

_PATIENCE_SECONDS = 2.0
_CHANNEL = "slack"


@dataclass(frozen=True)
class Acts:
    """Writes what somebody did. Every call raises psycopg.OperationalError when the database cannot now."""

    pool: Pool
    clock: Clock
    desk: Desk
    plugin: AnyPlugin
    letters: Letters

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
                    people, team = self.desk.people, command.team
                    show_to(connection, subject, team, people, plugin=self.plugin, now=now)
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

    def keep(self, draft_id: UUID, subject: str, actor: Person, draft: Draft) -> None:
        """Keep a reply that is being previewed."""
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            store.keep_draft(connection, draft_id, subject, actor.id, draft)

    def send(self, draft_id: UUID, actor: Person) -> bool:
        """Have a previewed reply mailed, once; what was nobody's is the writer's. False: it is too old."""
        with self.pool.connection(timeout=_PATIENCE_SECONDS) as connection:
            store.be_quick(connection)
            taken = store.take_draft(connection, draft_id)
            if taken is None:
                return store.was_sent(connection, draft_id)
            subject, draft = taken
            card = store.cards_of(connection, [subject]).get(subject)
            if card is None or card.content.card is None:
                return False
            self.letters.send(connection, _answered(card.content.card), draft, draft_id, actor)
        return True

    def _remember(
        self, connection: Connection, subject: str, actor: Person, words: str, now: datetime
    ) -> None:
        """Put a note into the follow-up's history; where there is none, into the card's thread."""
        if self.desk.apply_in(connection, subject, AddNote(actor.id, words), now) is not None:
            return
        shown = store.cards_of(connection, [subject]).get(subject)
        if shown is not None and shown.content.card is not None:
            about = _answered(shown.content.card)
            name = f"note_{uuid4().hex[:12]}"
            self.desk.notify(connection, about, Notice(f"{actor.name}: {words}"), name=name, now=now)


def _answered(card: Card) -> Answered:
    return answered(card.subject, card.person_key, card.account_id)
