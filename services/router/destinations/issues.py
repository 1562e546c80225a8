"""Issues: one Jira Cloud issue a theme, every answer about it a comment there.

A comment carries its effect's id as an entity property. Answers about one theme are delivered one after
another, and a new issue counts as made only once Jira's search, which lags behind, shows it; so the next
answer finds it, whichever router delivers it.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

import re
from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr
from pydantic_settings import SettingsConfigDict

from services.router.destination import (
    Absent,
    AfterAmbiguity,
    Call,
    Delivered,
    Failed,
    Found,
    Operation,
    Plugin,
    Result,
    Retry,
    Sighting,
    Traits,
)
from services.router.facts import Facts
from services.router.jira import Issues, Jira, JiraError
from services.router.outbound_settings import OutboundSettings
from services.router.templates import Templates

LONGEST_TEXT = 20_000
"""Jira takes 32,767 characters of a comment as it stores it."""
_NOT_A_LABEL = re.compile(r"[^a-z0-9_-]+")
_WITHDRAWN = "Withdrawn: the customer took this answer back, or it was no answer."


class Action(BaseModel):
    """An action of the issue tracker in rules.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,9}$")
    """Key of the Jira project."""
    issue_type: str = Field("Task", min_length=1, max_length=60)
    theme: str | None = Field(None, min_length=1, max_length=64)
    """The theme whose issue gets the answer; else the first theme of the answer."""


class Content(BaseModel):
    """An answer as the product team sees it: personal details masked, no name."""

    model_config = ConfigDict(frozen=True)

    project: str
    issue_type: str
    theme: str
    headline: str
    quote: str | None
    responded_at: datetime


class Settings(OutboundSettings):
    """The Jira site, and who writes."""

    model_config = SettingsConfigDict(env_prefix="ISSUES_")

    email: str | None = None
    """Atlassian account that writes the issues."""
    token: SecretStr | None = None
    """API token of that account."""


class IssueTracker:
    """A connected Jira site."""

    def __init__(self, settings: Settings, jira: Jira) -> None:
        self.limits = settings.limits
        self._jira = jira

    def deliver(self, call: Call) -> Result:
        """Write, change or blank the answer's comment."""
        content = Content.model_validate(call.content)
        issues = self._jira.within(call.deadline_seconds)
        try:
            if call.operation is Operation.CREATE:
                issue = self._issue(issues, content)
                comment = issues.comment(issue, document(content), call.effect_id)
                return Delivered(f"{issue}/{comment}")
            return self._change(issues, call, content)
        except JiraError as error:
            return error.result

    def reconcile(self, call: Call) -> Sighting:
        """Look through the theme's issues; of several comments of the effect the first stays."""
        content = Content.model_validate(call.content)
        issues = self._jira.within(call.deadline_seconds)
        try:
            found = [
                (issue, comment)
                for issue in issues.labelled(content.project, label(content.theme), is_open=False)
                for comment in issues.comments_of(issue, call.effect_id)
            ]
            for issue, comment in found[1:]:
                issues.delete_comment(issue, comment)
        except JiraError as error:
            return Retry(error.result.cause, getattr(error.result, "retry_after_seconds", None))
        return Found("/".join(found[0])) if found else Absent()

    def close(self) -> None:
        """Close the connections."""
        self._jira.close()

    @staticmethod
    def _issue(issues: Issues, content: Content) -> str:
        """The theme's open issue, made where there is none."""
        of_theme = label(content.theme)
        known = issues.labelled(content.project, of_theme, is_open=True)
        if known:
            return known[0]
        made = issues.create(
            {
                "project": {"key": content.project},
                "issuetype": {"name": content.issue_type},
                "summary": f"Feedback: {content.theme}",
                "labels": ["feedback", of_theme],
            }
        )
        issues.wait_until_listed(made, content.project, of_theme)
        return made

    @staticmethod
    def _change(issues: Issues, call: Call, content: Content) -> Result:
        issue, _, comment = (call.external_id or "").partition("/")
        is_retraction = call.operation is Operation.RETRACT
        body = _doc(_paragraph(_WITHDRAWN)) if is_retraction else document(content)
        if issues.rewrite(issue, comment, body) or is_retraction:
            return Delivered(call.external_id)
        return Failed("comment_not_found")


def label(theme: str) -> str:
    """The label of a theme's issues: labels have no blanks."""
    return f"feedback-{_NOT_A_LABEL.sub('-', theme.lower()).strip('-') or 'theme'}"


def document(content: Content) -> dict[str, JsonValue]:
    """The comment in Atlassian Document Format, in which text is text whatever it holds."""
    blocks = [_paragraph(content.headline, strong=True)]
    if content.quote:
        blocks.append({"type": "blockquote", "content": [_paragraph(content.quote[:LONGEST_TEXT])]})
    blocks.append(_paragraph(f"Answered {content.responded_at:%Y-%m-%d}"))
    return _doc(*blocks)


def _doc(*blocks: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {"type": "doc", "version": 1, "content": [dict(block) for block in blocks]}


def _paragraph(text: str, *, strong: bool = False) -> dict[str, JsonValue]:
    marks: dict[str, JsonValue] = {"marks": [{"type": "strong"}]} if strong else {}
    return {"type": "paragraph", "content": [{"type": "text", "text": text, **marks}]}


def render(action: Action, facts: Facts, _templates: Templates) -> Content | None:
    """The answer for its theme's issue; nothing where it has no theme."""
    response, account = facts.response, facts.account
    if response is None:
        return None
    theme = action.theme or next(iter(response.themes), None)
    if theme is None:
        return None
    of_group = (response.group or "answer").capitalize()
    score = "" if response.score is None else f", score {response.score} ({response.metric.upper()})"
    segment = f", segment {account.segment}" if account and account.segment else ""
    return Content(
        project=action.project,
        issue_type=action.issue_type,
        theme=theme,
        headline=f"{of_group}{score}{segment}",
        quote=response.masked_comment,
        responded_at=response.responded_at,
    )


def _in_place(before: Content, now: Content) -> Content:
    """The comment stays in its theme's issue, whatever theme the answer has by now."""
    kept = {name: getattr(before, name) for name in ("project", "issue_type", "theme")}
    return now.model_copy(update=kept)


def connect(settings: Settings) -> IssueTracker | str:
    """The configured site."""
    if settings.url is None:
        return "ISSUES_URL is not set"
    if settings.email is None:
        return "ISSUES_EMAIL is not set"
    if settings.token is None:
        return "ISSUES_TOKEN is not set"
    jira = Jira(settings.connection(), settings.url, settings.email, settings.token.get_secret_value())
    return IssueTracker(settings, jira)


PLUGIN = Plugin(
    name="issues",
    traits=Traits(after_ambiguity=AfterAmbiguity.RECONCILE, updates=True, settle_seconds=5.0),
    settings=Settings,
    action=Action,
    content=Content,
    render=render,
    connect=connect,
    order_key=lambda content, _facts: f"theme:{content.project}:{label(content.theme)}",
    rate_key=lambda _content: "",
    audience=lambda content: ("issues", content.project.lower()),
    in_place=_in_place,
)
