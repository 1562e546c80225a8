"""The judge of racing schedulers finds what is wrong, and only that."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bench.race_judge import Rules, Told, doubled, forgotten, surveys, violations
from schemas.requests import SurveyRequested
from schemas.scales import Metric

RULES = Rules(gap=timedelta(days=30), turn_days=40, step=timedelta(days=1))
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=365)


def at(days: float) -> datetime:
    return BEGINS + timedelta(days=days)


def told(*, answered: float | None = None, opted_out: float | None = None) -> Told:
    return Told(
        BEGINS,
        ENDS,
        {} if answered is None else {"ann": [at(answered)]},
        {} if opted_out is None else {"ann": at(opted_out)},
    )


def request(number: int, days: float) -> SurveyRequested:
    return SurveyRequested(
        request_id=UUID(int=number),
        version=1,
        person_key="ann",
        program="turn",
        metric=Metric.NPS,
        channel="email",
        question="How likely?",
        follow_up_question="Why?",
        why_we_ask="You are here.",
        requested_at=at(days),
        expires_at=at(days + 30),
        closes_at=at(days + 30),
    )


@pytest.mark.parametrize(
    ("asked", "history", "wrong"),
    [
        ((10, 40.1), told(), 0),
        ((10, 40.05), told(), 1),
        ((10, 20, 60), told(), 1),
        ((10,), told(answered=-19), 1),
        ((10,), told(answered=-20), 0),
        ((10,), told(answered=10.05), 0),
        ((10,), told(opted_out=9), 1),
        ((10,), told(opted_out=9.95), 0),
    ],
)
def test_what_is_too_early_or_unwanted_is_found(asked: tuple[float, ...], history: Told, wrong: int) -> None:
    assert violations({"ann": [at(days) for days in asked]}, history, RULES) == wrong


def test_who_is_never_asked_is_forgotten_at_every_turn() -> None:
    assert forgotten(["ann"], {}, told(), RULES) in {8, 9}
    assert forgotten(["ann"], {}, told(opted_out=0), RULES) == 0


def test_who_is_asked_at_every_turn_is_not_forgotten_and_one_that_is_missing_is_found() -> None:
    times = [at(days) for days in range(0, 400, 40)]
    assert forgotten(["ann"], {"ann": times}, told(), RULES) == 0
    assert forgotten(["ann"], {"ann": [*times[:3], *times[5:]]}, told(), RULES) >= 1


def test_a_record_that_is_repeated_is_one_survey_and_another_one_under_its_id_is_found() -> None:
    assert surveys([request(1, 5), request(1, 5)]) == {"ann": [at(5)]}
    assert doubled([request(1, 5), request(1, 5), request(2, 50)]) == 0
    assert doubled([request(1, 5), request(1, 6)]) == 1
