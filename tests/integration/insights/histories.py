"""Random histories of a few people, and the ways in which a consumer may hear of them."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from schemas.corrections import CorrectedField
from schemas.outcomes import OutcomeKind
from schemas.profiles import ProfileChanged, ProfileErased
from schemas.responses import ResponseStatus
from schemas.scales import SCALES, Metric
from schemas.survey_events import SurveyStep
from services.insights.intake import Said
from tests.integration.insights.world import (
    account,
    answered,
    corrected,
    hour,
    outcome,
    profile,
    request_id,
    requested,
    sent,
)

KEYS = ("ann", "bob", "cyd", "dee")
ACCOUNTS = ("acme", "blue")
STAGES = (None, "new_customer", "renewal", "prospect", "lost")
THEMES = ("price", "speed", "support")
WISHES = ("review", "referral", "quote")
COMMENTS = (None, "fine", "too slow")
WHATS = (
    *("answer",) * 6,
    *("edit",) * 3,
    *("profile",) * 3,
    *("care",) * 3,
    *("ask",) * 2,
    *("account", "correct", "correct", "merge", "erase"),
)


class History:
    """Lives a life at random: what is said, in the order in which it happened."""

    def __init__(self, chance: Random, steps: int) -> None:
        self.said: list[Said] = []
        self._chance = chance
        self._versions: defaultdict[str, int] = defaultdict(int)
        self._requests: dict[int, int | None] = {}
        self._answers: list[tuple[str, int, float]] = []
        self._asked: tuple[str, int] | None = None
        self._merged: dict[str, str] = {}
        self._at = 0.0
        for _ in range(steps):
            self._at += chance.choice((0.5, 5, 30, 200))
            getattr(self, f"_{chance.choice(WHATS)}")()

    def _answer(self) -> None:
        person, request = self._chance.choice(KEYS), None
        if self._asked is not None:
            (person, asked), self._asked = self._asked, None
            request = asked
        number = len(self._answers)
        self._answers.append((person, number, self._at))
        self._requests[number] = request
        self._say_answer(person, number, self._at, revision=1)

    def _edit(self) -> None:
        if self._answers:
            person, number, at = self._chance.choice(self._answers)
            self._say_answer(person, number, at, revision=1 + self._next(f"answer {number}"))

    def _say_answer(self, person: str, number: int, at: float, *, revision: int) -> None:
        chance = self._chance
        metric = chance.choice((Metric.NPS, Metric.NPS, Metric.NPS, Metric.CES, Metric.CSAT))
        scale = SCALES[metric]
        score = chance.choice((None, *range(scale.lowest, scale.highest + 1)))
        self.said.append(
            answered(
                person,
                at,
                score,
                number=number,
                revision=revision,
                responded=at - chance.choice((0, 0, 0.25, 700)),
                status=chance.choice((*[ResponseStatus.ANSWERED] * 5, ResponseStatus.RETRACTED)),
                metric=metric,
                comment=chance.choice(COMMENTS),
                themes=chance.sample(THEMES, chance.randrange(3)),
                sentiment=chance.choice((None, "positive", "negative")),
                account_id=chance.choice((None, *ACCOUNTS)),
                request_id=self._request_of(number),
                program=chance.choice((None, "yearly")),
                channel=chance.choice((None, "email", "in_app")),
                context=chance.choice(({}, {"product": "reports"})),
                provisional=chance.random() < 0.1,
                test=chance.random() < 0.1,
            )
        )

    def _care(self) -> None:
        if not self._answers:
            return
        person, number, _ = self._chance.choice(self._answers)
        kind, facts = self._chance.choice(
            (
                (OutcomeKind.CONTACTED, {"actor": "olga"}),
                (OutcomeKind.DELIVERED, {"action": "auto_mail", "destination": "email"}),
                (OutcomeKind.DELIVERED, {"action": "cs_card", "destination": "slack"}),
                (OutcomeKind.SLA_BREACHED, {"reason": "contact"}),
                (OutcomeKind.SLA_BREACHED, {"reason": "resolve"}),
                (OutcomeKind.ADVOCACY_CHANGED, {"reason": "invited"}),
                (OutcomeKind.ADVOCACY_CHANGED, {"reason": "published"}),
            )
        )
        self.said.append(outcome(person, number, self._at, kind, **facts))

    def _ask(self) -> None:
        number, person = self._next("request"), self._chance.choice(KEYS)
        metric = self._chance.choice((Metric.NPS, Metric.NPS, Metric.CSAT))
        open_hours = self._chance.choice((24, 300))
        self.said.append(requested(person, number, self._at, metric=metric, open_hours=open_hours))
        for what in self._chance.choice(((), (SurveyStep.SENT,), (SurveyStep.SENT, SurveyStep.SHOWN))):
            self._at += 1
            self.said.append(sent(person, number, self._at, what))
        self._asked = (person, number)

    def _request_of(self, answer: int) -> object:
        asked = self._requests[answer]
        return None if asked is None else request_id(asked)

    def _profile(self) -> None:
        chance = self._chance
        self._say_profile(
            chance.choice(KEYS),
            account_id=chance.choice((None, *ACCOUNTS)),
            segment=chance.choice((None, "smb", "enterprise")),
            cohort=chance.choice((None, "annual")),
            role=chance.choice((None, "key_contact")),
            stage=chance.choice(STAGES),
            products=chance.choice(((), ("exports",), ("exports", "reports"))),
            internal=chance.random() < 0.1,
            consents=[_consent(topic) for topic in chance.sample(WISHES, chance.randrange(3))],
        )

    def _account(self) -> None:
        chance = self._chance
        name = chance.choice(ACCOUNTS)
        self.said.append(
            account(
                name,
                self._at,
                self._next(name),
                owner_email=chance.choice((None, "olga@ours.test", "otto@ours.test")),
                segment=chance.choice((None, "smb", "midmarket")),
                stage=chance.choice(STAGES),
                arr=chance.choice((None, 1000, 2500.5)),
                currency=chance.choice((None, "EUR", "USD")),
                renewal_date=chance.choice((None, hour(self._at + 24 * chance.choice((-5, 3, 40))).date())),
            )
        )

    def _correct(self) -> None:
        if self._answers:
            person, number, _ = self._chance.choice(self._answers)
            field = self._chance.choice(tuple(CorrectedField))
            after = self._chance.sample(THEMES, self._chance.randrange(3))
            revision = 1 + self._versions[f"answer {number}"]
            self.said.append(corrected(person, number, self._at, field, *after, revision=revision))

    def _merge(self) -> None:
        apart = [key for key in KEYS if key not in self._merged]
        if len(apart) > 1:
            old, winner = self._chance.sample(apart, 2)
            self._merged[old] = winner
            self._say_profile(old, merged_into=winner)
            self._say_profile(winner, merged_from=(old,))

    def _erase(self) -> None:
        chosen = self._chance.choice(KEYS)
        for key in KEYS:
            if self._winner(key) == self._winner(chosen):
                self._versions[key] = 0
                self.said.append(ProfileErased(key, hour(self._at)))

    def _say_profile(self, person: str, **facts: object) -> None:
        self._at += 0.001
        self.said.append(profile(person, self._at, self._next(person), **facts))

    def _winner(self, key: str) -> str:
        while key in self._merged:
            key = self._merged[key]
        return key

    def _next(self, what: str) -> int:
        self._versions[what] += 1
        return self._versions[what]


def _consent(topic: str) -> dict[str, object]:
    return {"topic": topic, "given_at": hour(0), "wording": "I would."}


def heard(said: Sequence[Said], chance: Random) -> list[list[Said]]:
    """The same in batches as they may come: streams interleave, each keeps its order, ends come twice."""
    streams: defaultdict[str, list[Said]] = defaultdict(list)
    for event in said:
        streams[_stream(event)].append(event)
    waiting = list(streams.values())
    batches: list[list[Said]] = []
    while waiting:
        batch: list[Said] = []
        for _ in range(chance.randrange(1, 9)):
            stream = chance.choice(waiting)
            batch.append(stream.pop(0))
            if not stream:
                waiting.remove(stream)
                if not waiting:
                    break
        batches.append(batch)
        if chance.random() < 0.3:  # the process ended between the transaction and the commit of the offsets
            batches.append(batch)
    return batches


def _stream(event: Said) -> str:
    if isinstance(event, ProfileErased | ProfileChanged):
        return f"profiles {event.person_key}"
    return f"{event.TOPIC} {event.event_key()}"
