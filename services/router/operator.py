"""Who may see what the router knows of people, and change what it does: whoever holds the operator key."""

from hmac import compare_digest

from fastapi import Request
from pydantic import SecretStr

from runtime.problems import Problem

_SCHEME = "bearer "


class Operator:
    """The dependency of every route that reads people or changes anything: raises Problem 401 or 503.

    Without a configured key nobody passes.
    """

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key.get_secret_value().encode() if key else None

    def __call__(self, request: Request) -> None:
        """Compare the Authorization header with the key, in a time that tells nothing about it."""
        if self._key is None:
            raise Problem(
                503, "ROUTER_OPERATOR_KEY is not set: `feedback init` makes one, or set one of 32 characters."
            )
        given = request.headers.get("authorization", "")
        is_bearer = given[: len(_SCHEME)].lower() == _SCHEME
        if not compare_digest(given[len(_SCHEME) :].strip().encode() if is_bearer else b"", self._key):
            raise Problem(401, "Expected the operator key, as `Authorization: Bearer <key>`.")
