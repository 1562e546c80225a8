"""The tables that name customers, as rows of a file: without their words and addresses. Pure."""

from collections.abc import Iterable

from services.insights.announcement_store import Announcement
from services.insights.answers import Shown
from services.insights.customers import Member
from services.insights.filters import Dimension
from services.insights.moved import Move
from services.insights.web.asking import Told
from services.insights.web.tables import Cells, Table

_ANSWER = ("responded_at", "metric", "score", "group", "person", "name", "account_id", "account")


def moves(found: Iterable[Move]) -> Table:
    """Who moved from one group to another, and what they had said before."""
    rows = (
        (*_of_answer(one.answer), one.before.responded_at.isoformat(), one.before.score, _group(one.before))
        for one in found
    )
    return Table((*_ANSWER, "before_responded_at", "before_score", "before_group"), tuple(rows))


def drops(found: Iterable[Shown]) -> Table:
    """Who came down lately, and who owns their account."""
    rows = (
        (*_of_answer(one), *one.values(Dimension.BEFORE)[:1], *(one.values(Dimension.OWNER) or ("",))[:1])
        for one in found
    )
    return Table((*_ANSWER, "before_group", "owner"), tuple(rows))


def members(people: Iterable[Member]) -> Table:
    """The people of an account, with their latest answer."""
    rows = (
        (
            one.person,
            one.name,
            one.role,
            one.metric,
            one.score,
            one.responded_at.isoformat() if one.responded_at else None,
        )
        for one in people
    )
    return Table(("person", "name", "role", "metric", "score", "responded_at"), tuple(rows))


def announcements(known: Iterable[Announcement]) -> Table:
    """What people were told was done, and how many of them; not approved: waits for it."""
    rows = (
        (
            one.announcement_id,
            one.subject,
            one.drafted_at.isoformat(),
            one.approved_at.isoformat() if one.approved_at else None,
            one.told,
        )
        for one in known
    )
    return Table(("announcement_id", "subject", "written_at", "sent_at", "people"), tuple(rows))


def decisions(lines: Iterable[Told]) -> Table:
    """Why somebody was asked or not."""
    rows = (
        (
            one.at.isoformat(),
            one.program,
            one.what,
            one.because,
            one.seen,
            one.eligible_at.isoformat() if one.eligible_at else None,
        )
        for one in lines
    )
    return Table(("decided_at", "program", "decision", "because", "seen", "may_be_asked_from"), tuple(rows))


def _of_answer(one: Shown) -> Cells:
    who = (one.person, one.name, one.account_id, one.account_name)
    return (one.responded_at.isoformat(), one.metric, one.score, _group(one), *who)


def _group(one: Shown) -> str | None:
    return next(iter(one.values(Dimension.GROUP)), None)
