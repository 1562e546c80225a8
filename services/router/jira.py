"""What the issue tracker needs of Jira Cloud's REST API (version 3), within one deadline for all of it."""

import json
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from services.router.destination import Ambiguous, Failed, Retry
from services.router.outbound import Answer, ErrorTable, Outbound, verdict

PROPERTY = "feedback-effect"
"""Entity property of a comment that holds the effect's id."""
COMMENT_PAGE = 100
_LOOK_AGAIN_SECONDS = 0.25

ERRORS: ErrorTable = {
    HTTPStatus.BAD_REQUEST: Failed,
    HTTPStatus.NOT_FOUND: Failed,
    HTTPStatus.CONFLICT: Failed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Failed,
    HTTPStatus.UNPROCESSABLE_ENTITY: Failed,
    HTTPStatus.INTERNAL_SERVER_ERROR: Ambiguous,
    HTTPStatus.BAD_GATEWAY: Ambiguous,
    HTTPStatus.GATEWAY_TIMEOUT: Ambiguous,
}
"""What a status other than 2xx means; any other: Retry.

Refused credentials and missing permissions concern every issue and pass when somebody puts them right.
"""


class JiraError(Exception):
    """A call that did not succeed, and what that means for the delivery."""

    def __init__(self, result: Retry | Failed | Ambiguous) -> None:
        super().__init__(result.cause)
        self.result = result


class Jira:
    """A site and its credentials."""

    def __init__(self, http: Outbound, url: str, email: str, token: str) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/rest/api/3"
        self._headers = {
            "accept": "application/json",
            "authorization": f"Basic {b64encode(f'{email}:{token}'.encode()).decode()}",
            "content-type": "application/json",
        }

    def within(self, seconds: float) -> "Issues":
        """The site's issues, for calls that end within `seconds` together."""
        return Issues(self, time.monotonic() + seconds)

    def call(self, method: str, path: str, body: object, *, seconds: float) -> Answer:
        """One call. Raises JiraError when it has no answer."""
        if seconds <= 0:
            raise JiraError(Retry("timeout"))
        payload = b"" if body is None else json.dumps(body).encode()
        answer = self._http.send(
            method, f"{self._url}{path}", headers=self._headers, body=payload, seconds=seconds
        )
        if isinstance(answer, Retry | Ambiguous):
            raise JiraError(answer)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class Issues:
    """What is done with issues. Every method raises JiraError."""

    def __init__(self, jira: Jira, ends_at: float) -> None:
        self._jira = jira
        self._ends_at = ends_at

    def labelled(self, project: str, label: str, *, is_open: bool) -> Sequence[str]:
        """Keys of a project's issues with a label, the oldest first; `is_open`: only those not done."""
        status = " AND statusCategory != Done" if is_open else ""
        jql = f'project = "{project}" AND labels = "{label}"{status} ORDER BY created ASC'
        found = self._read("POST", "/search/jql", {"jql": jql, "fields": ["key"], "maxResults": 50})
        return [str(issue["key"]) for issue in found.get("issues", ())]

    def create(self, fields: Mapping[str, JsonValue]) -> str:
        """Make an issue; returns its key."""
        return str(self._written("POST", "/issue", {"fields": dict(fields)})["key"])

    def wait_until_listed(self, key: str, project: str, label: str) -> None:
        """Wait until the search shows an issue that was just made. Ambiguous when it does not in time."""
        while key not in self.labelled(project, label, is_open=True):
            if self._ends_at - time.monotonic() <= _LOOK_AGAIN_SECONDS:
                raise JiraError(Ambiguous("issue_not_listed_yet"))
            time.sleep(_LOOK_AGAIN_SECONDS)

    def comment(self, issue: str, body: Mapping[str, JsonValue], effect_id: UUID) -> str:
        """Append a comment that carries the effect's id; returns the comment's."""
        mark = {"key": PROPERTY, "value": {"effect_id": str(effect_id)}}
        made = self._written("POST", f"/issue/{issue}/comment", {"body": dict(body), "properties": [mark]})
        return str(made["id"])

    def comments_of(self, issue: str, effect_id: UUID) -> Sequence[str]:
        """Ids of an issue's comments that carry the effect's id, the oldest first."""
        found: list[str] = []
        start, total = 0, 1
        while start < total:
            query = f"?expand=properties&orderBy=created&startAt={start}&maxResults={COMMENT_PAGE}"
            page = self._read("GET", f"/issue/{issue}/comment{query}", None)
            comments = page.get("comments", [])
            found += [str(one["id"]) for one in comments if _effect_of(one) == str(effect_id)]
            total = int(page.get("total", 0)) if comments else 0
            start += len(comments)
        return found

    def rewrite(self, issue: str, comment: str, body: Mapping[str, JsonValue]) -> bool:
        """Replace a comment's text; False when it is gone."""
        answer = self._call("PUT", f"/issue/{issue}/comment/{comment}", {"body": dict(body)})
        if answer.status == HTTPStatus.NOT_FOUND:
            return False
        if not answer.is_success:
            raise JiraError(verdict(answer, ERRORS))
        return True

    def delete_comment(self, issue: str, comment: str) -> None:
        """Remove a comment; one that is gone already is no error."""
        answer = self._call("DELETE", f"/issue/{issue}/comment/{comment}", None)
        if not answer.is_success and answer.status != HTTPStatus.NOT_FOUND:
            raise JiraError(verdict(answer, ERRORS))

    def _read(self, method: str, path: str, body: object) -> dict[str, Any]:
        """A call that changes nothing: without an answer it is simply made again later."""
        try:
            return self._written(method, path, body)
        except JiraError as error:
            if isinstance(error.result, Ambiguous):
                raise JiraError(Retry(error.result.cause)) from None
            raise

    def _written(self, method: str, path: str, body: object) -> dict[str, Any]:
        answer = self._call(method, path, body)
        if not answer.is_success:
            raise JiraError(verdict(answer, ERRORS))
        try:
            content = json.loads(answer.body)
        except ValueError:
            raise JiraError(Ambiguous("unreadable_answer")) from None
        return content if isinstance(content, dict) else {}

    def _call(self, method: str, path: str, body: object) -> Answer:
        return self._jira.call(method, path, body, seconds=self._ends_at - time.monotonic())


def _effect_of(comment: Mapping[str, Any]) -> str | None:
    for one in comment.get("properties", ()):
        if one.get("key") == PROPERTY and isinstance(one.get("value"), dict):
            return str(one["value"].get("effect_id"))
    return None
