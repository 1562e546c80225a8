"""The ledger's contract in memory: what planning's and the deliveries' SQL does with tables."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from services.router import effect
from services.router.admission import SubjectState
from services.router.attempt import Effect, Outside, Status
from services.router.clearance import Parenthood, Standing
from services.router.destination import Operation
from services.router.effect import EffectRow, StoredEffect
from services.router.ledger import Claimed, Completion, lane_below

BRINGS_ABOUT = {Operation.CREATE, Operation.UPDATE}
"""What may make an object, or bring it back."""


class Ledger(Protocol):
    """What the schedules need of a ledger. `now` is its clock; the rest is asked within a transaction."""

    now: datetime

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing: what raises in it leaves no trace."""

    def subject(self, subject: str, person_key: str) -> SubjectState:
        """Lock a subject, made where it is missing."""

    def effects_of(self, subject: str) -> Mapping[str, StoredEffect]:
        """What planning finds of a subject, by action."""

    def write_plan(self, subject: str, state: SubjectState, rows: Sequence[EffectRow]) -> None:
        """What planning decided."""

    def show_again(self, subject: str) -> bool:
        """A colleague did something that the subject's card shows; whether it is sent again."""

    def claim(self, leave: Collection[str], lease_seconds: float) -> list[Claimed]:
        """Lease what is due, but for these rate keys."""

    def note_attempts(self, lease: UUID, calls: Sequence[tuple[Claimed, Operation]]) -> None:
        """Write the calls about to be made."""

    def complete(self, done: Sequence[Completion]) -> set[UUID]:
        """Write what became of claimed effects and wake their children; those whose lease still held."""

    def pending(self) -> set[UUID]:
        """What is not finished."""

    def status(self, effect_id: UUID) -> str:
        """What people are shown."""


@dataclass(frozen=True, slots=True)
class _Known:
    outside: Outside = Outside.ABSENT
    external_id: str | None = None
    sent_version: int = 0
    status: Status = Status.PENDING


@dataclass(frozen=True, slots=True)
class _Pending:
    row: EffectRow
    position: int
    due_at: datetime
    lease: UUID | None = None
    leased_until: datetime | None = None
    is_in_doubt: bool = False
    failures: int = 0
    first_failed_at: datetime | None = None


class Twin:
    """One destination's effects, without a database."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._subjects: dict[str, SubjectState] = {}
        self._rows: dict[UUID, EffectRow] = {}
        self._known: dict[UUID, _Known] = {}
        self._pending: dict[UUID, _Pending] = {}
        self._unanswered: dict[tuple[UUID, UUID], Operation] = {}
        self._position = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        before = {name: value.copy() for name, value in vars(self).items() if isinstance(value, dict)}
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    def subject(self, subject: str, person_key: str) -> SubjectState:  # noqa: ARG002 - the table has a column for it
        return self._subjects.setdefault(subject, SubjectState())

    def effects_of(self, subject: str) -> Mapping[str, StoredEffect]:
        return {
            row.action: StoredEffect(
                row.effect_id,
                row.desired_version,
                row.order_key,
                row.rate_key,
                effect.Effect(
                    action=row.action,
                    rule=row.rule,
                    destination=row.destination,
                    is_wanted=row.is_wanted,
                    is_outside=self._known[row.effect_id].outside is not Outside.ABSENT,
                    content=json.loads(row.content),
                ),
                is_child=row.parent is not None,
            )
            for row in self._rows.values()
            if row.subject == subject
        }

    def write_plan(self, subject: str, state: SubjectState, rows: Sequence[EffectRow]) -> None:
        self._subjects[subject] = state
        for row in rows:
            self._want(row)

    def show_again(self, subject: str) -> bool:
        shown = [
            row
            for row in self._rows.values()
            if row.subject == subject and row.is_wanted and row.parent is None and self._is_shown(row)
        ]
        for row in shown:
            self._want(row._replace(desired_version=row.desired_version + 1))
        return bool(shown)

    def claim(self, leave: Collection[str], lease_seconds: float) -> list[Claimed]:
        lease = uuid4()
        heads: dict[str, _Pending] = {}
        for one in sorted(self._pending.values(), key=lambda one: one.position):
            heads.setdefault(one.row.order_key, one)
        claimed = []
        for head in heads.values():
            is_free = head.leased_until is None or head.leased_until <= self.now
            if head.due_at <= self.now and is_free and head.row.rate_key not in leave:
                claimed.append(self._leased(head, lease, lease_seconds))
        return claimed

    def note_attempts(self, lease: UUID, calls: Sequence[tuple[Claimed, Operation]]) -> None:
        for claimed, operation in calls:
            self._unanswered[claimed.effect_id, lease] = operation

    def complete(self, done: Sequence[Completion]) -> set[UUID]:
        held = [one for one in done if self._completed(one)]
        lanes = {lane_below(one.claimed.effect_id) for one in held if one.next.due_in_seconds is None}
        for effect_id, one in self._pending.items():
            if one.row.order_key in lanes and one.lease is None and not one.failures:
                self._pending[effect_id] = replace(one, due_at=min(one.due_at, self.now))
        return {one.claimed.effect_id for one in held}

    def pending(self) -> set[UUID]:
        return set(self._pending)

    def status(self, effect_id: UUID) -> str:
        return self._known[effect_id].status

    def _want(self, row: EffectRow) -> None:
        effect_id = row.effect_id
        self._rows[effect_id] = row
        self._known[effect_id] = replace(self._known.get(effect_id, _Known()), status=Status.PENDING)
        if effect_id in self._pending:
            self._pending[effect_id] = replace(self._pending[effect_id], row=row)
        else:
            self._position += 1
            self._pending[effect_id] = _Pending(row, self._position, self.now)

    def _is_shown(self, row: EffectRow) -> bool:
        known = self._known[row.effect_id]
        return known.outside is Outside.PRESENT or known.status is Status.PENDING

    def _leased(self, one: _Pending, lease: UUID, lease_seconds: float) -> Claimed:
        row, effect_id = one.row, one.row.effect_id
        known = self._known[effect_id]
        unanswered = [key for key in self._unanswered if key[0] == effect_id] if one.lease else []
        lost = {self._unanswered.pop(key) for key in unanswered}
        is_in_doubt = one.is_in_doubt or bool(lost & BRINGS_ABOUT)
        self._pending[effect_id] = replace(
            one,
            lease=lease,
            leased_until=self.now + timedelta(seconds=lease_seconds),
            is_in_doubt=is_in_doubt,
        )
        return Claimed(
            effect_id=effect_id,
            subject=row.subject,
            action=row.action,
            rule=row.rule,
            rate_key=row.rate_key,
            person_key=row.person_key,
            account_id=None,
            channel=None,
            received_at=None,
            traceparent=row.traceparent,
            content=json.loads(row.content),
            lease=lease,
            leased_at=self.now,
            is_in_doubt=is_in_doubt,
            effect=Effect(
                is_wanted=row.is_wanted,
                desired_version=row.desired_version,
                sent_version=known.sent_version,
                outside=known.outside,
                external_id=known.external_id,
                failures=one.failures,
                first_failed_at=one.first_failed_at,
            ),
            standing=Standing(
                is_wanted=row.is_wanted,
                is_erased=False,
                program=None,
                opt_outs=frozenset(),
                expires_at=row.expires_at,
                parent=self._parenthood(row),
            ),
            parent_id=self._known[self._parent(row)].external_id if row.parent else None,
        )

    def _parenthood(self, row: EffectRow) -> Parenthood | None:
        if row.parent is None:
            return None
        parent = self._parent(row)
        known = self._known[parent]
        return Parenthood(self._rows[parent].is_wanted, known.outside, known.status)

    def _parent(self, row: EffectRow) -> UUID:
        assert row.parent is not None
        return effect.effect_id(row.parent.subject, row.parent.action)

    def _completed(self, done: Completion) -> bool:
        claimed, following, effect_id = done.claimed, done.next, done.claimed.effect_id
        if done.result is not None:
            self._unanswered.pop((effect_id, claimed.lease), None)
        one, row = self._pending.get(effect_id), self._rows[effect_id]
        if one is None or one.lease != claimed.lease:
            return False
        is_current = claimed.effect.desired_version >= row.desired_version
        if following.due_in_seconds is None and is_current:
            del self._pending[effect_id]
        else:
            self._pending[effect_id] = replace(
                one,
                lease=None,
                leased_until=None,
                is_in_doubt=False,
                failures=following.effect.failures,
                first_failed_at=following.effect.first_failed_at,
                due_at=self.now + timedelta(seconds=following.due_in_seconds or 0),
            )
        known = self._known[effect_id]
        is_settled = following.due_in_seconds is None
        self._known[effect_id] = _Known(
            following.effect.outside,
            following.effect.external_id,
            claimed.effect.desired_version if is_settled else known.sent_version,
            following.status if is_current else Status.PENDING,
        )
        return True
