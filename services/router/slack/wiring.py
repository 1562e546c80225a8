"""Puts together what answers people in Slack, where Slack is on."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter

from runtime.clock import Clock
from runtime.postgres import Pool
from runtime.service import Worker
from services.router.delivery import Connected
from services.router.destinations.slack import Slack
from services.router.follow_up_desk import Desk
from services.router.letters import Letters
from services.router.slack.acts import Acts
from services.router.slack.desk import SlackDesk
from services.router.slack.forms import Forms
from services.router.slack.home_tab import HomeTab
from services.router.slack.http import routes
from services.router.slack.socket import Socket


def slack_side(
    connected: Iterable[Connected],
    *,
    pool: Pool,
    clock: Clock,
    desk: Desk,
    letters: Letters,
    themes: Mapping[str, str],
) -> tuple[APIRouter, dict[str, Worker]]:
    """The routes for HTTP mode and the worker for Socket Mode; empty where Slack or either mode is off."""
    kinds = {one.plugin.name: one for one in connected}
    slack = kinds["slack"].destination if "slack" in kinds else None
    if not isinstance(slack, Slack):
        return APIRouter(), {}
    workspace, settings = slack.workspace, slack.settings
    slack_desk = SlackDesk(
        acts=Acts(pool, clock, desk, kinds["slack"].plugin, letters),
        forms=Forms(desk.people, themes),
        workspace=workspace,
        home=HomeTab(pool=pool, people=desk.people, workspace=workspace),
    )
    workers: dict[str, Worker] = {}
    if settings.app_token is not None:
        socket = Socket(app_token=settings.app_token, base_url=workspace.base_url, handle=slack_desk.handle)
        workers["slack-socket"] = socket.run
    return routes(slack_desk.handle, settings.signing_secret), workers
