"""Takes mails that came in: a reply becomes its response's comment or goes to the follow-up, a bounce and a
complaint change the profile, what is automatic changes nothing.
"""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import Event, to_message
from runtime.postgres import Pool
from schemas.event import NAMESPACE, derived_id
from schemas.replies import ReplyReceived
from schemas.reply_address import About, Answered, read_reply_address
from schemas.survey_link import InvalidTokenError
from services.ingest import metrics, store, survey_store
from services.ingest.acceptance import SOURCE
from services.ingest.inbound_mail import InboundMail, MailKind, read_mail
from services.ingest.mail_desk import MailDesk
from services.ingest.reply_comment import commented


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDesk:
    """What inbound mail stands on."""

    pool: Pool
    clock: Clock
    token_secret: bytes
    mail: MailDesk

    def take(self, raw: bytes, traceparent: str) -> MailKind:
        """Writes what the mail says, once however often it comes; what kind it was."""
        mail = read_mail(raw)
        metrics.MAILS_RECEIVED.labels(mail.kind).inc()
        if mail.events:
            self.mail.record(mail.events, traceparent)
        elif mail.kind is MailKind.REPLY and mail.text is not None:
            self._reply(mail, mail.text, mail.message_id or sha256(raw).hexdigest(), traceparent)
        return mail.kind

    def _reply(self, mail: InboundMail, text: str, name: str, traceparent: str) -> None:
        answered = self._answered(mail)
        if answered is None:
            metrics.REPLIES_UNMATCHED.inc()
            return
        reply_id = derived_id(NAMESPACE, "reply", name)
        with self.pool.connection() as connection:
            if not store.is_first_reply(connection, reply_id):
                return
            for event in self._events(connection, answered, text, reply_id):
                outbox.append(connection, [to_message(event, source=SOURCE, traceparent=traceparent)])

    def _events(
        self, connection: store.Connection, answered: Answered, text: str, reply_id: UUID
    ) -> list[Event]:
        now = self.clock.now()
        about_survey = answered.about is About.REQUEST
        state = survey_store.survey(connection, answered.id, lock=True) if about_survey else None
        response = commented(state, text, now) if state else None
        if state and response and response.answer:
            survey_store.put_answer(connection, state.request_id, response.answer)
        reply = ReplyReceived(
            reply_id=reply_id,
            subject=answered.subject,
            person_key=state.request.person_key if state and state.request else None,
            text=text,
            became_comment=response is not None,
            received_at=now,
        )
        return [reply] if response is None else [response.event, reply]

    def _answered(self, mail: InboundMail) -> Answered | None:
        for header in mail.addressed:
            try:
                return read_reply_address(self.token_secret, header)
            except InvalidTokenError:
                continue
        return None
