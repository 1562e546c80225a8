"""One comment over HTTP: what is understood, and why."""

import json

import httpx2
import pytest
from fastapi import FastAPI

from runtime.problems import add_problem_handlers
from services.classifier.live import Live
from services.classifier.reader import Reader
from services.classifier.routes import classify_routes
from tests.unit.runtime.asgi import call


def ask(reader: Reader, question: dict[str, object]) -> httpx2.Response:
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(classify_routes(Live(reader)))
    return call(app, "POST", "/v1/classify", json.dumps(question))


def test_each_thing_that_is_understood_has_a_reason(reader: Reader) -> None:
    text = "It is terribly slow and way too expensive. Cancel my account, 0171 2345678."
    answer = ask(reader, {"text": text, "score": 9, "language": "en"}).json()

    assert [tag["theme"] for tag in answer["themes"]] == ["pricing", "speed"]
    assert (answer["group"], answer["sentiment"], answer["score_text_mismatch"]) == (
        "promoter",
        "negative",
        True,
    )
    assert (answer["taxonomy_version"], answer["classification_version"], answer["model_version"]) == (
        7,
        7,
        None,
    )
    why = answer["why"]
    assert 'pricing: keywords "too expensive"' in why
    assert "the words say the opposite of the score" in why
    assert 'the customer means to leave: "Cancel my account"' in why
    assert "en: as was stated" in why
    assert answer["masked_comment"].endswith("[phone].")


def test_what_is_not_known_has_a_reason_too(reader: Reader) -> None:
    answer = ask(reader, {"text": "👍"}).json()

    assert "language not known: the comment is too short" in answer["why"]


@pytest.mark.parametrize(
    ("question", "field"),
    [({}, "/text"), ({"text": "slow", "score": 11}, ""), ({"text": "slow", "mood": 1}, "/mood")],
)
def test_a_question_that_cannot_be_answered_is_explained(
    question: dict[str, object], field: str, reader: Reader
) -> None:
    answer = ask(reader, question)

    assert answer.status_code in {400, 422}
    assert [error["field"] for error in answer.json()["errors"]] == [field]
