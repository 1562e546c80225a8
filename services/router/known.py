"""What is read before a batch is planned: one statement a table, whatever the size of the batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.profiles import ProfileChanged
from services.router import planning_store, projections, score_store
from services.router.gather import Surroundings
from services.router.movement import Score
from services.router.occurrences import PlannedEvent
from services.router.plan import Occurrence, SubjectState
from services.router.planning_store import Best

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class Known:
    """What is known of the batch's people and subjects. The batch tells it of the scores that it plans."""

    profiles: Mapping[str, ProfileChanged]
    accounts: Mapping[str, AccountChanged]
    best: Mapping[str, Best]
    earlier: Mapping[str, Sequence[Score]]
    told: dict[str, tuple[str, Score | None]] = field(default_factory=dict)
    """The person key and the score of each subject of the batch; None where it does not count any more."""
    _subjects: dict[str, set[str]] = field(default_factory=dict)

    def account_id(self, occurrence: Occurrence) -> str | None:
        """The account of the answer, else of the person."""
        profile = self.profiles.get(occurrence.person_key)
        return occurrence.account_id or (profile.account_id if profile else None)

    def around(self, occurrence: Occurrence) -> Surroundings:
        """What surrounds an occurrence, with what the batch said before it."""
        return Surroundings(
            profile=self.profiles.get(occurrence.person_key),
            account=self.accounts.get(self.account_id(occurrence) or ""),
            scores=self._scores(occurrence),
        )

    def tell(self, occurrence: Occurrence, score: Score | None) -> None:
        """Note the score that an answer of the batch has now, or that it has none that counts."""
        self.told[occurrence.subject] = (occurrence.person_key, score)
        self._subjects.setdefault(self._person(occurrence.person_key), set()).add(occurrence.subject)

    def _scores(self, occurrence: Occurrence) -> list[Score]:
        stored = [
            score for score in self.earlier.get(occurrence.subject, ()) if score.subject not in self.told
        ]
        told = self._subjects.get(self._person(occurrence.person_key), ())
        return stored + [score for subject in told if (score := self.told[subject][1]) is not None]

    def _person(self, key: str) -> str:
        profile = self.profiles.get(key)
        return profile.person_key if profile else key


def read(
    connection: Connection,
    planned: Sequence[tuple[Occurrence, PlannedEvent]],
    states: Mapping[str, SubjectState],
) -> Known:
    """What is known before these are planned; `states` are their subjects'."""
    occurrences = [occurrence for occurrence, _ in planned]
    known = Known(
        profiles=projections.profiles_of(connection, [one.person_key for one in occurrences]),
        accounts={},
        best=planning_store.best_known(
            connection, [one.subject for one in occurrences if one.key <= states[one.subject].highest]
        ),
        earlier=score_store.earlier(
            connection,
            [
                score_store.Asked(
                    one.subject, one.person_key, event.response.metric, event.response.responded_at
                )
                for one, event in planned
                if isinstance(event, ResponseClassified)
            ],
        ),
    )
    ids = {id_ for one in occurrences if (id_ := known.account_id(one)) is not None}
    known.accounts = projections.accounts_of(connection, sorted(ids))
    return known
