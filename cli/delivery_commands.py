"""`feedback deliveries` and `feedback destinations`: the router's deliveries over its HTTP API."""

import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from cli import router_api
from cli.since import Since, moment
from cli.terminal import console, show
from runtime.spreadsheet import safe_cell

deliveries = typer.Typer(help="What was delivered, what was not, and why.", no_args_is_help=True)
destinations = typer.Typer(help="Where deliveries go.", no_args_is_help=True)

EffectId = Annotated[
    str, typer.Argument(metavar="ID", help="The delivery's id, as `list` and the log show it.")
]
Destination = Annotated[str | None, typer.Option(help="Of this destination only.")]

_CSV_COLUMNS = (
    "planned_at",
    "destination",
    "status",
    "is_ambiguous",
    "rule",
    "action",
    "subject",
    "person_key",
    "external_id",
    "reason",
    "effect_id",
)
_TIMES = ("planned_at", "not_before", "next_try_at")
_PAGE = 500


@deliveries.command("list")
def list_(
    *,
    destination: Destination = None,
    status: Annotated[
        str | None,
        typer.Option(help="pending, scheduled, ambiguous, delivered, retracted, withheld, failed."),
    ] = None,
    since: Since = "7d",
    rule: Annotated[str | None, typer.Option(help="Asked for by this rule.")] = None,
    person: Annotated[str | None, typer.Option(help="About this person (person key).")] = None,
    subject: Annotated[str | None, typer.Option(help="About this answer: response:<id>.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV on standard output.")] = False,
) -> None:
    """Show deliveries, newest first."""
    wanted = {
        "destination": destination,
        "status": status,
        "since": None if subject else moment(since).isoformat(),
        "rule": rule,
        "person": person,
        "subject": subject,
    }
    found = _pages(wanted, limit)
    if as_csv:
        rows = csv.writer(sys.stdout)
        rows.writerow(_CSV_COLUMNS)
        rows.writerows([safe_cell(one[column]) for column in _CSV_COLUMNS] for one in found)
        return
    table = Table("planned", "destination", "status", "rule / action", "why", "id", box=None, pad_edge=False)
    for one in found:
        table.add_row(
            _time(one["planned_at"]),
            one["destination"],
            "ambiguous" if one["is_ambiguous"] else one["status"],
            f"{one['rule']} / {one['action']}",
            one["reason"] or "",
            one["effect_id"],
        )
    show(table)


@deliveries.command("show")
def show_one(
    effect_id: EffectId,
    *,
    content: Annotated[
        bool, typer.Option("--content", help="Also what is sent, which may say who the customer is.")
    ] = False,
) -> None:
    """Show one delivery: what is wanted, what is known, and every call for it."""
    delivery = router_api.call("GET", f"/v1/deliveries/{effect_id}")
    _show(delivery)
    if content:
        console.print(json.dumps(delivery["content"], indent=2, ensure_ascii=False))


@deliveries.command()
def retry(effect_id: EffectId) -> None:
    """Deliver again what failed or was cancelled; try at once what waits for its next try."""
    _show(router_api.call("POST", f"/v1/deliveries/{effect_id}/retry"))


@deliveries.command()
def cancel(effect_id: EffectId) -> None:
    """Give up what was not delivered yet."""
    _show(router_api.call("POST", f"/v1/deliveries/{effect_id}/cancel"))


@deliveries.command()
def replay(destination: Annotated[str, typer.Option(help="Of this destination.")], since: Since) -> None:
    """Deliver again everything that failed for a destination since a time."""
    begin = moment(since).isoformat()
    body = {"destination": destination, "since": begin}
    count = router_api.call("POST", "/v1/deliveries/replay", body=body)["replayed"]
    if count == 0:
        console.print(f"Of what was planned for {destination} since {_time(begin)}, nothing has failed.")
        return
    console.print(f"{count} {'delivery waits' if count == 1 else 'deliveries wait'} for {destination} again")


@destinations.command("list")
def list_destinations() -> None:
    """Show every destination: enabled or why not, paused or not, its breaker."""
    table = Table("destination", "state", "breaker", "calls a second", box=None, pad_edge=False)
    for one in router_api.call("GET", "/v1/destinations"):
        state = "enabled" if one["enabled"] else f"disabled: {one['reason']}"
        if one["paused_at"]:
            state = f"paused since {_time(one['paused_at'])}: {one['paused_because']}"
        limit = one["calls_per_second"]
        table.add_row(one["name"], state, one["breaker"], "unlimited" if limit is None else f"{limit:g}")
    show(table)


@destinations.command()
def pause(name: str, because: Annotated[str, typer.Option(help="Why, for whoever looks next.")]) -> None:
    """Leave a destination alone on every router, within two seconds; what is due waits."""
    router_api.call("POST", f"/v1/destinations/{name}/pause", body={"because": because})
    console.print(f"{name} is paused; `feedback destinations resume {name}` goes on")


@destinations.command()
def resume(name: str) -> None:
    """Deliver again what has waited for a paused destination."""
    router_api.call("POST", f"/v1/destinations/{name}/resume")
    console.print(f"{name} goes on")


def _pages(wanted: dict[str, Any], limit: int) -> Iterator[dict[str, Any]]:
    after = None
    while limit > 0:
        params = wanted | {"after": after, "limit": min(limit, _PAGE)}
        page = router_api.call("GET", "/v1/deliveries", params=params)
        yield from page["items"]
        limit -= len(page["items"])
        after = page["next"]
        if after is None:
            return


def _show(delivery: dict[str, Any]) -> None:
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name in (
        "effect_id", "destination", "status", "reason", "is_ambiguous", "subject", "rule", "action", "wanted",
        "desired_version", "sent_version", "outside", "external_id", "planned_at", "not_before",
        "next_try_at", "failures",
    ):  # fmt: skip
        value = delivery[name]
        if value not in (None, "", False, 0):
            facts.add_row(name.replace("_", " "), _time(value) if name in _TIMES else str(value))
    console.print(facts)
    calls = Table("started", "request", "result", "cause", box=None, pad_edge=False)
    for one in delivery["attempts"]:
        calls.add_row(
            _time(one["started_at"]), one["request"], one["result"] or "under way", one["cause"] or ""
        )
    console.print(calls if calls.row_count else "No call was made for it.")


def _time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
