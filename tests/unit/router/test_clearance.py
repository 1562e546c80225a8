"""Who may be reached when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.router.clearance import DeliveryMode, Policy, Standing, refusal
from services.router.settings import RouterSettings

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LIVE = Policy(DeliveryMode.LIVE)
CARD = Standing(is_wanted=True, is_erased=False, program=None, opt_outs=frozenset(), expires_at=None)
SURVEY = replace(CARD, program="onboarding", expires_at=NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (CARD, None),
        (replace(CARD, opt_outs=frozenset({"*"})), None),
        (SURVEY, None),
        (replace(SURVEY, opt_outs=frozenset({"*"})), "opted out"),
        (replace(SURVEY, opt_outs=frozenset({"onboarding"})), "opted out"),
        (replace(SURVEY, opt_outs=frozenset({"renewal"})), None),
        (replace(SURVEY, expires_at=NOW), "expired"),
        (replace(CARD, ends_on_opt_out=True), None),
        (replace(CARD, ends_on_opt_out=True, opt_outs=frozenset({"*"})), "opted out"),
        (replace(CARD, ends_on_opt_out=True, opt_outs=frozenset({"renewal"})), None),
        (replace(CARD, ends_on_opt_out=True, opt_outs=frozenset({"*"}), is_wanted=False), None),
        (replace(CARD, is_erased=True), "person erased"),
        (replace(CARD, is_erased=True, is_wanted=False), None),
    ],
)
def test_what_the_person_allows(standing: Standing, expected: str | None) -> None:
    assert refusal(standing, LIVE, (), None, NOW) == expected


def test_observing_wins_over_everything() -> None:
    assert refusal(CARD, Policy(DeliveryMode.OBSERVE), (), "no token", NOW) == "observe mode"


def test_a_disabled_destination_says_what_is_missing() -> None:
    assert refusal(CARD, LIVE, (), "X is not set", NOW) == "destination disabled: X is not set"


@pytest.mark.parametrize(
    ("audience", "is_let_through"),
    [(("Team",), True), (("other", "ann@shop.test"), True), (("other",), False), ((), False)],
)
def test_a_pilot_s_allow_list(audience: tuple[str, ...], is_let_through: bool) -> None:
    policy = Policy(DeliveryMode.PILOT, frozenset({"team", "ann@shop.test"}))
    assert (refusal(CARD, policy, audience, None, NOW) is None) is is_let_through


def test_an_allow_list_is_read_as_people_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@127.0.0.1/feedback")
    monkeypatch.setenv("SURVEY_TOKEN_SECRET", "x" * 32)
    monkeypatch.setenv("PILOT_ALLOW", " #Ops-Pilot, Ann@Shop.test,")

    assert RouterSettings().pilot_allow == ("ops-pilot", "ann@shop.test")
