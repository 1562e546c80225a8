"""`feedback follow-ups`: who owes which customer an answer, over the router's HTTP API."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from cli import router_api
from cli.terminal import ME, console, show

follow_ups = typer.Typer(help="Who owes which customer an answer, and by when.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The follow-up's id, as `list` shows it.")]
Actor = Annotated[
    str,
    typer.Option("--as", envvar=ME, help="Who does it: an id of people.yaml.", show_default=False),
]
Owner = Annotated[str | None, typer.Option(help="Of this person (id in people.yaml).")]
Team = Annotated[str | None, typer.Option(help="Of this team (id in people.yaml).")]
State = Annotated[str, typer.Option(help="open, claimed, contacted, resolved, unresolved or all.")]

_PAGE = 500


@follow_ups.command("list")
def list_(
    *,
    owner: Owner = None,
    team: Team = None,
    state: State = "unresolved",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what owes something already.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the most urgent.")] = 50,
) -> None:
    """Show follow-ups, the most urgent first."""
    wanted = {"owner": owner, "team": team, "state": state, "overdue": str(overdue).lower()}
    table = Table("due", "state", "owner", "team", "missed", "id", box=None, pad_edge=False)
    for one in _pages(wanted, limit):
        missed = [name for name in ("contact", "resolve") if one[f"{name}_breached"]]
        table.add_row(
            _time(one["next_due_at"]),
            one["state"],
            one["owner_name"] or "nobody",
            one["team"],
            ", ".join(missed),
            one["id"],
        )
    show(table)


@follow_ups.command("show")
def show_one(follow_up_id: Id) -> None:
    """Show one follow-up with its history."""
    _show(router_api.call("GET", f"/v1/follow-ups/{follow_up_id}"))


@follow_ups.command()
def claim(follow_up_id: Id, actor: Actor) -> None:
    """Take it."""
    _do(follow_up_id, actor, "claim")


@follow_ups.command()
def assign(
    follow_up_id: Id,
    actor: Actor,
    to: Annotated[str, typer.Option(help="Whom to: an id or an address of people.yaml.")],
) -> None:
    """Give it to somebody."""
    _do(follow_up_id, actor, "assign", to=to)


@follow_ups.command()
def contact(
    follow_up_id: Id, actor: Actor, how: Annotated[str, typer.Option(help="For example: phone, e-mail.")]
) -> None:
    """Note that the customer has heard from us."""
    _do(follow_up_id, actor, "contact", how=how)


@follow_ups.command()
def resolve(
    follow_up_id: Id,
    actor: Actor,
    resolution: Annotated[str, typer.Option(help="fixed, taught, planned, declined or unreachable.")],
    root_cause: Annotated[str | None, typer.Option(help="What had gone wrong.")] = None,
    note: Annotated[str | None, typer.Option(help="What others should know.")] = None,
) -> None:
    """Close it."""
    _do(follow_up_id, actor, "resolve", resolution=resolution, root_cause=root_cause, note=note)


@follow_ups.command()
def reopen(follow_up_id: Id, actor: Actor, why: Annotated[str, typer.Option(help="What came up.")]) -> None:
    """Begin it again, with new targets."""
    _do(follow_up_id, actor, "reopen", why=why)


@follow_ups.command()
def snooze(
    follow_up_id: Id,
    actor: Actor,
    until: Annotated[datetime, typer.Option(help="Local time: 2026-11-25 or 2026-11-25T14:00:00.")],
) -> None:
    """Remind nobody until then; the targets stay."""
    _do(follow_up_id, actor, "snooze", until=until.astimezone().isoformat())


@follow_ups.command()
def note(follow_up_id: Id, actor: Actor, text: Annotated[str, typer.Argument(help="The note.")]) -> None:
    """Add a note to its history."""
    _do(follow_up_id, actor, "note", note=text)


@follow_ups.command("hand-over")
def hand_over(
    follow_up_id: Id,
    actor: Actor,
    team: Annotated[str, typer.Option(help="Which team: an id of people.yaml.")],
) -> None:
    """Give it to another team."""
    _do(follow_up_id, actor, "hand_over", team=team)


def _do(follow_up_id: str, actor: str, command: str, **fields: str | None) -> None:
    given = {name: value for name, value in fields.items() if value is not None}
    body = {"command": command, "actor": actor, **given}
    _show(router_api.call("PATCH", f"/v1/follow-ups/{follow_up_id}", body=body))


def _pages(wanted: dict[str, str | None], limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while len(found) < limit:
        size = min(_PAGE, limit - len(found))
        page = router_api.call("GET", "/v1/follow-ups", params={**wanted, "after": after, "limit": size})
        found += page["items"]
        after = page["next"]
        if after is None:
            break
    return found


def _show(one: dict[str, Any]) -> None:
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(no_wrap=True)
    facts.add_column()
    ended = one["resolution"] or one["closed_because"]
    for name, value in (
        ("follow-up", one["id"]),
        ("about", one["subject"]),
        ("state", f"{one['state']} ({ended})" if ended else one["state"]),
        ("owner", one["owner_name"] or "nobody"),
        ("team", one["team"]),
        ("first contact by", _target(one, "first_contact_due_at", "contact_breached")),
        ("resolution by", _target(one, "resolve_due_at", "resolve_breached")),
        ("put off until", _time(one["snoozed_until"])),
        ("root cause", one["root_cause"]),
        ("rule", one["rule"]),
    ):
        if value:
            facts.add_row(name, value)
    for name, value in _answer(one["answer"] or {}):
        facts.add_row(name, value)
    console.print(facts)
    history = Table("when", "who", "what", "", box=None, pad_edge=False)
    for line in one["history"]:
        history.add_row(_time(line["at"]), line["actor"] or "", line["what"], line["detail"] or "")
    console.print()
    console.print(history)


def _answer(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the customer said."""
    if answer.get("score") is not None:
        yield "score", f"{answer['score']} ({answer['metric']})"
    if answer.get("comment"):
        yield "comment", answer["comment"]
    for further in answer.get("further_answers", ()):
        yield "further", f"{further['question']} {further['answer']}"


def _target(one: dict[str, Any], due: str, breached: str) -> str:
    return f"{_time(one[due])}, missed" if one[breached] else _time(one[due])


def _time(written: str | None) -> str:
    return datetime.fromisoformat(written).astimezone().strftime("%Y-%m-%d %H:%M") if written else ""
