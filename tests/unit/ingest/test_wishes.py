from datetime import timedelta
from pathlib import Path

import yaml

from schemas.profiles import ProfileChanged
from schemas.scales import Group
from services.ingest.wishes import CONTACT, FAVOURS, offers, profile_with_wishes
from tests.unit.ingest.test_surveys import NOW

OFFERED = {"review": "I would write.", "swag": "A cup, please.", CONTACT: "Call me."}
LATER = NOW + timedelta(hours=1)


def after(known: ProfileChanged | None, *ticked: str, later: bool = False) -> ProfileChanged:
    profile = profile_with_wishes(known, "p-1", offered=OFFERED, ticked=ticked, now=LATER if later else NOW)
    assert profile
    return profile


def test_only_the_happy_are_asked_for_favours_and_everybody_whether_to_call() -> None:
    assert list(offers(Group.PROMOTER, ("swag", "review"))) == ["swag", "review", CONTACT]
    assert list(offers(Group.POSITIVE, FAVOURS)) == [*FAVOURS, CONTACT]
    for group in (Group.PASSIVE, Group.DETRACTOR, Group.NEUTRAL, Group.NEGATIVE):
        assert list(offers(group, FAVOURS)) == [CONTACT]


def test_a_tick_becomes_a_consent_with_its_words_and_its_time() -> None:
    profile = after(None, "swag", "review")
    assert [(one.topic, one.wording, one.given_at) for one in profile.consents] == [
        ("review", "I would write.", NOW),
        ("swag", "A cup, please.", NOW),
    ]
    assert profile.version == 1


def test_a_consent_that_stays_keeps_its_time_and_one_that_is_unticked_is_taken_back() -> None:
    first = after(None, "swag", "review")
    second = after(first, "swag", CONTACT, later=True)
    assert [(one.topic, one.given_at) for one in second.consents] == [("swag", NOW), (CONTACT, LATER)]
    assert second.version == first.version + 1


def test_what_was_not_offered_stays_as_it_is_and_cannot_be_ticked() -> None:
    elsewhere = after(None, "swag").model_copy(update={"consents": after(None, "review").consents})
    offered = {CONTACT: "Call me."}
    profile = profile_with_wishes(elsewhere, "p-1", offered=offered, ticked=("swag", CONTACT), now=LATER)
    assert profile
    assert [one.topic for one in profile.consents] == ["review", CONTACT]


def test_nothing_ticked_or_the_same_again_changes_nothing() -> None:
    assert profile_with_wishes(None, "p-1", offered=OFFERED, ticked=(), now=NOW) is None
    first = after(None, "swag")
    assert after(first, "swag", later=True) == first


def test_what_can_be_ticked_is_asked_for() -> None:
    rules = yaml.safe_load(Path("deploy/config/rules.yaml").read_text())["rules"]
    (advocacy,) = [rule for rule in rules if rule["id"] == "advocacy"]

    assert advocacy["do"][0]["asks"] == list(FAVOURS)
    assert all(f'"{favour}"' in advocacy["when"] for favour in FAVOURS)
