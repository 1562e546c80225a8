"""A mail that a colleague writes to a customer about an answer, wherever they read it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from runtime.clock import Clock
from runtime.tracing import new_traceparent
from services.router import effect_store, follow_up_store
from services.router.clearance import Policy, Standing, refusal
from services.router.delivery import Connected
from services.router.destination import Notice
from services.router.draft import Draft
from services.router.effect import PEOPLE, EffectRow, effect_id
from services.router.follow_up_commands import Claim
from services.router.follow_up_desk import Desk
from services.router.mail_message import as_html
from services.router.people import Person

Connection = psycopg.Connection[Any]

MAIL = "email"


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer that something is about, as far as effects and notices need it."""

    subject: str
    person_key: str
    account_id: str | None
    traceparent: str
    rule: str = PEOPLE


def answered(subject: str, person_key: str, account_id: str | None) -> Answered:
    """An answer, for something that begins now."""
    return Answered(subject, person_key, account_id, new_traceparent())


def asked_by_hand(
    about: Answered, action: str, destination: str, content: str, *, rate_key: str
) -> EffectRow:
    """The effect that somebody asks for: no rule of the file stands behind it."""
    return EffectRow(
        subject=about.subject,
        action=action,
        effect_id=effect_id(about.subject, action),
        rule=about.rule,
        destination=destination,
        person_key=about.person_key,
        account_id=about.account_id,
        program=None,
        channel=None,
        received_at=None,
        expires_at=None,
        traceparent=about.traceparent,
        content=content,
        is_wanted=True,
        desired_version=1,
        order_key=about.person_key,
        rate_key=rate_key,
        is_new=True,
    )


@dataclass(frozen=True)
class Letters:
    """Sends them, by way of the ledger."""

    desk: Desk
    clock: Clock
    mail: Connected
    policy: Policy

    def unsendable(self, to: str) -> str | None:
        """Why a mail to this address would be withheld now, or None."""
        anybody = Standing(
            is_wanted=True, is_erased=False, program=None, opt_outs=frozenset(), expires_at=None
        )
        return refusal(anybody, self.policy, (to,), self.mail.disabled, self.clock.now())

    def send(
        self, connection: Connection, about: Answered, draft: Draft, letter_id: UUID, writer: Person
    ) -> bool:
        """Have it mailed, in the caller's transaction; what was nobody's is the writer's from then on.

        False: this letter was sent before.
        """
        now = self.clock.now()
        it = follow_up_store.lock(connection, about.subject)
        letter = self._letter(about, draft, letter_id, writer)
        if letter.action in effect_store.of_subjects(connection, [about.subject]).get(about.subject, {}):
            return False
        effect_store.write(connection, [letter], now=now)
        if it is not None and it.owner_id is None:
            self.desk.apply_in(connection, about.subject, Claim(writer.id), now)
        told = Notice(f"{writer.name} wrote to the customer:\n{draft.subject}\n\n{draft.text}")
        self.desk.notify(connection, it or about, told, name=f"sent_{letter_id.hex[:12]}", now=now)
        return True

    def _letter(self, about: Answered, draft: Draft, letter_id: UUID, writer: Person) -> EffectRow:
        plugin = self.mail.plugin
        content = plugin.content.model_validate(
            {
                "to": draft.to,
                "name": draft.name,
                "subject": draft.subject,
                "text": draft.text,
                "html": as_html(draft.text),
                "about": about.subject,
                "writer_name": writer.name,
                "writer_email": writer.email,
            }
        )
        return asked_by_hand(
            about,
            f"reply_{letter_id.hex[:12]}",
            MAIL,
            content.model_dump_json(),
            rate_key=plugin.rate_key(content),
        )
