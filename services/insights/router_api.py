"""The router's HTTP API: whatever people do about an answer goes through it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx2
import structlog
from pydantic import SecretStr

_TIMEOUT_SECONDS = 10.0

log = structlog.get_logger(__name__)


class NotDone(Exception):
    """The router did not do it; the text is for whoever asked."""


class RouterApi:
    """Speaks to the router with its operator's key."""

    def __init__(self, url: str, key: SecretStr) -> None:
        self._client = httpx2.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key.get_secret_value()}"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def options(self, response_id: UUID) -> Mapping[str, Any]:
        """What can be done about an answer now. Raises NotDone."""
        return self._call("GET", f"/v1/answers/{response_id}")

    def command(self, follow_up_id: str, body: Mapping[str, object]) -> None:
        """Do something with a follow-up. Raises NotDone."""
        self._call("PATCH", f"/v1/follow-ups/{UUID(follow_up_id)}", body)

    def act(self, response_id: UUID, what: str, body: Mapping[str, object]) -> None:
        """Do something about an answer: `letters`, `corrections` or `routing`. Raises NotDone."""
        self._call("POST", f"/v1/answers/{response_id}/{what}", body)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx2.HTTPError as error:
            log.warning("the router does not answer", error=type(error).__name__)
            raise NotDone("The router does not answer: nothing can be changed now.") from None
        if answer.is_success:
            told: Mapping[str, Any] = answer.json()
            return told
        raise NotDone(_explained(answer))


def _explained(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
        errors = problem.get("errors", ())
        expected = [f"{one['field'].strip('/')}: expected {one['expected']}" for one in errors]
        return " ".join([str(problem["detail"]), *expected])
    except (ValueError, KeyError, TypeError):
        return f"The router refused it ({answer.status_code})."
