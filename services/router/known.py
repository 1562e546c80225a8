"""What is read before a batch is planned: one statement a table, whatever the size of the batch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from services.router import plan_store, projections, remembered, score_store
from services.router.admission import Occurrence, SubjectState
from services.router.facts import OpenFollowUps
from services.router.gather import Surroundings
from services.router.movement import Score
from services.router.occurrences import PlannedEvent
from services.router.owners import owner_of
from services.router.people import People
from services.router.plan_store import Best
from services.router.projections import Identity
from services.router.remembered import Ask

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class Known:
    """What is known of the batch's people and subjects. The batch tells it of what it plans."""

    people: People
    identities: Mapping[str, Identity]
    best: Mapping[str, Best]
    earlier: Mapping[str, Sequence[Score]] = field(default_factory=dict)
    accounts: Mapping[str, AccountChanged] = field(default_factory=dict)
    open_follow_ups: Mapping[str, OpenFollowUps] = field(default_factory=dict)
    asked: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    told: dict[str, tuple[str, Score | None]] = field(default_factory=dict)
    """The person key and the score of each subject of the batch; None where it does not count any more."""
    asks: dict[str, list[Ask]] = field(default_factory=dict)
    """What the batch asks people that may not come too often, by person key."""
    _subjects: dict[str, set[str]] = field(default_factory=dict)
    _opened: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Person and account of the answers whose follow-up the batch opens."""
    _of_persons: Counter[str] = field(default_factory=Counter)
    _of_accounts: Counter[str] = field(default_factory=Counter)

    def account_id(self, occurrence: Occurrence) -> str | None:
        """The account of the answer, else of the person."""
        profile = self.identities[occurrence.person_key].profile
        return occurrence.account_id or (profile.account_id if profile else None)

    def person(self, occurrence: Occurrence) -> str:
        """The key that the person is known by now."""
        profile = self.identities[occurrence.person_key].profile
        return profile.person_key if profile else occurrence.person_key

    def keys(self, occurrence: Occurrence) -> frozenset[str]:
        """The keys that the person is known by."""
        return self.identities[occurrence.person_key].keys

    def around(self, occurrence: Occurrence, now: datetime) -> Surroundings:
        """What surrounds an occurrence at this time, with what the batch said before it."""
        account = self.accounts.get(self.account_id(occurrence) or "")
        return Surroundings(
            profile=self.identities[occurrence.person_key].profile,
            account=account,
            owner=owner_of(
                self.person(occurrence),
                (account.csm_email, account.owner_email) if account else (),
                team=next(iter(self.people.teams), None),
                people=self.people,
                now=now,
            ),
            scores=self._scores(occurrence),
            open_follow_ups=self._open(occurrence),
            asked=self._asked(occurrence),
        )

    def tell(self, occurrence: Occurrence, score: Score | None) -> None:
        """Note the score that an answer of the batch has now, or that it has none that counts."""
        self.told[occurrence.subject] = (occurrence.person_key, score)
        self._subjects.setdefault(self.person(occurrence), set()).add(occurrence.subject)

    def ask(self, occurrence: Occurrence, action: str) -> None:
        """Note that the person is asked something that may not come too often."""
        ask = Ask(occurrence.person_key, action, occurrence.subject, occurrence.happened_at)
        self.asks.setdefault(occurrence.person_key, []).append(ask)

    def opens(self, occurrence: Occurrence) -> None:
        """Note that the batch opens a follow-up for an answer nobody had heard of."""
        if occurrence.subject in self._opened:
            return
        person, account = self.person(occurrence), self.account_id(occurrence)
        self._opened[occurrence.subject] = person, account
        self._of_persons[person] += 1
        if account is not None:
            self._of_accounts[account] += 1

    def _open(self, occurrence: Occurrence) -> OpenFollowUps:
        """What is open around an occurrence, without its own."""
        before = self.open_follow_ups.get(occurrence.subject, OpenFollowUps())
        if not self._opened:
            return before
        person, account = self.person(occurrence), self.account_id(occurrence) or ""
        own_person, own_account = self._opened.get(occurrence.subject, (None, None))
        return OpenFollowUps(
            person=before.person + self._of_persons[person] - (own_person == person),
            account=before.account + self._of_accounts[account] - (own_account == account),
        )

    def _asked(self, occurrence: Occurrence) -> dict[str, datetime]:
        asked = dict(self.asked.get(occurrence.subject, {}))
        for key in self.keys(occurrence):
            for ask in self.asks.get(key, ()):
                if ask.subject != occurrence.subject:
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
    """What is known before these are planned; `states` are those of subjects heard of before."""
    occurrences = [occurrence for occurrence, _ in planned]
    overtaken = [
        one.subject for one in occurrences if one.subject in states and one.key <= states[one.subject].highest
    ]
    known = Known(
        people=people,
        identities=projections.identities_of(connection, {one.person_key for one in occurrences}),
        best=plan_store.best_known(connection, overtaken),
    )
    accounts = {one.subject: id_ for one in occurrences if (id_ := known.account_id(one)) is not None}
    known.accounts = projections.accounts_of(connection, sorted(set(accounts.values())))
    answers = [
        score_store.Asked(one.subject, known.keys(one), event.response.metric, event.response.responded_at)
        for one, event in planned
        if isinstance(event, ResponseClassified)
    ]
    if answers:
        persons = {one.subject: one.person_keys for one in answers}
        known.earlier = score_store.earlier(connection, answers)
        known.open_follow_ups = remembered.open_follow_ups(connection, persons, accounts)
        known.asked = remembered.asked(connection, persons)
    return known
