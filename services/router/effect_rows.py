"""What planning writes of an effect that a rule asks for, or no longer asks for. Pure."""

import json
from datetime import datetime

from services.router.admission import Occurrence
from services.router.effect import EffectRow, StoredEffect, Wanted, effect_id
from services.router.facts import Facts
from services.router.ledger import is_lane


def wanted_row(
    occurrence: Occurrence,
    facts: Facts,
    wanted: Wanted,
    stored: StoredEffect | None,
    *,
    traceparent: str,
    now: datetime,
) -> EffectRow:
    """The row of an effect that is wanted; `stored` is what the ledger has of it.

    The time of its first sending is given when it is first wanted, and kept after that.
    """
    survey, response = facts.survey, facts.response
    # A reminder is no survey of its own: whether it was sent, or could not be, changes nothing for anybody.
    tells_steps = survey is not None and survey.reminder == 0
    is_outside = stored is not None and stored.known.is_outside
    if stored is None or not (stored.known.is_wanted or is_outside):
        not_before = wanted.not_before
    else:
        not_before = stored.not_before
    return EffectRow(
        subject=occurrence.subject,
        action=wanted.action,
        effect_id=stored.effect_id if stored else effect_id(occurrence.subject, wanted.action),
        rule=wanted.rule,
        destination=wanted.destination,
        person_key=occurrence.person_key,
        account_id=facts.account.id if facts.account else occurrence.account_id,
        program=survey.program if survey else None,
        channel=survey.channel if survey and tells_steps else None,
        received_at=response.received_at if response else None,
        expires_at=occurrence.expires_at,
        traceparent=traceparent,
        content=wanted.content,
        is_wanted=True,
        desired_version=stored.desired_version + 1 if stored else 1,
        order_key=stored.order_key if stored and is_lane(stored.order_key) else wanted.order_key,
        rate_key=wanted.rate_key,
        is_new=stored is None,
        not_before=not_before,
        is_scheduled=not is_outside and not_before is not None and now < not_before,
        ends_on=wanted.ends_on,
    )


def unwanted_row(
    occurrence: Occurrence, facts: Facts, stored: StoredEffect, *, traceparent: str, now: datetime
) -> EffectRow:
    """The row of an effect that is not wanted any more: it keeps the content last wanted."""
    known = stored.known
    last = Wanted(
        rule=known.rule,
        action=known.action,
        destination=known.destination,
        content=json.dumps(known.content),
        order_key=stored.order_key,
        rate_key=stored.rate_key,
    )
    row = wanted_row(occurrence, facts, last, stored, traceparent=traceparent, now=now)
    return row._replace(is_wanted=False, is_scheduled=False, not_before=stored.not_before)
