from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from runtime.problems import FieldProblem, Problem, add_problem_handlers
from tests.unit.runtime.asgi import call


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    score: Annotated[int, Field(strict=True, ge=0, le=10)]
    at: AwareDatetime | None = None


def application() -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app, max_body_bytes=1000)

    @app.post("/answers")
    async def answer(_answer: Answer) -> dict[str, str]:
        return {}

    @app.get("/fails/{how}")
    async def fail(how: str) -> None:
        if how == "problem":
            detail = "The broker does not take it."
            raise Problem(503, detail, errors=[FieldProblem("x", "y")], retry_after_seconds=5)
        if how == "http":
            raise HTTPException(401, "Who are you?", {"WWW-Authenticate": "Bearer"})
        raise RuntimeError("secret")

    return app


@pytest.mark.parametrize(
    ("body", "status", "field", "expected"),
    [
        ('{"score": 11}', 422, "/score", "less than or equal to 10"),
        ('{"score": "9"}', 422, "/score", "a valid integer"),
        ("{}", 422, "/score", "a value; the field is required"),
        ('{"score": 9, "colour": "red"}', 422, "/colour", "no field of this name"),
        (
            '{"score": 9, "at": "2026-11-22T10:00:00"}',
            422,
            "/at",
            "a time with its offset from UTC, such as 2026-11-22T10:00:00Z",
        ),
        ("[]", 422, "", "a JSON object, sent with Content-Type: application/json"),
        ("", 400, "", "a JSON object, sent with Content-Type: application/json"),
        ('{"score"', 400, "", "JSON; character 8: Expecting ':' delimiter"),
        ('{"score": 9}' + " " * 1000, 413, "", "at most 1000 bytes"),
    ],
)
def test_a_bad_body_is_told_by_field_and_expectation(
    body: str, status: int, field: str, expected: str
) -> None:
    response = call(application(), "POST", "/answers", body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["errors"] == [{"field": field, "expected": expected}]


def test_a_body_of_unannounced_size_is_refused_when_it_grows_too_large() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5000):
            yield b" " * 1000

    response = call(application(), "POST", "/answers", chunks())
    assert response.status_code == 413
    assert response.json()["errors"][0]["field"] == ""


def test_a_good_body_passes() -> None:
    assert call(application(), "POST", "/answers", '{"score": 9}').status_code == 200


@pytest.mark.parametrize(
    ("how", "status", "header"),
    [
        ("problem", 503, ("retry-after", "5")),
        ("http", 401, ("www-authenticate", "Bearer")),
        ("accident", 500, None),
    ],
)
def test_every_other_error_is_problem_details_too(
    how: str, status: int, header: tuple[str, str] | None
) -> None:
    response = call(application(), "GET", f"/fails/{how}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
    if header:
        assert response.headers[header[0]] == header[1]


def test_unknown_paths_and_methods_are_problem_details_too() -> None:
    found: list[tuple[int, Any]] = [
        (response.status_code, response.json()["status"])
        for response in (call(application(), "GET", "/nowhere"), call(application(), "GET", "/answers"))
    ]
    assert found == [(404, 404), (405, 405)]
