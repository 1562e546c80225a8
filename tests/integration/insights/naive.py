"""The figures told once more, from a history as it happened, without a thought of speed.

Nothing here is shared with the service but its events and its vocabulary: what a score is, is written anew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.accounts import AccountChanged
from schemas.classified import ResponseClassified
from schemas.corrections import ClassificationCorrected
from schemas.outcomes import OutcomeRecorded
from schemas.profiles import ProfileChanged, ProfileErased
from schemas.requests import SurveyRequested
from schemas.survey_events import SurveyStepOccurred
from services.insights.filters import Filter
from services.insights.intake import Said

LEFT_OUT = {"prospect", "lead", "trial", "lost", "churned"}


@dataclass(frozen=True)
class Told:
    """A counted answer and what it counts as."""

    response_id: UUID
    metric: str
    score: int
    responded_at: datetime
    day: date
    values: dict[str, list[str]]
    person: str = ""
    account_id: str | None = None
    lost: datetime | None = None


def group(metric: str, score: int) -> str:
    if metric == "nps":
        return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"
    if metric == "csat":
        return "positive" if score >= 4 else "neutral" if score == 3 else "negative"
    return "positive" if score >= 5 else "neutral" if score == 4 else "negative"


def tell(history: Iterable[Said], zone: ZoneInfo) -> list[Told]:
    """Every counted answer of a history."""
    events = list(history)
    winner = _winner(events)
    people = sorted(
        {winner(one.response.person_key) for one in events if isinstance(one, ResponseClassified)}
    )
    return [told for person in people for told in _of_person(person, events, winner, zone)]


def fitting(told: Iterable[Told], wanted: Filter) -> list[Told]:
    """Those that a filter means."""
    chosen = {str(dimension): values for dimension, values in wanted.chosen}
    fit = [
        one
        for one in told
        if one.metric == wanted.metric
        and wanted.since <= one.day <= wanted.until
        and all(set(one.values[dimension]) & set(values) for dimension, values in chosen.items())
    ]
    if "stage" in chosen or "lost_after" in chosen:
        return fit
    return [one for one in fit if one.values["stage"][0] not in LEFT_OUT]


def value(told: Sequence[Told]) -> Fraction | None:
    """The score: of NPS, CSAT or CES, whichever the answers are of."""
    if not told:
        return None
    groups = Counter(group(one.metric, one.score) for one in told)
    if told[0].metric == "nps":
        return Fraction(100 * (groups["promoter"] - groups["detractor"]), len(told))
    if told[0].metric == "csat":
        return Fraction(100 * groups["positive"], len(told))
    return Fraction(sum(one.score for one in told), len(told))


def squared_error(told: Sequence[Told]) -> Fraction | None:
    """The standard error's square: the variance of one answer's worth, over their number."""
    if not told:
        return None
    worth = {"promoter": 100, "positive": 100, "detractor": -100}
    worths = [
        Fraction(one.score) if one.metric == "ces" else Fraction(worth.get(group(one.metric, one.score), 0))
        for one in told
    ]
    mean = sum(worths, Fraction()) / len(worths)
    return sum(((each - mean) ** 2 for each in worths), Fraction()) / len(worths) ** 2


def share_ends(part: int, whole: int) -> tuple[Decimal, Decimal]:
    """The shares, in percent, that lie 1.96 of their own standard errors from what was seen."""
    seen = Fraction(part, whole)

    def is_far(share: Fraction) -> bool:
        return (share - seen) ** 2 * whole > Fraction(196, 100) ** 2 * share * (1 - share)

    return _turning(Fraction(0), seen, is_far), _turning(Fraction(1), seen, is_far)


def _turning(far: Fraction, near: Fraction, is_far: Callable[[Fraction], bool]) -> Decimal:
    for _ in range(60):
        middle = (far + near) / 2
        far, near = (middle, near) if is_far(middle) else (far, middle)
    return Decimal(100 * near.numerator) / Decimal(near.denominator)


def _winner(events: Sequence[Said]) -> Callable[[str], str]:
    into: dict[str, str] = {}
    for event in events:
        if isinstance(event, ProfileChanged):
            into.update(dict.fromkeys(event.merged_from, event.person_key))
            if event.merged_into:
                into[event.person_key] = event.merged_into

    def winner(key: str) -> str:
        while key in into:
            key = into[key]
        return key

    return winner


def asked(history: Iterable[Said], zone: ZoneInfo, today: date) -> list[Told]:
    """Every survey request that went out; `answered` and `open` are among its values."""
    events = list(history)
    winner = _winner(events)
    told = []
    for event in events:
        sent = [
            one.occurred_at
            for one in events
            if isinstance(one, SurveyStepOccurred)
            and isinstance(event, SurveyRequested)
            and one.request_id == event.request_id
        ]
        if not isinstance(event, SurveyRequested) or not sent:
            continue
        person = winner(event.person_key)
        profile = _profile(person, events)
        if (profile and profile.internal) or _is_gone(person, event.requested_at, events, winner):
            continue
        account = account_of(profile.account_id if profile else None, events)
        answered = any(
            one.response.request_id == event.request_id
            for one in _records(person, events, winner)
            if one.response.status == "answered"
            and not one.response.test
            and (one.response.score is None or not one.response.provisional)
        )
        is_open = not answered and event.closes_at.astimezone(zone).date() > today
        told.append(
            Told(
                event.request_id,
                event.metric,
                0,
                min(sent),
                min(sent).astimezone(zone).date(),
                {
                    **_who(profile, account),
                    "program": [event.program],
                    "channel": [event.channel],
                    "answered": ["yes" if answered else "no"],
                    "open": ["yes" if is_open else "no"],
                },
            )
        )
    return told


def _of_person(
    person: str, events: Sequence[Said], winner: Callable[[str], str], zone: ZoneInfo
) -> list[Told]:
    profile = _profile(person, events)
    if profile and profile.internal:
        return []
    told: list[Told] = []
    for event in sorted(_answers(person, events, winner), key=_when):
        account = account_of((profile and profile.account_id) or event.response.account_id, events)
        told.append(replace(_told(event, profile, account, told, events, zone=zone), person=person))
    for number, one in enumerate(told):
        after = next((later for later in told[number + 1 :] if later.metric == one.metric), None)
        one.values["next"] = [group(after.metric, after.score) if after else "none"]
        turn = "same" if after and after.score == one.score else "lower"
        one.values["turn"] = [("higher" if after.score > one.score else turn) if after else "none"]
    return told


def _records(person: str, events: Sequence[Said], winner: Callable[[str], str]) -> list[ResponseClassified]:
    """The newest record of each answer of a person who was not forgotten since."""
    records = [one for one in events if isinstance(one, ResponseClassified)]
    newest = {one.response.response_id: one for one in sorted(records, key=ResponseClassified.order_key)}
    return [
        one
        for one in newest.values()
        if winner(one.response.person_key) == person
        and not _is_gone(person, one.response.received_at, events, winner)
    ]


def _answers(person: str, events: Sequence[Said], winner: Callable[[str], str]) -> list[ResponseClassified]:
    return [
        one
        for one in _records(person, events, winner)
        if one.response.status == "answered"
        and one.response.score is not None
        and not one.response.test
        and not one.response.provisional
    ]


def _is_gone(
    person: str, received_at: datetime, events: Sequence[Said], winner: Callable[[str], str]
) -> bool:
    return any(
        isinstance(gone, ProfileErased)
        and winner(gone.person_key) == person
        and received_at <= gone.erased_at
        for gone in events
    )


def _who(profile: ProfileChanged | None, account: AccountChanged | None) -> dict[str, list[str]]:
    stage = (profile and profile.stage) or (account and account.stage) or ""
    if account and account.stage in {"lost", "churned"}:
        stage = account.stage
    return {
        "segment": [(profile and profile.segment) or (account and account.segment) or ""],
        "cohort": [(profile and profile.cohort) or ""],
        "role": [(profile and profile.role) or ""],
        "stage": [stage],
        "owner": [(account and account.owner_email) or ""],
    }


def _care(response_id: UUID, events: Sequence[Said]) -> dict[str, list[str]]:
    heard = [one for one in events if isinstance(one, OutcomeRecorded) and one.response_id == response_id]
    contacted = any(one.kind == "contacted" for one in heard)
    mailed = any(one.kind == "delivered" and one.action == "auto_mail" for one in heard)
    missed = any(one.kind == "sla_breached" and one.reason == "contact" for one in heard)
    return {
        "heard_back": ["contacted" if contacted else "mailed" if mailed else "none"],
        "sla": ["missed" if missed else "met" if contacted else ""],
    }


def _told(
    event: ResponseClassified,
    profile: ProfileChanged | None,
    account: AccountChanged | None,
    earlier: Sequence[Told],
    events: Sequence[Said],
    *,
    zone: ZoneInfo,
) -> Told:
    answer = event.response
    before = [one for one in earlier if one.metric == answer.metric]
    score = answer.score if answer.score is not None else -1
    products = profile.products if profile else ()
    put_right = _put_right(event, events)
    lost = _lost(profile, account, events)
    sentiment = put_right.get("sentiment", [event.sentiment] if event.sentiment else [])
    return Told(
        answer.response_id,
        answer.metric,
        score,
        answer.responded_at,
        answer.responded_at.astimezone(zone).date(),
        {
            **_who(profile, account),
            **_care(answer.response_id, events),
            "product": [answer.context.get("product") or (products[0] if len(products) == 1 else "")],
            "program": [answer.program or ""],
            "channel": [answer.channel or ""],
            "source": [answer.source],
            "theme": put_right.get("themes", [tag.theme for tag in event.themes]),
            "function": put_right.get("functions", list(event.functions)),
            "sentiment": [*sentiment[:1]] or [""],
            "group": [group(answer.metric, score)],
            "score": [str(score)],
            "wish": [consent.topic for consent in profile.consents] if profile else [],
            "advocacy": _advocacy(answer.response_id, events),
            "lost_after": _lost_after(answer.responded_at, lost),
            "before": [group(before[-1].metric, before[-1].score) if before else "first"],
        },
        account_id=(profile and profile.account_id) or answer.account_id,
        lost=lost,
    )


def _advocacy(response_id: UUID, events: Sequence[Said]) -> list[str]:
    said = [
        (one.occurred_at, str(one.outcome_id), one.reason or "")
        for one in events
        if isinstance(one, OutcomeRecorded)
        and (one.response_id, one.kind) == (response_id, "advocacy_changed")
    ]
    return [max(said)[2]] if said else []


def _lost(
    profile: ProfileChanged | None, account: AccountChanged | None, events: Sequence[Said]
) -> datetime | None:
    """When a lost stage was first told of who has one now."""
    known: list[ProfileChanged | AccountChanged] = []
    if profile and profile.stage in {"lost", "churned"}:
        known += [one for one in _profiles(profile.person_key, events) if one.stage in {"lost", "churned"}]
    if account and account.stage in {"lost", "churned"}:
        known += [one for one in _accounts(account.account_id, events) if one.stage in {"lost", "churned"}]
    return min((one.changed_at for one in known), default=None)


def _lost_after(responded_at: datetime, lost: datetime | None) -> list[str]:
    if lost is None:
        return []
    if lost <= responded_at:
        return ["before"]
    soon = [str(days) for days in (30, 90, 180, 365) if lost <= responded_at + timedelta(days)]
    return [*soon, "later"][:1]


def _put_right(event: ResponseClassified, events: Sequence[Said]) -> dict[str, list[str]]:
    """The newest correction of each field, unless it was made for another comment."""
    response_id = event.response.response_id
    versions = [
        one
        for one in events
        if isinstance(one, ResponseClassified) and one.response.response_id == response_id
    ]
    since = event.response.order.revision
    for version in sorted(versions, key=ResponseClassified.order_key, reverse=True):
        if version.response.comment != event.response.comment:
            break
        since = version.response.order.revision
    corrections = [
        one for one in events if isinstance(one, ClassificationCorrected) and one.response_id == response_id
    ]
    newest = {one.field: one for one in sorted(corrections, key=lambda one: one.corrected_at)}
    return {str(one.field): list(one.after) for one in newest.values() if one.revision >= since}


def _profile(person: str, events: Sequence[Said]) -> ProfileChanged | None:
    return max(_profiles(person, events), key=lambda one: one.version, default=None)


def _profiles(person: str, events: Sequence[Said]) -> list[ProfileChanged]:
    gone = [one.erased_at for one in events if isinstance(one, ProfileErased) and one.person_key == person]
    return [
        one
        for one in events
        if isinstance(one, ProfileChanged)
        and one.person_key == person
        and all(one.changed_at > at for at in gone)
    ]


def account_of(account_id: str | None, events: Sequence[Said]) -> AccountChanged | None:
    return max(_accounts(account_id, events), key=lambda one: one.version, default=None)


def _accounts(account_id: str | None, events: Sequence[Said]) -> list[AccountChanged]:
    return [one for one in events if isinstance(one, AccountChanged) and one.account_id == account_id]


def _when(event: ResponseClassified) -> tuple[datetime, str]:
    return event.response.responded_at, str(event.response.response_id)
