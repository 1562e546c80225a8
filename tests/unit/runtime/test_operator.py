import pytest
from fastapi import Request
from pydantic import SecretStr

from runtime.operator import Operator
from runtime.problems import Problem

KEY = "k" * 32


def asking(authorization: str | None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_key_opens(scheme: str) -> None:
    Operator(SecretStr(KEY), "A_KEY")(asking(f"{scheme} {KEY}"))


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", f"Bearer {KEY[:-1]}", f"Bearer {KEY}k", f"Basic {KEY}", KEY]
)
def test_nothing_else_does(given: str | None) -> None:
    with pytest.raises(Problem, match="Authorization: Bearer") as refused:
        Operator(SecretStr(KEY), "A_KEY")(asking(given))
    assert refused.value.status == 401


@pytest.mark.parametrize("given", [None, "Bearer "])
def test_without_a_configured_key_nobody_passes(given: str | None) -> None:
    with pytest.raises(Problem, match="A_KEY is not set") as refused:
        Operator(None, "A_KEY")(asking(given))
    assert refused.value.status == 503
