"""`feedback rules …`: check, try out, explain and rehearse the rules."""

import json
from datetime import datetime
from pathlib import Path
from uuid import UUID

import typer
from rich.table import Table

from cli import past_plans
from cli.examples import tell
from cli.playbook import load_destinations, load_playbook
from cli.progress import progress_bar
from cli.rule_backtest import Backtest, occurrence_of
from cli.rule_examples import NOW, differences, facts_of, read_examples, whole_facts
from cli.rule_examples import occurrence_of as occurrence_of_example
from cli.rule_reasons import Fate, Reason, reasons
from cli.rule_send_test import NobodyError, recipient, send
from cli.tables import tables_of
from cli.terminal import complaining, console, end, errors
from runtime.settings import BadSettings
from services.router.admission import Occurrence
from services.router.facts import Facts
from services.router.outcomes import subject_of_response
from services.router.plan import Playbook

_SIGNS = {True: "yes", False: "no", None: "?"}


def check(folder: Path) -> None:
    """Prints what is wrong with the rules and ends with code 1, or says what they are."""
    rules = _playbook(folder).rules.rules
    actions = sum(len(rule.action_ids) for rule in rules)
    rehearsed = sum(rule.shadow for rule in rules)
    console.print(
        f"{len(rules)} rules with {actions} actions are in order; {rehearsed} of them only rehearse"
    )


def test(folder: Path, file: Path) -> None:
    """Prints each example that does not come out as expected; ends with code 1 where one does not."""
    playbook = _playbook(folder)
    with complaining():
        examples = read_examples(file)
    tell(differences(examples, playbook), len(examples))


def explain(folder: Path, response: str) -> None:
    """Prints what became of every rule for a response of the ledger, or for facts in a JSON file."""
    playbook = _playbook(folder)
    occurrence, facts, now = _told(response)
    for reason in reasons(occurrence, facts, playbook, now):
        _print_reason(reason)


def backtest(folder: Path, since: datetime, against: Path | None) -> None:
    """Plans what was planned since then again and prints what would differ; writes nothing."""
    configured = _playbook(folder)
    compared = Backtest(configured, _playbook(folder, against)) if against else Backtest(None, configured)
    with tables_of("router", read_only=True) as connection, progress_bar(errors) as progress:
        task = progress.add_task("planning again", total=past_plans.count_since(connection, since))
        for past in past_plans.plans_since(connection, since):
            compared.add(past)
            progress.advance(task)
    _print_backtest(compared, against)


def send_test(folder: Path, rule_id: str, to: str, response: str | None) -> None:
    """Sends one filled card or mail of each of the rule's actions to a colleague, past the ledger.

    Ends with code 1 when nothing arrived.
    """
    playbook = _playbook(folder)
    rule = next((one for one in playbook.rules.rules if one.id == rule_id), None)
    if rule is None:
        known = ", ".join(sorted(playbook.rules.ids))
        raise typer.BadParameter(f"there is no rule {rule_id!r}; expected one of {known}")
    facts = _told(response)[1] if response else whole_facts(rule.about)
    with complaining():
        destinations = load_destinations(folder)
    try:
        sent = list(send(rule, facts, playbook, destinations, recipient(to, playbook.people)))
    except (NobodyError, BadSettings) as error:
        end(str(error))
    for one in sent:
        why = one.reason or getattr(one.result, "cause", None)
        console.print(f"{one.action}: {one.destination}: " + ("sent" if one.arrived else f"not sent: {why}"))
    if not any(one.arrived for one in sent):
        raise typer.Exit(1)


def _playbook(folder: Path, rules: Path | None = None) -> Playbook:
    with complaining():
        return load_playbook(folder, rules)


def _told(response: str) -> tuple[Occurrence, Facts, datetime]:
    """What is to be explained, and when it was planned."""
    if response.endswith(".json"):
        try:
            facts = facts_of(json.loads(Path(response).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            end(f"{response}: {error}")
        return occurrence_of_example(facts), facts, NOW
    try:
        subject = subject_of_response(UUID(response))
    except ValueError:
        raise typer.BadParameter(f"{response!r} is neither a response's id nor a file named *.json") from None
    with tables_of("router", read_only=True) as connection:
        past = past_plans.plan_of(connection, subject)
    if past is None:
        end(f"{subject} was never planned. Is it the id that POST /v1/responses answered?")
    return occurrence_of(past), past.facts, past.planned_at


def _print_reason(reason: Reason) -> None:
    rule = reason.rule
    shadow = " (only rehearses)" if rule.shadow else ""
    console.print(f"\n{rule.id}{shadow}: {reason.fate}", style="bold")
    if reason.fate is Fate.NOT_LOOKED_AT:
        console.print(f"  because {reason.because} holds and stops")
        return
    if reason.because is not None:
        console.print(f"  {reason.because}")
    for part in reason.parts:
        facts = ", ".join(f"{name} = {value}" for name, value in part.facts)
        console.print(
            f"  {_SIGNS[part.holds]:>3}  {part.source}" + (f"   [{facts}]" if facts else ""), markup=False
        )
    for action in reason.actions:
        later = f", not before {action.not_before:%Y-%m-%d %H:%M} UTC" if action.not_before else ""
        console.print(f"  → {action.action}: {action.destination}{later}")
    for left_out in reason.left_out:
        console.print(f"  → {left_out}: not planned here")


def _print_backtest(compared: Backtest, against: Path | None) -> None:
    table = Table(title=f"{compared.answers} answers and surveys planned again")
    table.add_column("destination")
    for column in ("before", "after", "added", "removed", "people hit twice before", "after"):
        table.add_column(column, justify="right")
    for destination, change in sorted(compared.changes.items()):
        counts = (change.before, change.after, change.added, change.removed)
        twice = (len(change.twice_before), len(change.twice_after))
        table.add_row(destination, *map(str, (*counts, *twice)))
    console.print(table)
    console.print(
        "Before: rules.yaml. After: " + str(against) if against else "Before: the ledger. After: rules.yaml.",
    )
    for rule, count in compared.erred.most_common():
        console.print(f"{rule} could not be told {count} times")
