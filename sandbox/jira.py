"""A Jira Cloud site: issues of a few projects, comments with entity properties, a search over labels.

Paths, fields and codes as in the REST API version 3. A late effect is hidden from the search and from lists
only, as Jira's index is late.
"""

import base64
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from http import HTTPStatus
from itertools import count
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Double
from sandbox.server import Front, json_answer

PROJECTS = ("PROD", "WEB")
_JQL = re.compile(
    r'project = "(?P<project>[A-Z0-9_]+)" AND labels = "(?P<label>[^"\\]+)"'
    r"(?P<open> AND statusCategory != Done)? ORDER BY created ASC"
)
_LONGEST_SUMMARY = 255


@dataclass(slots=True)
class Comment:
    """One comment, as often as it was edited."""

    comment_id: str
    body: dict[str, Any]
    properties: list[dict[str, Any]]
    visible_from: float
    edits: int = 0


@dataclass(slots=True)
class Issue:
    """One issue."""

    key: str
    project: str
    summary: str
    labels: tuple[str, ...]
    created_at: datetime
    visible_from: float
    is_done: bool = False
    comments: dict[str, Comment] = field(default_factory=dict)


class JiraSite:
    """Its issues by key, oldest first."""

    def __init__(self, *, email: str, token: str) -> None:
        self._credentials = f"{email}:{token}" if token else None
        self.issues: dict[str, Issue] = {}
        self._numbers = count(1)

    def clear(self) -> None:
        """Forget every issue."""
        self.issues.clear()

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether the call brings the account's token."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if self._credentials is None or scheme.lower() != "basic":
            return False
        try:
            return compare_digest(base64.b64decode(given), self._credentials.encode())
        except ValueError:
            return False

    def create(self, body: Any, hidden_seconds: float) -> Response:  # noqa: ANN401 - JSON of a stranger
        """`POST /issue`."""
        fields = body.get("fields", {})
        project = fields.get("project", {}).get("key")
        summary, labels = fields.get("summary", ""), fields.get("labels", [])
        errors = {}
        if project not in PROJECTS:
            errors["project"] = "valid project is required"
        if not summary or "\n" in summary or len(summary) > _LONGEST_SUMMARY:
            errors["summary"] = "You must specify a summary of at most 255 characters on one line."
        if any(" " in one for one in labels):
            errors["labels"] = "The label contains spaces which is invalid."
        if errors:
            return _problem(HTTPStatus.BAD_REQUEST, errors)
        key = f"{project}-{next(self._numbers)}"
        self.issues[key] = Issue(
            key, project, summary, tuple(labels), datetime.now(UTC), time.monotonic() + hidden_seconds
        )
        return json_answer({"id": str(10_000 + len(self.issues)), "key": key}, HTTPStatus.CREATED)

    def search(self, body: Any) -> Response:  # noqa: ANN401 - as above
        """`POST /search/jql`, of the one form the product uses."""
        asked = _JQL.fullmatch(body.get("jql", ""))
        if asked is None:
            return _problem(HTTPStatus.BAD_REQUEST, {"jql": "the sandbox does not know this form"})
        found = [
            {"key": issue.key}
            for issue in self.issues.values()
            if issue.project == asked["project"]
            and asked["label"] in issue.labels
            and not (asked["open"] and issue.is_done)
            and issue.visible_from <= time.monotonic()
        ]
        return json_answer({"issues": found[: body.get("maxResults", 50)], "isLast": True})

    def comment(self, key: str, body: Any, hidden_seconds: float) -> Response:  # noqa: ANN401 - as above
        """`POST /issue/{key}/comment`."""
        issue = self.issues.get(key)
        if issue is None:
            return _problem(HTTPStatus.NOT_FOUND, {"issue": "does not exist"})
        if body.get("body", {}).get("type") != "doc":
            return _problem(HTTPStatus.BAD_REQUEST, {"comment": "INVALID_INPUT"})
        comment = Comment(
            str(next(self._numbers)),
            body["body"],
            body.get("properties", []),
            time.monotonic() + hidden_seconds,
        )
        issue.comments[comment.comment_id] = comment
        return json_answer({"id": comment.comment_id}, HTTPStatus.CREATED)

    def comments(self, key: str, start: int, limit: int) -> Response:
        """`GET /issue/{key}/comment`, with properties."""
        issue = self.issues.get(key)
        if issue is None:
            return _problem(HTTPStatus.NOT_FOUND, {"issue": "does not exist"})
        shown = [one for one in issue.comments.values() if one.visible_from <= time.monotonic()]
        page = [
            {"id": one.comment_id, "body": one.body, "properties": one.properties}
            for one in shown[start : start + limit]
        ]
        return json_answer({"startAt": start, "maxResults": limit, "total": len(shown), "comments": page})

    def change(self, key: str, comment_id: str, body: Any) -> Response:  # noqa: ANN401 - as above
        """`PUT` of a comment; `body` None deletes it."""
        issue = self.issues.get(key)
        comment = issue.comments.get(comment_id) if issue else None
        if issue is None or comment is None:
            return _problem(HTTPStatus.NOT_FOUND, {"comment": "does not exist"})
        if body is None:
            del issue.comments[comment_id]
            return Response(status_code=HTTPStatus.NO_CONTENT)
        comment.body = body["body"]
        comment.edits += 1
        return json_answer({"id": comment_id})


def text_of(node: Any) -> str:  # noqa: ANN401 - a node of Atlassian Document Format
    """The text of a document, a line a paragraph."""
    inside = "".join(text_of(one) for one in node.get("content", ()))
    return f"{node.get('text', '')}{inside}" + ("\n" if node.get("type") == "paragraph" else "")


def _problem(status: int, errors: Mapping[str, str]) -> Response:
    return json_answer(
        {"errorMessages": [], "errors": dict(errors)}, status, {"x-sandbox-result": next(iter(errors))}
    )


def routes(site: JiraSite, front: Front) -> APIRouter:
    """Serve `/jira/rest/api/3/...`."""
    router = APIRouter(prefix="/jira/rest/api/3")

    async def answered(request: Request, operation: str, act: Callable[[Any, float], Response]) -> Response:
        body = await request.json() if request.method in {"POST", "PUT"} else None

        def admitted(hidden_seconds: float) -> Response:
            if not site.admits(request.headers):
                return _problem(HTTPStatus.UNAUTHORIZED, {"unauthorized": "Client must be authenticated"})
            return act(body, hidden_seconds)

        return await front.serve(request, Double.JIRA, operation, admitted)

    @router.post("/issue")
    async def create(request: Request) -> Response:
        return await answered(request, "issue.create", site.create)

    @router.post("/search/jql")
    async def search(request: Request) -> Response:
        return await answered(request, "search", lambda body, _hidden: site.search(body))

    @router.post("/issue/{key}/comment")
    async def comment(request: Request, key: str) -> Response:
        return await answered(request, "comment.create", lambda body, hidden: site.comment(key, body, hidden))

    @router.get("/issue/{key}/comment")
    async def comments(
        request: Request,
        key: str,
        startAt: int = 0,  # noqa: N803 - Jira's name
        maxResults: int = 50,  # noqa: N803 - Jira's name
    ) -> Response:
        return await answered(
            request, "comment.list", lambda _body, _hidden: site.comments(key, startAt, maxResults)
        )

    @router.put("/issue/{key}/comment/{comment_id}")
    async def rewrite(request: Request, key: str, comment_id: str) -> Response:
        return await answered(
            request, "comment.update", lambda body, _hidden: site.change(key, comment_id, body)
        )

    @router.delete("/issue/{key}/comment/{comment_id}")
    async def delete(request: Request, key: str, comment_id: str) -> Response:
        return await answered(
            request, "comment.delete", lambda _body, _hidden: site.change(key, comment_id, None)
        )

    return router
