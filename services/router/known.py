"""What is read before a batch is planned: one statement a table, whatever the size of the batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.profiles import ProfileChanged
from services.router import planning_store, projections, remembered, score_store
from services.router.facts import OpenFollowUps
from services.router.gather import Surroundings
from services.router.movement import Score
from services.router.occurrences import PlannedEvent
from services.router.owners import owner_of
from services.router.people import People
from services.router.plan import Occurrence, SubjectState
from services.router.planning_store import Best
from services.router.remembered import Ask

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class Known:
    """What is known of the batch's people and subjects. The batch tells it of what it plans."""

    people: People
    profiles: Mapping[str, ProfileChanged]
    best: Mapping[str, Best]
    earlier: Mapping[str, Sequence[Score]]
    accounts: Mapping[str, AccountChanged] = field(default_factory=dict)
    open_follow_ups: Mapping[str, OpenFollowUps] = field(default_factory=dict)
    asked: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    told: dict[str, tuple[str, Score | None]] = field(default_factory=dict)
    """The person key and the score of each subject of the batch; None where it does not count any more."""
    asks: list[Ask] = field(default_factory=list)
    """What the batch asks people that may not come too often."""
    _subjects: dict[str, set[str]] = field(default_factory=dict)

    def account_id(self, occurrence: Occurrence) -> str | None:
        """The account of the answer, else of the person."""
        profile = self.profiles.get(occurrence.person_key)
        return occurrence.account_id or (profile.account_id if profile else None)

    def person(self, occurrence: Occurrence) -> str:
        """The key that the person is known by now."""
        profile = self.profiles.get(occurrence.person_key)
        return profile.person_key if profile else occurrence.person_key

    def keys(self, occurrence: Occurrence) -> set[str]:
        """The keys that the person is known by."""
        profile = self.profiles.get(occurrence.person_key)
        return {occurrence.person_key, *((profile.person_key, *profile.merged_from) if profile else ())}

    def around(self, occurrence: Occurrence, now: datetime) -> Surroundings:
        """What surrounds an occurrence at this time, with what the batch said before it."""
        account = self.accounts.get(self.account_id(occurrence) or "")
        return Surroundings(
            profile=self.profiles.get(occurrence.person_key),
            account=account,
            owner=owner_of(
                self.person(occurrence),
                (account.csm_email, account.owner_email) if account else (),
                team=next(iter(self.people.teams), None),
                people=self.people,
                now=now,
            ),
            scores=self._scores(occurrence),
            open_follow_ups=self.open_follow_ups.get(occurrence.subject, OpenFollowUps()),
            asked=self._asked(occurrence),
        )

    def tell(self, occurrence: Occurrence, score: Score | None) -> None:
        """Note the score that an answer of the batch has now, or that it has none that counts."""
        self.told[occurrence.subject] = (occurrence.person_key, score)
        self._subjects.setdefault(self.person(occurrence), set()).add(occurrence.subject)

    def _asked(self, occurrence: Occurrence) -> dict[str, datetime]:
        asked = dict(self.asked.get(occurrence.subject, {}))
        keys = self.keys(occurrence) if self.asks else ()
        for ask in self.asks:
            if ask.person_key in keys and ask.subject != occurrence.subject:
                asked[ask.action] = max(ask.asked_at, asked.get(ask.action, ask.asked_at))
        return asked

    def _scores(self, occurrence: Occurrence) -> list[Score]:
        stored = [
            score for score in self.earlier.get(occurrence.subject, ()) if score.subject not in self.told
        ]
        told = self._subjects.get(self.person(occurrence), ())
        return stored + [score for subject in told if (score := self.told[subject][1]) is not None]


def read(
    connection: Connection,
    planned: Sequence[tuple[Occurrence, PlannedEvent]],
    states: Mapping[str, SubjectState],
    people: People,
) -> Known:
    """What is known before these are planned; `states` are their subjects'."""
    occurrences = [occurrence for occurrence, _ in planned]
    answers = [
        score_store.Asked(one.subject, one.person_key, event.response.metric, event.response.responded_at)
        for one, event in planned
        if isinstance(event, ResponseClassified)
    ]
    known = Known(
        people=people,
        profiles=projections.profiles_of(connection, [one.person_key for one in occurrences]),
        best=planning_store.best_known(
            connection, [one.subject for one in occurrences if one.key <= states[one.subject].highest]
        ),
        earlier=score_store.earlier(connection, answers),
    )
    accounts = {one.subject: id_ for one in occurrences if (id_ := known.account_id(one)) is not None}
    known.accounts = projections.accounts_of(connection, sorted(set(accounts.values())))
    if answers:
        persons = {one.subject: one.person_key for one in answers}
        known.open_follow_ups = remembered.open_follow_ups(connection, persons, accounts)
        known.asked = remembered.asked(connection, persons)
    return known
