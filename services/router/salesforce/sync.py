"""Reads what people did in Salesforce: tells the follow-ups, and reports what became of campaign members.

Cases, comments and members that changed since the last poll are read by SystemModstamp, with an overlap for
records that became visible late. What a poll leads to and that it was read commit together, so a poll cut
short is read again and changes nothing twice.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from runtime.clock import Clock
from runtime.postgres import Pool
from services.router import advocacy, metrics
from services.router.delivery import DATABASE_DOWN
from services.router.destination import Retry
from services.router.follow_up_commands import Command, Refusal
from services.router.follow_up_desk import Desk
from services.router.people import People
from services.router.salesforce import comments, queries, sync_store
from services.router.salesforce.case_sync import (
    PROGRAM,
    SOMEBODY,
    CaseRow,
    Editor,
    Known,
    Seen,
    read_case,
    read_comment,
)
from services.router.salesforce.member_sync import MemberRow, reported
from services.router.salesforce.org_map import EFFECT_ID, PERSON_KEY, OrgMap

EVERY_SECONDS: Mapping[str, float] = {"Case": 30.0, "CaseComment": 30.0, "CampaignMember": 300.0}
"""How often each object is asked for; nobody waits for what becomes of a campaign."""
LOOK_SECONDS = 5.0
"""How soon another replica goes on where one has ended."""
OVERLAP = timedelta(minutes=5)
FIRST_LOOK_BACK = timedelta(days=1)
NAME = "salesforce"

Row = Mapping[str, Any]
log = structlog.get_logger(__name__)


class Asks(Protocol):
    """The connected org, as far as reading goes."""

    @property
    def org_map(self) -> OrgMap:
        """salesforce.yaml."""

    @property
    def username(self) -> str:
        """The integration user's."""

    def ask(self, soql: str) -> Sequence[Row] | Retry:
        """All records a query finds, or why it cannot be asked now."""


@dataclass(frozen=True, slots=True)
class _Users:
    """Editors by Salesforce user id."""

    known: Mapping[str, Editor]

    def of(self, user: object) -> Editor:
        return self.known.get(str(user), Editor(SOMEBODY))


_Take = Callable[[sync_store.Connection, Row, Seen | None, _Users], None]


class Sync:
    """The worker. `desk` carries out what people asked for in Salesforce."""

    def __init__(self, *, org: Asks, pool: Pool, clock: Clock, desk: Desk) -> None:
        self._org = org
        self._pool = pool
        self._clock = clock
        self._desk = desk
        self._people = desk.people

    def run(self, stop: threading.Event) -> None:
        """Polls until `stop`, in turns with the other replicas."""
        while not stop.is_set():
            for kind, poll in (
                ("Case", self.poll_cases),
                ("CaseComment", self.poll_comments),
                ("CampaignMember", self.poll_members),
            ):
                self._guarded(kind, poll)
            stop.wait(LOOK_SECONDS)

    def _guarded(self, kind: str, poll: Callable[[], str | None]) -> None:
        try:
            if not self.is_our_turn(kind):
                return
            trouble = poll()
        except DATABASE_DOWN as error:
            trouble = type(error).__name__
        if trouble is not None:
            metrics.SYNC_POLLS.labels(NAME, "failed").inc()
            log.warning("salesforce is not read", cause=trouble)
        else:
            metrics.SYNC_POLLS.labels(NAME, "ok").inc()
            metrics.SYNC_READ_AT.labels(NAME).set_to_current_time()

    def is_our_turn(self, kind: str) -> bool:
        """Whether no replica has asked for this object lately; then it counts as asked for."""
        with self._pool.connection() as connection:
            return sync_store.take_turn(connection, kind, EVERY_SECONDS[kind])

    def poll_cases(self) -> str | None:
        """Read the Cases that changed; the reason why that was not possible, or None."""
        soql = queries.cases_changed(self._since("Case"))
        return self._poll("Case", soql, ("LastModifiedById", "OwnerId"), self._take_case, _anything)

    def poll_comments(self) -> str | None:
        """Read the comments on our Cases that are new; as `poll_cases`."""
        soql = queries.comments_changed(self._since("CaseComment"))
        return self._poll("CaseComment", soql, ("CreatedById",), self._take_comment, _is_theirs)

    def poll_members(self) -> str | None:
        """Read the campaign members that changed; as `poll_cases`."""
        soql = queries.members_changed(self._since("CampaignMember"))
        return self._poll("CampaignMember", soql, ("LastModifiedById",), self._take_member, _anything)

    def _poll(
        self,
        kind: str,
        soql: str,
        editors: Sequence[str],
        take: _Take,
        is_wanted: Callable[[Row], bool],
    ) -> str | None:
        found = self._org.ask(soql)
        if isinstance(found, Retry):
            return found.cause
        rows = [row for row in found if is_wanted(row)]
        users = self._users([row[name] for row in rows for name in editors])
        if isinstance(users, Retry):
            return users.cause
        with self._pool.connection() as connection:
            sync_store.lock(connection)
            seen = sync_store.seen(connection, [str(row["Id"]) for row in rows])
            for row in rows:
                take(connection, row, seen.get(str(row["Id"])), users)
            self._note(connection, kind, found)
        return None

    def _take_member(
        self, connection: sync_store.Connection, row: Row, seen: Seen | None, users: _Users
    ) -> None:
        member = _member(row, users)
        if seen is not None and member.stamp <= seen.stamp:
            return
        status, effect = reported(member, seen), member.effect
        if status is not None and effect is not None:
            told_by = f"{member.member_id} {member.stamp.isoformat()}"
            advocacy.report(connection, effect, status, told_by=told_by, now=self._clock.now())
        sync_store.note_seen(connection, member.member_id, member.seen)

    def _take_case(
        self, connection: sync_store.Connection, row: Row, seen: Seen | None, users: _Users
    ) -> None:
        case = _case(row, users, self._people, self._ahead())
        follow_ups = sync_store.follow_ups_of(connection, case.case_id, str(row[PERSON_KEY]), NAME)
        reading = read_case(case, seen, follow_ups, self._org.org_map.case.resolutions)
        for subject, command in reading.commands:
            self._apply(connection, subject, command)
        if reading.seen is not None:
            sync_store.note_seen(connection, case.case_id, reading.seen)

    def _take_comment(
        self, connection: sync_store.Connection, row: Row, seen: Seen | None, users: _Users
    ) -> None:
        if seen is not None:
            return
        person_key = str((row["Parent"] or {})[PERSON_KEY])
        follow_ups: list[Known] = sync_store.follow_ups_of(connection, str(row["ParentId"]), person_key, NAME)
        editor = users.of(row["CreatedById"])
        noted = read_comment(str(row["CommentBody"] or ""), editor, follow_ups)
        if noted is not None:
            self._apply(connection, *noted)
        saw = Seen(_moment(row["SystemModstamp"]), is_closed=False, owner_id=str(row["CreatedById"]))
        sync_store.note_seen(connection, str(row["Id"]), saw)

    def _ahead(self) -> timedelta:
        """How far the business clock, which dates what colleagues decide, was turned ahead of theirs."""
        return max(self._clock.now() - datetime.now(UTC), timedelta())

    def _apply(self, connection: sync_store.Connection, subject: str, command: Command) -> None:
        decision = self._desk.apply_in(connection, subject, command, self._clock.now(), via=NAME)
        result = "refused" if isinstance(decision, Refusal) else "applied"
        metrics.SYNC_COMMANDS.labels(NAME, type(command).__name__.lower(), result).inc()

    def _since(self, kind: str) -> datetime:
        with self._pool.connection() as connection:
            read_up_to = sync_store.read_up_to(connection, kind)
        # The clock of this machine matters to the first poll only; later ones go by Salesforce's.
        return read_up_to - OVERLAP if read_up_to else datetime.now(UTC) - FIRST_LOOK_BACK

    def _note(self, connection: sync_store.Connection, kind: str, rows: Sequence[Row]) -> None:
        if rows:
            sync_store.note_progress(connection, kind, max(_moment(row["SystemModstamp"]) for row in rows))
            sync_store.forget(connection)

    def _users(self, ids: Sequence[object]) -> _Users | Retry:
        wanted = sorted({str(one) for one in ids if str(one).startswith("005")})
        if not wanted:
            return _Users({})
        rows = self._org.ask(queries.people(wanted))
        if isinstance(rows, Retry):
            return rows
        return _Users({str(row["Id"]): self._editor(row) for row in rows})

    def _editor(self, row: Row) -> Editor:
        user = str(row["Id"])
        person = self._people.by_salesforce_user(user) or self._people.by_email(row["Email"])
        programs = {email.lower() for email in self._org.org_map.automation_users}
        if row["UserType"] != "Standard" or str(row["Email"]).lower() in programs:
            return Editor(f"{PROGRAM}{user}", is_program=True)
        actor = person.id if person else f"{SOMEBODY}:{user}"
        return Editor(actor, is_us=row["Username"] == self._org.username)


def _anything(_row: Row) -> bool:
    return True


def _is_theirs(comment: Row) -> bool:
    return not comments.is_ours(comment["CommentBody"])


def _case(row: Row, users: _Users, people: People, ahead: timedelta) -> CaseRow:
    owner = users.of(row["OwnerId"]).actor
    return CaseRow(
        case_id=str(row["Id"]),
        stamp=_moment(row["SystemModstamp"]),
        is_closed=bool(row["IsClosed"]),
        closed_at=_moment(row["ClosedDate"]) + ahead if row["ClosedDate"] else None,
        status=str(row["Status"]),
        owner_id=str(row["OwnerId"]),
        owner=owner if people.person(owner) else None,
        changed_at=_moment(row["LastModifiedDate"]) + ahead,
        editor=users.of(row["LastModifiedById"]),
    )


def _member(row: Row, users: _Users) -> MemberRow:
    return MemberRow(
        member_id=str(row["Id"]),
        effect_id=str(row[EFFECT_ID]),
        status=str(row["Status"] or ""),
        stamp=_moment(row["SystemModstamp"]),
        editor=users.of(row["LastModifiedById"]),
    )


def _moment(value: object) -> datetime:
    return datetime.fromisoformat(str(value))
