"""What customers are told beside answers and surveys, such as "you said, we did": each once, not often."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from schemas.delivery_requests import DeliveryRequested
from services.router import erasures, plan_store, projections, remembered
from services.router.admission import SubjectState
from services.router.bulletin_row import Words, row_of, subject_of
from services.router.destination import Addressee, Bulletin
from services.router.effect import EffectRow
from services.router.outcomes import subject_of_response
from services.router.owners import owner_of
from services.router.people import People
from services.router.plan_store import Newcomer
from services.router.plugins import AnyPlugin
from services.router.remembered import Ask

Connection = psycopg.Connection[Any]

ACTION = "letter"
APART = timedelta(days=7)
"""A person hears one kind no more often."""

log = structlog.get_logger(__name__)


def lock(connection: Connection, events: Mapping[str, DeliveryRequested]) -> None:
    """Keep these subjects for the caller's transaction; an erasure finds them by their person."""
    newcomers = {
        subject: Newcomer(event.person_key, SubjectState())
        for subject, event in events.items()
        if event.person_key is not None
    }
    if newcomers:
        plan_store.lock_subjects(connection, newcomers)


def rows(
    connection: Connection,
    asked: Sequence[tuple[DeliveryRequested, str]],
    plugins: Mapping[str, AnyPlugin],
    people: People,
    now: datetime,
) -> list[EffectRow]:
    """The effects of requests never heard of, each with its traceparent; who cannot be written to has none.

    Written down with them: when each person hears of which kind, for the next ones to keep their distance.
    """
    if not asked:
        return []
    keys = sorted({event.person_key or "" for event, _ in asked})
    erased = erasures.among(connection, keys)
    identities = projections.identities_of(connection, keys)
    last = remembered.asked(connection, {key: identities[key].keys for key in keys})
    profiles = [one.profile for one in identities.values() if one.profile is not None]
    account_ids = {one.account_id for one in profiles if one.account_id}
    accounts = projections.accounts_of(connection, sorted(account_ids))
    made: list[EffectRow] = []
    for event, traceparent in asked:
        key = event.person_key or ""
        profile, plugin = identities[key].profile, plugins.get(event.destination)
        if key in erased and event.requested_at <= erased[key]:
            continue
        if plugin is None or plugin.letter is None or profile is None or profile.email is None:
            log.warning("the person cannot be told there", destination=event.destination, kind=event.kind)
            continue
        words = Words.model_validate(event.content)
        account = accounts.get(profile.account_id or "")
        emails = (account.csm_email, account.owner_email) if account else ()
        to = Addressee(
            email=profile.email,
            name=profile.name,
            owner=owner_of(key, emails, team=None, people=people, now=now),
            about=subject_of_response(words.response_id) if words.response_id else None,
            unsubscribe_url=str(words.unsubscribe_url) if words.unsubscribe_url else None,
        )
        leaves_at = _leaves_at(last.setdefault(key, {}).get(event.kind), now)
        last[key][event.kind] = leaves_at
        remembered.note_asks(connection, [Ask(profile.person_key, event.kind, subject_of(event), leaves_at)])
        made.append(
            row_of(
                event,
                traceparent,
                plugin,
                ACTION,
                plugin.letter(Bulletin(words.title, words.text), to),
                person_key=profile.person_key,
                order_key=profile.person_key,
                account_id=profile.account_id,
                program=event.kind,
                not_before=leaves_at if leaves_at > now else None,
            )
        )
    return made


def _leaves_at(last: datetime | None, now: datetime) -> datetime:
    return now if last is None else max(now, last + APART)
