"""Who may ask a service for what others may not see, or change what it does: whoever holds its key."""

from hmac import compare_digest

from fastapi import Request
from pydantic import SecretStr

from runtime.problems import Problem

_SCHEME = "bearer "


class Operator:
    """The dependency of such routes: raises Problem 401 or 503.

    `setting` is the name of the variable that holds the key; where that is not set, nobody passes.
    """

    def __init__(self, key: SecretStr | None, setting: str) -> None:
        self._key = key.get_secret_value().encode() if key else None
        self._setting = setting

    def __call__(self, request: Request) -> None:
        """Compare the Authorization header with the key, in a time that tells nothing about it."""
        if self._key is None:
            raise Problem(
                503, f"{self._setting} is not set: `feedback init` makes one, or set one of 32 characters."
            )
        given = request.headers.get("authorization", "")
        is_bearer = given[: len(_SCHEME)].lower() == _SCHEME
        if not compare_digest(given[len(_SCHEME) :].strip().encode() if is_bearer else b"", self._key):
            raise Problem(401, f"Expected the key in {self._setting}, as `Authorization: Bearer <key>`.")
