"""The rules of timing that the product was built from, one row each, in our words.

Each is played with the shipped programs: what happens to somebody, and when they are asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import pytest

from services.scheduler.facts import Account, Person
from services.scheduler.shares import share
from services.scheduler.triggers import Happening
from tests.unit.scheduler.lives import SHIPPED, asked, day_of, happened, person

NADELMAN = "Nadelman, How To Really Benefit from Running an NPS Program"
BOECKELMAN = "Boeckelman, How to Use NPS to Drive Growth"
AUGUSTIN = "Augustin, How to Get More From Your NPS Program"
WINDOW = "NPS, Why Net Promoter Score gets you in front of your customers"
SAAS = "Timing Is Everything (NPS for SaaS)"

KEY_CONTACT = person(role="key_contact")
END_USER = person(role="end_user")
BOUGHT = happened("purchased", 0)
Asked = list[tuple[str, int]]


class Rule(NamedTuple):
    """A rule of the texts, and the life that shows it."""

    text: str
    words: str
    who: Person
    life: Sequence[Happening]
    holds: Callable[[Asked], bool]


def within(program: str, first: int, last: int) -> Callable[[Asked], bool]:
    """Asked by this program for the first time between two days, both included."""
    return lambda surveys: any(name == program and first <= day <= last for name, day in surveys[:1])


def never(program: str) -> Callable[[Asked], bool]:
    return lambda surveys: all(name != program for name, _ in surveys)


def apart(least: int, most: int) -> Callable[[Asked], bool]:
    """At least three surveys, so many days from one to the next."""
    return lambda surveys: (
        len(surveys) >= 3
        and all(least <= later - earlier <= most for (_, earlier), (_, later) in pairwise(surveys))
    )


def everybody_of_account(moment: str, on: float, **context: str) -> Happening:
    return happened(moment, on, who=None, account="acme", **context)


def turning_point(words: str, moment: str) -> Rule:
    life = [happened("purchased", -170), everybody_of_account(moment, 0)]
    return Rule(AUGUSTIN, words, KEY_CONTACT, life, within("turning_point_nps", 3, 6))


RENEWING = replace(KEY_CONTACT, account=Account("acme", renewal_date=date(2026, 9, 1)))
LONG_AGO = happened("purchased", -900)
SAMPLED = next(
    one for number in range(100) if share("sample", "prospect_nps", (one := person(f"p{number}")).key) < 0.25
)
SEVERAL = (LONG_AGO, happened("purchased", -500), happened("purchased", -450))

RULES = [
    Rule(
        BOECKELMAN,
        "new customers are asked one to two months after they bought",
        KEY_CONTACT,
        [BOUGHT],
        within("new_customer_nps", 30, 60),
    ),
    Rule(
        BOECKELMAN,
        "the first survey comes a month after joining",
        END_USER,
        [BOUGHT],
        lambda surveys: surveys[0][1] in range(30, 34),
    ),
    Rule(
        BOECKELMAN,
        "two months ahead of a renewal",
        RENEWING,
        [LONG_AGO],
        lambda surveys: ("renewal_nps", day_of(date(2026, 7, 3))) in surveys,
    ),
    Rule(
        BOECKELMAN,
        "nobody hears from us twice in half a year",
        KEY_CONTACT,
        [LONG_AGO],
        apart(180, 190),
    ),
    Rule(
        BOECKELMAN,
        "the same customer again and again, half a year apart",
        person(),
        [LONG_AGO],
        apart(180, 190),
    ),
    Rule(
        BOECKELMAN,
        "prospects soon after they left their address",
        SAMPLED,
        [happened("lead_captured", 0, who=SAMPLED.key)],
        within("prospect_nps", 1, 3),
    ),
    Rule(
        BOECKELMAN,
        "prospects are also those who have begun a trial",
        SAMPLED,
        [happened("trial_started", 0, who=SAMPLED.key)],
        within("prospect_nps", 1, 3),
    ),
    Rule(
        BOECKELMAN,
        "after what a customer did: renewing",
        KEY_CONTACT,
        [happened("purchased", -170), everybody_of_account("renewed", 0)],
        within("turning_point_nps", 3, 6),
    ),
    Rule(
        BOECKELMAN,
        "whoever bought repeatedly, at the very least yearly",
        person(),
        SEVERAL,
        lambda surveys: any(name == "advocate_nps" for name, _ in surveys),
    ),
    Rule(
        BOECKELMAN,
        "those who left are worth asking",
        KEY_CONTACT,
        [LONG_AGO, everybody_of_account("churned", 0)],
        within("churn_nps", 1, 4),
    ),
    Rule(
        BOECKELMAN,
        "after what a customer did: a case at support",
        person(),
        [happened("support_case_closed", 0)],
        within("case_csat", 1, 3),
    ),
    Rule(
        AUGUSTIN,
        "effort, when the onboarding is over",
        KEY_CONTACT,
        [happened("purchased", -75), everybody_of_account("onboarding_completed", 0)],
        within("onboarding_ces", 0, 3),
    ),
    Rule(
        AUGUSTIN,
        "three months after going live",
        KEY_CONTACT,
        [happened("purchased", -40), everybody_of_account("milestone", 0, milestone="launched")],
        within("after_launch_nps", 90, 93),
    ),
    turning_point("an account enters another stage", "stage_changed"),
    turning_point("the CSM has carried a playbook through", "playbook_completed"),
    turning_point("what the customer gets out of it turns", "outcome_changed"),
    Rule(
        AUGUSTIN,
        "who is lost is asked one last time",
        KEY_CONTACT,
        [everybody_of_account("churned", 0), everybody_of_account("churned", 300)],
        lambda surveys: [name for name, _ in surveys].count("churn_nps") == 1,
    ),
    Rule(
        AUGUSTIN, "end users at a steady pace of three to four months", END_USER, [LONG_AGO], apart(90, 120)
    ),
    Rule(
        NADELMAN,
        "half a year is too long for those who pay by the quarter",
        person(role="key_contact", cohort="quarterly"),
        [LONG_AGO],
        apart(90, 120),
    ),
    Rule(
        NADELMAN,
        "who can leave after three months is heard before",
        person(role="key_contact", cohort="quarterly"),
        [BOUGHT],
        within("new_customer_nps", 30, 60),
    ),
    Rule(
        NADELMAN,
        "half a year suits those who pay by the year",
        person(role="key_contact", cohort="annual"),
        [LONG_AGO],
        apart(180, 190),
    ),
    Rule(
        NADELMAN,
        "however much happens, nobody is asked too often",
        KEY_CONTACT,
        [LONG_AGO, *(everybody_of_account("health_changed", day) for day in range(0, 300, 10))],
        apart(180, 240),
    ),
    Rule(WINDOW, "a rolling score: everybody each three or six months", END_USER, [LONG_AGO], apart(90, 190)),
    Rule(
        WINDOW,
        "not the decision makers alone: the users as well",
        END_USER,
        [LONG_AGO],
        lambda surveys: {name for name, _ in surveys} == {"user_nps"},
    ),
    Rule(SAAS, "two to three months apart while little changes", END_USER, [LONG_AGO], apart(90, 100)),
    Rule(
        SAAS,
        "not before the fifth day of a release",
        person("p5", role="end_user"),
        [happened("purchased", -60, who="p5"), happened("release_launched", 0, who=None)],
        lambda surveys: (
            all(day >= 5 for name, day in surveys if name == "release_nps")
            and any(name == "release_nps" for name, _ in surveys)
        ),
    ),
    Rule(
        SAAS,
        "seven days after a trial is over",
        person(),
        [happened("trial_ended", 0)],
        within("trial_not_converted_nps", 7, 9),
    ),
    Rule(
        SAAS,
        "about the trial only those who did not buy",
        person(),
        [happened("trial_ended", 0), happened("purchased", 2)],
        never("trial_not_converted_nps"),
    ),
    Rule(
        SAAS,
        "who has just begun to pay has a month in peace",
        END_USER,
        [BOUGHT],
        lambda surveys: bool(surveys) and surveys[0][1] >= 30,
    ),
    Rule(
        SAAS,
        "whether getting in touch turned a detractor around",
        KEY_CONTACT,
        [LONG_AGO, happened("follow_up_resolved", 0)],
        lambda surveys: ("won_back_nps", 30) in surveys,
    ),
]


@pytest.mark.parametrize(
    "rule", RULES, ids=[f"{rule.text.split(',')[0]}: {rule.words[:60]}" for rule in RULES]
)
def test_the_shipped_programs_do_what_the_texts_advise(rule: Rule) -> None:
    surveys = asked(rule.who, rule.life, days=700)
    assert rule.holds(surveys), surveys


def test_always_have_a_follow_up_question() -> None:
    """SAAS: a score without its reason says little."""
    assert all(program.survey.follow_up_question for program in SHIPPED.programs)


def test_prepared_with_an_explanation_why_you_are_asking() -> None:
    """WINDOW: whoever feels disturbed is told what it is for."""
    assert all(program.survey.why_we_ask for program in SHIPPED.programs)


@pytest.mark.parametrize("whose", ["profile", "account"])
def test_nobody_is_asked_while_a_critical_case_is_open(whose: str) -> None:
    """A case of the person's own, or of their company."""
    critical: dict[str, object] = {"traits": {"open_critical_case": True}}
    calm: dict[str, object] = {"traits": {}}
    who = replace(
        KEY_CONTACT,
        facts={"role": "key_contact", **(critical if whose == "profile" else calm)},
        account=Account("acme", facts=critical if whose == "account" else calm),
    )
    assert asked(who, [BOUGHT], days=90) == []
    assert asked(replace(KEY_CONTACT, account=Account("acme", facts=calm)), [BOUGHT], days=90)


def test_at_least_thirty_days_between_any_two_surveys() -> None:
    """SAAS: simple as a survey is, every second week is too often."""
    life = [LONG_AGO, *(happened(moment, day) for day in range(0, 600, 7) for moment in MOMENTS)]
    surveys = asked(KEY_CONTACT, life, days=700)
    gaps = [later - earlier for (_, earlier), (_, later) in pairwise(surveys)]
    assert min(gaps) >= 30


MOMENTS = ("churned", "support_case_closed", "follow_up_resolved", "stage_changed", "onboarding_completed")
