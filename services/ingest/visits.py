"""Who opened a survey's link, a person or a scanner of links in mails. Pure.

Scanners open whatever a mail holds before, or instead of, the person it is for. Opening is never answering;
telling their visits from people's makes clicks count rightly, and lets an answer in their midst wait.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

NEAR = timedelta(minutes=1)
"""What a scanner does it does within this time."""
TOO_SOON = timedelta(seconds=5)
"""Nobody reads a mail and chooses a number this soon after it was sent."""
MANY_SCORES = 4
"""As many different numbers of one mail's scale no person opens within `BURST`."""
BURST = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Visit:
    """One opening of a survey's page."""

    at: datetime
    score: int | None = None
    """The number whose link it was."""
    unseen: bool = False
    """By the link in the mail that people cannot see."""
    head: bool = False
    """Only asked whether there is a page."""


class Visitor(StrEnum):
    """Who it was, or what gave it away."""

    PERSON = "person"
    ASKED_FOR_HEAD = "asked_for_head"
    OPENED_UNSEEN_LINK = "opened_unseen_link"
    OPENED_MANY_SCORES = "opened_many_scores"
    CAME_TOO_SOON = "came_too_soon"


_OPENS_ALL = frozenset({Visitor.OPENED_UNSEEN_LINK, Visitor.OPENED_MANY_SCORES})


def visitor(visit: Visit, visits: Collection[Visit], sent_at: datetime | None) -> Visitor:
    """Who made a visit, by all visits to the same survey and the time its mail was sent."""
    if visit.head:
        return Visitor.ASKED_FOR_HEAD
    if any(other.unseen for other in visits if abs(other.at - visit.at) <= NEAR):
        return Visitor.OPENED_UNSEEN_LINK
    scores = {other.score for other in visits if abs(other.at - visit.at) <= BURST} - {None}
    if len(scores) >= MANY_SCORES:
        return Visitor.OPENED_MANY_SCORES
    if sent_at is not None and visit.at < sent_at + TOO_SOON:
        return Visitor.CAME_TOO_SOON
    return Visitor.PERSON


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who made the visits that nobody had judged before."""

    judged: Mapping[Visit, Visitor]
    click: Visit | None
    """The person's first."""


def verdict(known: Mapping[Visit, Visitor | None], sent_at: datetime | None, now: datetime) -> Verdict:
    """Judges the visits that are over for `NEAR`, so that whoever made them has had time to show."""
    judged = {
        visit: visitor(visit, known, sent_at)
        for visit, who in known.items()
        if who is None and visit.at < now - NEAR
    }
    people = (
        [] if Visitor.PERSON in known.values() else [v for v, who in judged.items() if who is Visitor.PERSON]
    )
    return Verdict(judged, min(people, key=lambda visit: visit.at, default=None))


def is_doubtful(visits: Collection[Visit], answered_at: datetime) -> bool:
    """Whether a scanner of all links was at work right before an answer.

    A person may be quick, and their mail program may ask for a page's head beforehand.
    """
    before = [visit for visit in visits if timedelta() <= answered_at - visit.at <= NEAR]
    return any(visitor(visit, visits, None) in _OPENS_ALL for visit in before)
