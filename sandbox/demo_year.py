"""What makes the demo's pages worth a look: a year of earlier answers, and colleagues at work."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2

from sandbox.sample.past import past, releases

_HOW = ("phone", "mail", "video call")
_RESOLVED = (
    ("fixed", "export failed on large tables"),
    ("taught", "setting was not found"),
    ("planned", "missing feature"),
    ("unreachable", None),
)


def fill_in(*, ingest: str, api_key: str, router: str, operator_key: str) -> None:
    """Record the year before, which alerts nobody, then work on every other follow-up.

    `ingest` and `router` are base URLs. Raises httpx2.HTTPStatusError for a call that is refused.
    """
    now = datetime.now(UTC)
    with _client(ingest, api_key) as client:
        _sent(client.post("/v1/responses/batch", json=past(now)))
        for release in releases(now):
            _sent(client.post("/v1/lifecycle-events", json=release))
    with _client(router, operator_key) as client:
        found = _sent(client.get("/v1/follow-ups", params={"limit": 500}))["items"]
        for number, follow_up in enumerate(found):
            for command in _work(number, follow_up["owner_id"] or "maya"):
                _sent(client.patch(f"/v1/follow-ups/{follow_up['id']}", json=command))


def _work(number: int, owner: str) -> Iterator[dict[str, Any]]:
    """Commands of `PATCH /v1/follow-ups/{id}`: every other is claimed, some of these are resolved."""
    if number % 2:
        return
    yield {"command": "claim", "actor": owner}
    if number % 3:
        yield {"command": "contact", "actor": owner, "how": _HOW[number % len(_HOW)]}
    if number % 3 == 1:
        resolution, cause = _RESOLVED[number % len(_RESOLVED)]
        yield {"command": "resolve", "actor": owner, "resolution": resolution, "root_cause": cause}


def _client(url: str, key: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


def _sent(answer: httpx2.Response) -> Any:  # noqa: ANN401 - what the API answers, as JSON
    return answer.raise_for_status().json()
