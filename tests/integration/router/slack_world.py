"""A router with the Slack double: real deliveries to it, and its people's clicks come back over HTTP."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from slack_sdk import WebClient

from runtime.operator import Operator
from runtime.postgres import Pool
from runtime.problems import add_problem_handlers
from runtime.yaml_file import parse_yaml
from sandbox.client import RunningSandbox
from services.router import answer_api
from services.router.delivery import Connected, Deliveries
from services.router.destinations import email, slack
from services.router.follow_up_desk import Desk
from services.router.follow_up_effects import Shown
from services.router.letters import MAIL, Letters
from services.router.people import PeopleFile, people_of
from services.router.personal_mails import PersonalMails
from services.router.plan import Playbook
from services.router.planner import Planner
from services.router.rules import load_rules
from services.router.slack.wiring import slack_side
from services.router.survey_links import SurveyLinks
from services.router.templates import Templates
from services.router.timer_store import TimerKind
from services.router.timers import Timers
from tests.integration.router.world import World, until

PEOPLE = people_of(
    parse_yaml(
        """
teams:
  cs: { name: Customer success }
  product: { name: Product, slack_channel: "#product-feedback", manager: jonas }
people:
  - id: maya
    name: Maya Lindqvist
    email: maya.lindqvist@acme.test
    teams: [cs]
    time_zone: Europe/Stockholm
    booking_url: https://calendar.test/maya
  - { id: jonas, name: Jonas Weber, email: jonas.weber@acme.test, teams: [cs] }
""",
        PeopleFile,
        name="people.yaml",
    )
)
RULES = """
rules:
  - id: detractor
    why: they leave
    when: has(response.group) && response.group == "detractor"
    do: [{id: card, destination: slack, channel: customer-success, reply: reply}]
    follow_up: {team: cs, first_contact_hours: 4, resolve_hours: 16}
  - id: passive
    why: they miss something
    when: has(response.group) && response.group == "passive"
    do: [{id: product_card, destination: slack, channel: product-feedback, reply: reply}]
"""
OPERATOR_KEY = "o" * 32
THEMES = {"export": "Export", "usability": "Ease of use"}
DRAFT = """\
Subject: About what you told us

Hello,

{% if response.comment %}> {{ response.comment }}{% endif %}

(Say here what happens next.)
"""


class SlackWorld(World):
    """As `World`, its destinations the real ones for Slack and mail."""

    def __init__(self, pool: Pool, folder: Path, sandbox: RunningSandbox) -> None:
        super().__init__(pool, folder)
        token, secret = sandbox.credentials.slack_bot_token, sandbox.credentials.slack_signing_secret
        self.url = sandbox.url
        self.client = WebClient(token=token, base_url=f"{sandbox.url}/slack/api/", retry_handlers=[])
        self.plugins = {"slack": slack.PLUGIN, "email": email.PLUGIN}
        self.people = PEOPLE
        self.desk = Desk(pool=pool, clock=self.clock, people=PEOPLE, shown=Shown(self.plugins))
        given = {
            "bot_token": token,
            "signing_secret": secret,
            "base_url": f"{sandbox.url}/slack/api/",
            "calls_per_second": 1000,
        }
        mail = {"smtp_host": "127.0.0.1", "smtp_port": sandbox.smtp_port, "smtp_starttls": False}
        self._settings: Mapping[str, Any] = {
            "slack": slack.Settings.model_validate(given),
            "email": email.Settings.model_validate(mail | {"mail_from": "Acme <feedback@acme.test>"}),
        }
        self.connected = [self._connect(name) for name in self.plugins]

    def _connect(self, name: str) -> Connected:
        plugin = self.plugins[name]
        destination = plugin.connect(self._settings[name])
        assert not isinstance(destination, str)
        return Connected(plugin, destination, None)

    def with_app_token(self, token: str) -> None:
        """As if SLACK_APP_TOKEN were set."""
        self._settings = {
            **self._settings,
            "slack": self._settings["slack"].model_copy(update={"app_token": SecretStr(token)}),
        }
        self.connected = [self._connect(name) for name in self.plugins]

    def planner(self) -> Planner:
        (self._folder / "reply.txt.j2").write_text(DRAFT)
        templates = Templates(self._folder)
        path = self._folder / "rules.yaml"
        path.write_text(RULES)
        return Planner(
            playbook=Playbook(load_rules(path, self.plugins, templates), self.plugins, templates),
            clock=self.clock,
            links=SurveyLinks("https://ask.test", b"k" * 32),
            wait_for_facts=lambda _connection: True,
            follow=self.desk.after_planning,
        )

    def side(self) -> tuple[Any, Mapping[str, Any]]:
        """Routes and workers of what answers Slack."""
        return slack_side(
            self.connected,
            pool=self.pool,
            clock=self.clock,
            desk=self.desk,
            letters=self.letters(),
            themes=THEMES,
        )

    def letters(self) -> Letters:
        """The mails that colleagues write."""
        mail = next(one for one in self.connected if one.plugin.name == MAIL)
        return Letters(self.desk, self.clock, mail, self.policy)

    def timers(self) -> Timers:
        """What looks after the mails of colleagues."""
        handlers = {TimerKind.MAILED: PersonalMails(self.desk).take}
        return Timers(pool=self.pool, clock=self.clock, handlers=handlers)

    @contextmanager
    def at_work(self, port: int) -> Iterator[None]:
        """Deliveries to Slack and mail, and the callbacks' HTTP server, as long as the block."""
        app = FastAPI()
        add_problem_handlers(app)
        routes, workers = self.side()
        app.include_router(routes)
        app.include_router(
            answer_api.routes(
                answer_api.Answers(
                    desk=self.desk,
                    pool=self.pool,
                    clock=self.clock,
                    plugins=self.plugins,
                    letters=self.letters(),
                    themes=THEMES,
                ),
                Operator(SecretStr(OPERATOR_KEY), "ROUTER_OPERATOR_KEY"),
            )
        )
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
        stop = threading.Event()
        deliveries = [
            Deliveries(
                connected=one,
                pool=self.pool,
                clock=self.clock,
                policy=self.policy,
                profiles_age_seconds=lambda: 0.0,
                people=self.people,
                rng=lambda: 0.0,
            )
            for one in self.connected
        ]
        threads = [
            threading.Thread(target=server.run),
            *(threading.Thread(target=worker.run, args=(stop,)) for worker in deliveries),
            *(threading.Thread(target=run, args=(stop,)) for run in workers.values()),
            threading.Thread(target=self.timers().run, args=(stop,)),
        ]
        with ExitStack() as stack:
            for thread in threads:
                thread.start()
                stack.callback(thread.join, 20)
            stack.callback(stop.set)
            stack.callback(setattr, server, "should_exit", True)
            until(lambda: server.started)
            yield

    def settled(self) -> None:
        """Wait until nothing is left to deliver."""
        until(lambda: self.count("pending") == 0)

    def messages(self, channel: str = "customer-success") -> list[dict[str, Any]]:
        answer = httpx2.get(f"{self.url}/received/slack", params={"channel": channel})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items

    def card(self, channel: str = "customer-success") -> dict[str, Any]:
        """The one card of a channel, as it stands."""
        self.settled()
        (card,) = [one for one in self.messages(channel) if one["thread_ts"] is None and not one["only_for"]]
        return card

    def thread(self, channel: str = "customer-success") -> list[str]:
        self.settled()
        return [one["text"] for one in self.messages(channel) if one["thread_ts"]]

    def hints(self, channel: str = "customer-success") -> list[str]:
        return [one["text"] for one in self.messages(channel) if one["only_for"]]

    def user(self, email: str) -> str:
        return str(self.client.users_lookupByEmail(email=email)["user"]["id"])

    def press(self, verb: str, by: str, channel: str = "customer-success") -> dict[str, Any]:
        """Press a button of the card, or an entry of its menu."""
        card = self.card(channel)
        order = {"channel": card["channel_id"], "ts": card["ts"], "action_id": verb, "user": by}
        for block in card["blocks"]:
            for element in block.get("elements", ()):
                for option in element.get("options", ()):
                    if option["value"].startswith(f"{verb} "):
                        order |= {"action_id": element["action_id"], "value": option["value"]}
        answer = httpx2.post(f"{self.url}/press", json=order, timeout=10)
        pressed: dict[str, Any] = answer.json()
        assert answer.is_success, pressed
        return pressed

    def form(self, user: str) -> dict[str, Any]:
        """The form in front of somebody, once it is there."""
        until(lambda: httpx2.get(f"{self.url}/views/{user}").json()["modal"] is not None)
        shown: dict[str, Any] = httpx2.get(f"{self.url}/views/{user}").json()["modal"]
        return shown

    def has_form(self, user: str) -> bool:
        return httpx2.get(f"{self.url}/views/{user}").json()["modal"] is not None

    def submit(self, user: str, **values: str | list[str]) -> None:
        answer = httpx2.post(f"{self.url}/submit", json={"user": user, "values": values}, timeout=10)
        assert answer.json().get("status") == 200, answer.text
