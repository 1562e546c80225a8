"""`make demo`: the main job on one machine, from the first answer to the closed loop; `--once` checks it."""

import argparse
import json
import re
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import yaml
from rich.console import Console

from sandbox.demo_play import Outcome, Site, play, show
from sandbox.demo_tally import Line
from sandbox.demo_year import fill_in
from sandbox.processes import EmbeddedServerError
from sandbox.stack import ROOT, Stack

_FOLDER = ROOT / "var" / "demo"
_COMMANDS = _FOLDER / "commands.env"
_SHELL = frozenset({"PATH", "PYTHONPATH", "PYTHONUNBUFFERED"})
"""What the user's own shell knows better."""
_TARGET_HOURS = re.compile(r"((?:first_contact|resolve)_hours: )(\d+)")
_TARGETS_LATER_HOURS = 240  # of work, which are six weeks
_COLLEAGUE = "maya"
_VISITORS = {
    "program": "website_visitors",
    "metric": "csat",
    "question": {"en": "How satisfied are you with these reports?"},
    "follow_up": {"en": "What were you looking for?"},
    "share": 1.0,
    "again_after_days": 90,
}

console = Console()


def main(arguments: list[str]) -> int:
    """Entry point; 1 when `--once` finds a difference, 2 when something does not start."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="check the table against what was put in, and end"
    )
    once = parser.parse_args(arguments).once
    began = time.monotonic()
    config = _asking_visitors(_patient(configuration(_FOLDER)))
    try:
        with Stack(_FOLDER, settings={"CONFIG_DIR": str(config)}, say=_say) as stack:
            return _run(stack, once=once, began=began)
    except EmbeddedServerError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        return 130


def configuration(folder: Path) -> Path:
    """A copy of the shipped configuration, with one survey program that asks on any day at any hour."""
    copied = folder / "config"
    shutil.copytree(ROOT / "deploy" / "config", copied, dirs_exist_ok=True)
    shutil.copy(ROOT / "sandbox" / "sample" / "programs.yaml", copied)
    return copied


def _patient(config: Path) -> Path:
    """With follow-ups whose targets lie behind the month that goes by in seconds, while nobody works."""
    rules = config / "rules.yaml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(_TARGET_HOURS.sub(_later, text), encoding="utf-8")
    return config


def _asking_visitors(config: Path) -> Path:
    """With a survey of whoever visits the product, so that the widget asks on the sandbox's page of it."""
    file = config / "survey.yaml"
    survey = yaml.safe_load(file.read_text(encoding="utf-8"))
    survey["widget"]["anonymous"] = _VISITORS
    file.write_text(yaml.safe_dump(survey, allow_unicode=True), encoding="utf-8")
    return config


def _later(target: re.Match[str]) -> str:
    return f"{target[1]}{int(target[2]) + _TARGETS_LATER_HOURS}"


def _say(what: str) -> None:
    console.print(f"  starting [bold]{what}[/bold]")


def _run(stack: Stack, *, once: bool, began: float) -> int:
    site = Site(
        ingest=stack.url("ingest"),
        sandbox=stack.url("sandbox"),
        brokers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"],
        api_key=stack.api_key,
    )
    outcome = play(site, console)
    show(outcome, console)
    _summarise(outcome, time.monotonic() - began)
    if once:
        return 1 if outcome.differences else 0
    console.print("  filling in the year before, and letting colleagues get in touch with some")
    fill_in(
        ingest=site.ingest,
        api_key=site.api_key,
        router=stack.url("router"),
        operator_key=stack.environment["ROUTER_OPERATOR_KEY"],
    )
    own = {"INGEST_URL": site.ingest, "FEEDBACK_API_KEY": site.api_key, "FEEDBACK_ME": _COLLEAGUE}
    write_commands(_COMMANDS, stack.environment | own)
    _urls(stack)
    _until_interrupted()
    return 0


def _summarise(outcome: Outcome, took_seconds: float) -> None:
    found = outcome.found
    summary = {
        "expected": {line.value: outcome.expected.get(line, 0) for line in Line},
        "found": {line.value: found.tally.get(line, 0) for line in Line},
        "median_seconds": round(found.median_seconds, 3),
        "p99_seconds": round(found.p99_seconds, 3),
        "took_seconds": round(took_seconds, 1),
    }
    path = _FOLDER / "summary.json"
    path.write_text(json.dumps(summary, indent=2) + "\n")
    console.print(f"  {took_seconds:.0f} s in all; the figures are in {path.relative_to(Path.cwd())}")


def write_commands(file: Path, known: Mapping[str, str]) -> None:
    """What a shell reads so that `feedback` speaks to the demo; nobody else on this machine may read it."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in known.items() if name not in _SHELL]
    file.write_text("".join(lines), encoding="utf-8")


def _urls(stack: Stack) -> None:
    places = {
        "what customers say: scores, themes, movement": f"{stack.url('insights')}/",
        "what arrived: Slack, Salesforce, mail, marketing": f"{stack.url('sandbox')}/",
        "a page of your product, where the widget asks": f"{stack.url('sandbox')}/product",
        "the API, and its documentation": f"{stack.url('ingest')}/docs",
        "the router's destinations": f"{stack.url('router')}/v1/destinations",
    }
    console.print("\n[bold]Look around[/bold] (Ctrl-C ends everything)")
    for what, url in places.items():
        console.print(f"  {what:<50}{url}", soft_wrap=True)
    console.print(f"\n  password of the first page: {stack.pages_password}")
    console.print(f"  API key for your own calls: {stack.api_key}")
    file = _COMMANDS.relative_to(ROOT)
    console.print(
        f"  commands, in another shell: . {file}; .venv/bin/feedback follow-ups list\n", soft_wrap=True
    )


def _until_interrupted() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(1):
        pass
    console.print("  stopping")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
