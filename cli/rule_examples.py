"""The user's examples of what their rules do: facts given in part, and the actions that must come of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cli.examples import Difference
from runtime.yaml_file import load_yaml
from schemas.scales import Metric, group_of
from services.router.admission import Occurrence, Standing
from services.router.facts import Facts
from services.router.movement import Score, crossed, movement
from services.router.occasion import Occasion
from services.router.plan import Plan, Playbook, plan
from services.router.templates import VARIABLES

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
"""When the answer of an example comes in unless it says otherwise: a Tuesday, in working time."""
_PREVIOUSLY = timedelta(days=180)
_ID = UUID("00000000-0000-5000-8000-000000000001")

_RESPONSE = {
    "id": str(_ID),
    "revision": 1,
    "source": "example",
    "metric": "nps",
    "responded_at": NOW,
    "received_at": NOW,
}
_SURVEY = {
    "request_id": str(_ID),
    "program": "example",
    "metric": "nps",
    "channel": "email",
    "question": "How likely are you to recommend us?",
    "follow_up_question": "What is the main reason for your score?",
    "why_we_ask": "You are a customer.",
    "language": "en",
    "requested_at": NOW,
    "expires_at": NOW + timedelta(days=7),
    "closes_at": NOW + timedelta(days=30),
    "url": "https://ask.example/s/example",
    "unsubscribe_url": "https://ask.example/s/example/unsubscribe",
}


_WHOLE: Mapping[Occasion, Mapping[str, Any]] = {
    Occasion.RESPONSE: {
        "response": {
            "score": 6,
            "comment": "The export takes minutes, and nobody could tell me why.",
            "themes": ["performance"],
            "functions": ["Product"],
            "mentions": ["Dana"],
        },
        "previous": {"score": 9},
        "profile": {"name": "Ann Example", "email": "ann@example.org", "role": "key_contact"},
        "account": {"name": "Example Ltd", "arr": 48_000, "currency": "EUR", "days_to_renewal": 60},
    },
    Occasion.SURVEY_REQUEST: {
        "survey": {},
        "profile": {"name": "Ann Example", "email": "ann@example.org"},
    },
}


class Example(BaseModel):
    """One example."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    given: dict[str, Any]
    """Facts, as far as they matter: `response`, `survey`, `profile`, `account`, `owner`, `previous`, …"""
    actions: tuple[str, ...]
    """Ids of exactly the actions that are wanted, in any order."""
    follow_up: str | None = None
    """Id of the rule that opens a follow-up, where one does."""

    @field_validator("given")
    @classmethod
    def _are_facts(cls, given: dict[str, Any]) -> dict[str, Any]:
        facts_of(given)
        return given


class Examples(BaseModel):
    """The file: rules_test.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    examples: list[Example] = Field(min_length=1)


def read_examples(path: Path) -> Sequence[Example]:
    """The examples of a file; raises runtime.yaml_file.ConfigError with the line of what is wrong."""
    return load_yaml(path, Examples).examples


def facts_of(given: Mapping[str, Any]) -> Facts:
    """Whole facts from those that are given; group and movement follow from the scores.

    Raises ValueError for what is not a fact.
    """
    facts = {name: dict(part) if isinstance(part, Mapping) else part for name, part in given.items()}
    _refuse_unknown("", facts, Facts)
    for root, part in facts.items():
        if root in VARIABLES and isinstance(part, dict):
            _refuse_unknown(f"{root}.", part, VARIABLES[root])
    facts["profile"] = {"key": "example"} | facts.get("profile", {})
    if "account" in facts:
        facts["account"] = {"id": "example"} | facts["account"]
    if "survey" in facts:
        facts["survey"] = _SURVEY | facts["survey"]
    else:
        facts |= _answered(facts)
    try:
        return Facts.model_validate(facts)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None


def _refuse_unknown(where: str, given: Mapping[str, Any], model: type[BaseModel]) -> None:
    for name in given:
        if name not in model.model_fields:
            raise ValueError(f"{where}{name} is no fact: expected one of {', '.join(model.model_fields)}")


def occurrence_of(facts: Facts) -> Occurrence:
    """The answer, or the survey request, that has these facts."""
    about = Occasion.RESPONSE if facts.response else Occasion.SURVEY_REQUEST
    return Occurrence(
        subject=f"{about}:{_ID}",
        occasion=about,
        person_key=facts.profile.key,
        account_id=facts.account.id if facts.account else None,
        key=(1, 0, 1, 1),
        delivers=True,
        standing=Standing.FINAL,
        happened_at=facts.response.responded_at if facts.response else NOW,
        expires_at=facts.survey.expires_at if facts.survey else None,
    )


def whole_facts(about: Occasion) -> Facts:
    """Facts of an invented answer, or survey request, with all that a card or mail may show."""
    return facts_of(_WHOLE[about])


def survey_facts(survey: Mapping[str, Any]) -> Facts:
    """Facts of an invented request for a survey with these texts."""
    whole = _WHOLE[Occasion.SURVEY_REQUEST]
    return facts_of({**whole, "survey": dict(survey)})


def plan_of(facts: Facts, playbook: Playbook, now: datetime = NOW) -> Plan:
    """What the rules make of these facts."""
    return plan(occurrence_of(facts), facts, playbook, now)


def differences(examples: Sequence[Example], playbook: Playbook) -> list[Difference]:
    """The examples that do not come out as expected."""
    found = []
    for example in examples:
        planned = plan_of(facts_of(example.given), playbook)
        opened_by = planned.follow_up.rule if planned.follow_up else None
        wanted = _described({one.action for one in planned.wanted}, opened_by)
        expected = _described(set(example.actions), example.follow_up)
        if wanted != expected:
            missing, unexpected = sorted(expected - wanted), sorted(wanted - expected)
            found.append(Difference(example.name, tuple(missing), tuple(unexpected)))
    return found


def _described(actions: set[str], follow_up: str | None) -> set[str]:
    return actions | ({f"follow-up of {follow_up}"} if follow_up else set())


def _answered(facts: Mapping[str, Any]) -> dict[str, Any]:
    """`response` and `previous` with what follows from their scores."""
    response = _RESPONSE | facts.get("response", {})
    metric, score = Metric(response["metric"]), response.get("score")
    previous = facts.get("previous")
    completed: dict[str, Any] = {}
    before = None
    if previous is not None:
        before = Score("", metric, previous["score"], NOW - _PREVIOUSLY)
        completed["previous"] = {
            "group": group_of(metric, before.score),
            "responded_at": before.responded_at,
        } | previous
    if score is not None:
        followed = {
            "group": group_of(metric, score),
            "movement": movement(score, before),
            "crossed": crossed(score, before),
        }
        response = followed | response
    return completed | {"response": response}
