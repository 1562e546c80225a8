"""The page at `/`: everything the doubles received, drawn as the people who get it would see it.

It is rendered whole on the server and works without JavaScript; `page.js` only keeps it fresh in place.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request

from sandbox.clock import BusinessClock
from sandbox.faults import Double, Kind
from sandbox.jira import text_of
from sandbox.mrkdwn import mrkdwn, plain
from sandbox.received import salesforce_counts, slack_counts
from sandbox.salesforce_records import Record
from sandbox.slack_workspace import Channel, Message
from sandbox.world import World

_SHOWN = 25
_MOST_SHOWN = 500
_CALLS_SHOWN = 40
HOME = "home"
"""Stands for the app's home tab where a channel could be named."""
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "product.css": "text/css"}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Case": ("CaseNumber", "Subject", "Status", "Priority", "OwnerId", "SuppliedName", "CreatedDate"),
    "Task": ("Subject", "Status", "Priority", "OwnerId", "ActivityDate", "CreatedDate"),
    "Contact": ("Name", "Email", "AccountId", "OwnerId", "CreatedDate"),
    "Account": ("Name", "Industry", "AnnualRevenue", "OwnerId", "CreatedDate"),
    "User": ("Name", "Email", "IsActive"),
}
_OBJECTS_SHOWN = (
    "Case",
    "Task",
    "Contact",
    "Account",
    "Campaign",
    "CampaignMember",
    "Feedback_Response__c",
    "User",
)


@dataclass(frozen=True, slots=True)
class View:
    """What the person looks at: a channel, an object, in whose name buttons are pressed, and how much."""

    channel: str
    """Name of a channel, or HOME."""
    user: str
    object: str
    show: int

    def link(self, **changes: str | int) -> str:
        """Address of the page with something else looked at."""
        wanted = {
            "channel": self.channel,
            "as": self.user,
            "object": self.object,
            "show": self.show,
        } | changes
        return f"?{urlencode(wanted)}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a button stands (a message or a view) and who presses it."""

    user: str
    pressable: bool
    channel: str = ""
    ts: str = ""
    view_id: str = ""


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sandbox"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock_time"] = lambda moment: moment.strftime("%H:%M:%S")
    environment.filters["adf_text"] = text_of
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    return environment


class Page:
    """Gathers what the template shows."""

    def __init__(self, world: World, clock: BusinessClock) -> None:
        self._world = world
        self._clock = clock
        self._template = _environment().get_template("page.html.j2")

    def view(self, channel: str, user: str, object_name: str, show: int) -> View:
        """Complete what the address leaves out or gets wrong."""
        channels = {one.name for one in self._world.workspace.channels.values()} | {HOME}
        people = self._world.workspace.people
        return View(
            channel=channel if channel in channels else self._busiest(),
            user=user if user in people else next(iter(people), ""),
            object=object_name if object_name in _OBJECTS_SHOWN else "Case",
            show=min(max(show, 1), _MOST_SHOWN),
        )

    def _busiest(self) -> str:
        counts = slack_counts(self._world)
        return max(counts, key=lambda name: counts[name], default="")

    async def render(self, view: View) -> str:
        """Draw the page."""
        world = self._world
        people = {person.user_id: person.name for person in world.workspace.people.values()}
        channels = {one.channel_id: one.name for one in world.workspace.channels.values()}
        return self._template.render(
            view=view,
            world=world,
            HOME=HOME,
            people=people,
            channels=channels,
            mrkdwn=lambda text: mrkdwn(text, people, channels),
            plain=plain,
            slack=slack_counts(world),
            messages=[] if view.channel == HOME else list(self._messages(view)),
            home=world.workspace.views.homes.get(view.user),
            modal=world.workspace.views.shown(view.user),
            place_of=lambda shown: Place(view.user, world.interactivity.is_on, view_id=shown.view_id),
            latest_presses=world.interactivity.latest,
            salesforce=salesforce_counts(world),
            objects=_OBJECTS_SHOWN,
            columns=_COLUMNS.get(view.object, ("Name", "Status", "CreatedDate")),
            records=self._records(view),
            names=self._name_of,
            mails=list(islice(reversed(world.mailbox.mails), view.show)),
            receivers=world.receivers,
            issues=list(islice(reversed(world.jira.issues.values()), view.show)),
            latest_events={
                double: receiver.events[: -view.show - 1 : -1] for double, receiver in world.receivers.items()
            },
            faults=list(world.faults),
            doubles=tuple(Double),
            kinds=tuple(Kind),
            calls={double: _tally(world.calls.counts(double)) for double in Double},
            latest_calls=list(islice(world.calls.latest(), _CALLS_SHOWN)),
            business_now=await self._clock.now(),
            now=datetime.now(UTC),
        )

    def _messages(self, view: View) -> Iterator[tuple[Message, list[Message], list[dict[str, Any]], Place]]:
        channel = next(one for one in self._world.workspace.channels.values() if one.name == view.channel)
        replies: dict[str, list[Message]] = defaultdict(list)
        for message in channel.messages.values():
            if message.thread_ts is not None and message.thread_ts != message.ts:
                replies[message.thread_ts].append(message)
        for message in islice(_parents(channel), view.show):
            place = Place(view.user, self._world.interactivity.is_on, channel.channel_id, message.ts)
            yield message, replies[message.ts], message.blocks, place

    def _records(self, view: View) -> list[Record]:
        return list(
            islice(reversed(self._world.records.of(self._world.objects[view.object]).values()), view.show)
        )

    def _name_of(self, record_id: str) -> str:
        """Name the record an id points at, as Salesforce's own pages do."""
        for kind in self._world.objects.values():
            record = self._world.records.of(kind).get(record_id)
            if record is not None:
                return str(record.values.get("Name") or record.values.get("CaseNumber") or record_id)
        return record_id


def _parents(channel: Channel) -> Iterator[Message]:
    return (one for one in reversed(channel.messages.values()) if one.thread_ts in (None, one.ts))


def _tally(counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Sum a double's calls to what went well, was refused, and was struck by a fault."""
    tally = {"ok": 0, "refused": 0, "struck": 0}
    for results in counts.values():
        for result, number in results.items():
            struck = "struck" if result.startswith("fault:") else "refused"
            tally["ok" if result == "ok" else struck] += number
    return tally


def _mail_document(html: str, text: str) -> str:
    """Make the document of the frame a mail is read in: its links open beside the page."""
    if not html:
        html = str(Markup("<!doctype html><title>Mail</title><pre>{}</pre>").format(text))
    base = '<base target="_blank">'
    with_base, found = re.subn(r"(<head[^>]*>)", rf"\1{base}", html, count=1, flags=re.IGNORECASE)
    return with_base if found else base + html


def routes(world: World, clock: BusinessClock) -> APIRouter:
    """Serve the page, its assets and the mails in their frames."""
    router = APIRouter()
    page = Page(world, clock)

    @router.get("/")
    async def show(
        request: Request,
        channel: str = "",
        user: Annotated[str, Query(alias="as")] = "",
        object: str = "Case",  # noqa: A002 - the name of the query parameter
        show: int = _SHOWN,
    ) -> Response:
        view = page.view(channel, user, object, show)
        if view.channel == HOME and request.headers.get("sec-fetch-mode") == "navigate":
            await world.interactivity.open_home(view.user)
        html = await page.render(view)
        return HTMLResponse(html, headers=_HEADERS)

    @router.get("/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise HTTPException(404)
        text = (files("sandbox") / "templates" / name).read_text("utf-8")
        return Response(text, media_type=_ASSETS[name], headers={"Cache-Control": "no-cache"})

    @router.get("/mail/{number}")
    async def mail(number: int) -> Response:
        found = world.mailbox.find(number)
        if found is None:
            raise HTTPException(404, f"There is no mail {number}.")
        headers = {**_HEADERS, "Content-Security-Policy": _MAIL_POLICY}
        return HTMLResponse(_mail_document(found.html, found.text), headers=headers)

    return router
