"""What of a follow-up is to be seen outside: the objects that show it, and notices below them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg

from services.router import effect_store
from services.router.destination import Notice
from services.router.effect import EffectRow, Parent, StoredEffect, effect_id
from services.router.ledger import lane_below
from services.router.plugins import AnyPlugin

Connection = psycopg.Connection[Any]

# Sends again what stands outside or is on its way; what was withheld stays withheld.
_SHOW_SQL = """
WITH shown AS MATERIALIZED (
    SELECT subject, action FROM effects
    WHERE subject = %(subject)s AND destination = ANY(%(destinations)s) AND wanted = 'present'
      AND parent_subject IS NULL AND ended_by IS NULL AND (outside = 'present' OR status = 'pending')
    ORDER BY action FOR NO KEY UPDATE
), raised AS (
    UPDATE effects AS e SET desired_version = e.desired_version + 1, status = 'pending',
        changed_at = clock_timestamp()
    FROM shown WHERE e.subject = shown.subject AND e.action = shown.action
    RETURNING e.effect_id, e.subject, e.action, e.destination, e.order_key, e.rate_key
)
INSERT INTO pending (effect_id, subject, action, destination, order_key, rate_key, due_at)
SELECT effect_id, subject, action, destination, order_key, rate_key, clock_timestamp() FROM raised
ON CONFLICT (effect_id) DO NOTHING
"""


class About(Protocol):
    """What a notice is about: a follow-up, or an answer that has none."""

    @property
    def subject(self) -> str:
        """As the ledger names it."""

    @property
    def person_key(self) -> str:
        """Whose answer it is."""

    @property
    def account_id(self) -> str | None:
        """Of the person."""

    @property
    def rule(self) -> str:
        """What asked for it."""

    @property
    def traceparent(self) -> str:
        """Where it began."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Writes what a follow-up's changes mean for the ledger; `plugins` by destination."""

    plugins: Mapping[str, AnyPlugin]

    def again(self, connection: Connection, subject: str) -> None:
        """Have the objects that show the subject's follow-up sent again, with what it says when they are
        claimed.
        """
        connection.execute(_SHOW_SQL, {"subject": subject, "destinations": self._showing})

    def notify(
        self,
        connection: Connection,
        it: About,
        notice: Notice,
        *,
        name: str,
        now: datetime,
        besides: str | None = None,
    ) -> None:
        """Say something below what shows the subject, else to its recipient alone.

        `name` tells notices apart: one of the same name is made once. `besides` is a destination left out.
        """
        effects = effect_store.of_subjects(connection, [it.subject]).get(it.subject, {})
        rows = [
            row
            for destination, plugin in self.plugins.items()
            if plugin.notice is not None and destination != besides
            if (
                row := _row(it, notice, plugin, _object(it, notice, plugin, effects), f"{destination}_{name}")
            )
            if row.action not in effects
        ]
        if rows:
            effect_store.write(connection, rows, now=now)

    @property
    def _showing(self) -> list[str]:
        return [name for name, plugin in self.plugins.items() if plugin.traits.shows_follow_up]


def _object(
    it: About, notice: Notice, plugin: AnyPlugin, effects: Mapping[str, StoredEffect]
) -> StoredEffect | None:
    """The effect of a destination below which this can be said: that of the rule that asked, if any."""
    candidates = [
        stored
        for _, stored in sorted(effects.items())
        if stored.known.destination == plugin.name
        and stored.known.is_wanted
        and not (stored.is_child or stored.known.has_ended or stored.known.repeats)
        and _content(notice, plugin, stored) is not None
    ]
    return next((one for one in candidates if one.known.rule == it.rule), next(iter(candidates), None))


def _row(
    it: About, notice: Notice, plugin: AnyPlugin, shown: StoredEffect | None, action: str
) -> EffectRow | None:
    content = _content(notice, plugin, shown)
    if content is None:
        return None
    parent = Parent(it.subject, shown.known.action) if shown else None
    return EffectRow(
        subject=it.subject,
        action=action,
        effect_id=effect_id(it.subject, action),
        rule=it.rule,
        destination=plugin.name,
        person_key=it.person_key,
        account_id=it.account_id,
        program=None,
        channel=None,
        received_at=None,
        expires_at=None,
        traceparent=it.traceparent,
        content=content.model_dump_json(),
        is_wanted=True,
        desired_version=1,
        order_key=lane_below(shown.effect_id) if shown else f"notice:{it.subject}",
        rate_key=plugin.rate_key(content),
        is_new=True,
        parent=parent,
    )


def _content(notice: Notice, plugin: AnyPlugin, shown: StoredEffect | None) -> Any:  # noqa: ANN401 - the plug-in's
    if plugin.notice is None or (shown is None and notice.to is None):
        return None
    return plugin.notice(notice, plugin.content.model_validate(shown.known.content) if shown else None)
