"""What becomes of a mail changes the profile of whoever it was for, and the survey it carried."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from runtime import outbox
from runtime.clock import Clock
from runtime.cloudevents import to_message
from runtime.postgres import Pool
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStep
from schemas.survey_link import InvalidTokenError, verify
from services.ingest import metrics, store, survey_store
from services.ingest.acceptance import SOURCE
from services.ingest.identity import email_key, normalised_email
from services.ingest.mail_provider import MailEvent, MailFate
from services.ingest.profiles import profile_without_surveys
from services.ingest.surveys import step_taken

_SURVEY_LINK = re.compile(r"/s/([A-Za-z0-9_-]{40,80})")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDesk:
    """What mail events stand on."""

    pool: Pool
    clock: Clock
    token_secret: bytes
    person_key_secret: bytes

    def record(self, events: Sequence[MailEvent], traceparent: str) -> None:
        """Writes all events in one transaction. Repeated, they change nothing."""
        with self.pool.connection() as connection:
            for event in sorted(events, key=lambda event: event.address):
                self._record(connection, event, traceparent)
                metrics.MAIL_EVENTS.labels(event.fate).inc()

    def _record(self, connection: store.Connection, event: MailEvent, traceparent: str) -> None:
        at = event.at or self.clock.now()
        people = store.people_at(connection, normalised_email(event.address))
        request = self._named(connection, event) or store.latest_mailed(connection, people, at)
        if event.fate is not MailFate.DELIVERED:
            # The address itself is kept too: whoever is imported with it later is found by it.
            addressed = {email_key(self.person_key_secret, event.address), *people}
            for key in sorted(addressed | ({request.person_key} if request else set())):
                self._opt_out(connection, key, event.fate, at, traceparent)
        if request is not None:
            step = step_taken(request, SurveyStep(event.fate), at)
            outbox.append(connection, [to_message(step, source=SOURCE, traceparent=traceparent)])

    def _opt_out(
        self, connection: store.Connection, key: str, fate: MailFate, at: datetime, traceparent: str
    ) -> None:
        known = store.lock_profile(connection, key)
        profile = profile_without_surveys(known, key, at, reason=fate)
        if profile != known:
            store.put_profile(connection, profile)
            outbox.append(connection, [to_message(profile, source=SOURCE, traceparent=traceparent)])

    def _named(self, connection: store.Connection, event: MailEvent) -> SurveyRequested | None:
        """The request whose own link stands in the mail's headers."""
        for request_id in filter(None, map(self._request_id, event.references)):
            state = survey_store.survey(connection, request_id)
            if state is not None and state.request is not None:
                return state.request
        return None

    def _request_id(self, reference: str) -> UUID | None:
        found = _SURVEY_LINK.search(reference)
        try:
            return verify(self.token_secret, found[1]).request_id if found else None
        except InvalidTokenError:
            return None
