"""A batch of due work, decided together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.scheduler.eligibility import Outcome
from services.scheduler.facts import Account, Occasion, Person
from services.scheduler.program import Channel
from services.scheduler.programs import Programs
from services.scheduler.rounds import PROGRAM_REMOVED, Books, Decided, Work, request_id, survey_request
from services.scheduler.rounds import decide as decide_with

PROGRAMS = Programs.model_validate(
    {
        "programs": [
            {
                "id": "new_customer_nps",
                "owner": "Customer Success",
                "goal": "Learn how onboarding went.",
                "metric": "nps",
                "trigger": {"lifecycle": "purchased", "delay_days": 30},
                "channels": ["email"],
                "survey": {
                    "question": "How likely?",
                    "follow_up_question": "Why?",
                    "why_we_ask": "You bought a month ago.",
                    "translations": {
                        "de": {
                            "question": "Wie wahrscheinlich?",
                            "follow_up_question": "Warum?",
                            "why_we_ask": "Sie haben vor einem Monat gekauft.",
                        }
                    },
                },
            }
        ]
    }
)
PURCHASED_AT = datetime(2026, 3, 1, tzinfo=UTC)
NOW = PURCHASED_AT + timedelta(days=31)
PERSON = Person("p", channels=frozenset({Channel.EMAIL}), account=Account("acme"))


def work(number: int, program: str = "new_customer_nps") -> Work:
    occasion = Occasion(UUID(int=number), PURCHASED_AT, {"order": str(number)})
    due_at = PURCHASED_AT + timedelta(days=30)
    return Work(program, occasion, "p", due_at, due_at + timedelta(days=30))


def decide(works: list[Work], now: datetime = NOW) -> list[Decided]:
    return decide_with(works, {"p": PERSON}, Books(), PROGRAMS, now)


def test_two_occasions_of_one_person_make_one_request() -> None:
    first, second = decide([work(1), work(2)])
    assert first.request is not None
    assert second.request is None
    assert (second.decision.outcome, second.decision.gate) == (Outcome.SKIPPED, "fatigue")


def test_the_request_says_all_that_is_needed_to_ask() -> None:
    (done,) = decide([work(1)])
    request = done.request
    assert request is not None
    assert (request.person_key, request.account_id, request.language) == ("p", "acme", "en")
    assert (request.channel, request.metric, request.program) == ("email", "nps", "new_customer_nps")
    assert request.why_we_ask == "You bought a month ago."
    assert request.context == {"order": "1"}
    assert request.requested_at == NOW
    assert request.expires_at == PURCHASED_AT + timedelta(days=60)
    assert request.closes_at == NOW + timedelta(days=30)


@pytest.mark.parametrize(
    ("spoken", "language", "question"),
    [
        ("de", "de", "Wie wahrscheinlich?"),
        ("de-AT", "de", "Wie wahrscheinlich?"),
        ("en-GB", "en", "How likely?"),
        ("fr", "en", "How likely?"),
    ],
)
def test_the_texts_are_in_the_persons_language_where_there_are_any(
    spoken: str, language: str, question: str
) -> None:
    request = survey_request(PROGRAMS.programs[0], replace(PERSON, language=spoken), work(1).occasion, NOW)
    assert (request.language, request.question) == (language, question)


def test_the_same_occasion_always_has_the_same_request_id() -> None:
    (now,) = decide([work(1)])
    (later,) = decide([work(1)], NOW + timedelta(days=1))
    assert now.request is not None
    assert later.request is not None
    assert now.request.request_id == later.request.request_id
    assert now.request.event_id() == later.request.event_id()
    assert request_id("a", "p", UUID(int=1)) != request_id("b", "p", UUID(int=1))


def test_work_of_a_removed_program_is_skipped() -> None:
    (done,) = decide([work(1, program="gone")])
    assert (done.decision.outcome, done.decision.gate) == (Outcome.SKIPPED, PROGRAM_REMOVED)
