"""The `feedback` command: one Typer application.

A command imports what it needs when it runs: the image of the jobs installs no destination's library.
"""
# ruff: noqa: PLC0415 - the reason stands above

from pathlib import Path
from typing import Annotated

import typer

from cli.delivery_commands import deliveries, destinations
from cli.follow_up_commands import follow_ups
from cli.import_command import import_
from cli.insights_commands import insights
from cli.key_commands import keys
from cli.match_commands import matches
from cli.person_commands import person
from cli.program_commands import programs
from cli.schedule_commands import schedule
from cli.since import Since, moment
from cli.theme_commands import ModelChoice, ModelsFolder, ThemesFile, themes_commands
from schemas.event import Effects

app = typer.Typer(
    name="feedback",
    help="Sets up and looks after feedback-router.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
config = typer.Typer(help="The YAML in deploy/config.", no_args_is_help=True)
app.add_typer(config, name="config")
app.add_typer(deliveries, name="deliveries")
app.add_typer(destinations, name="destinations")
app.add_typer(follow_ups, name="follow-ups")
app.add_typer(insights, name="insights")
app.add_typer(matches, name="matches")
app.add_typer(programs, name="programs")
app.add_typer(schedule, name="schedule")
app.add_typer(themes_commands, name="themes")
app.add_typer(keys, name="keys")
app.add_typer(person, name="person")
app.command("import")(import_)

rules = typer.Typer(help="What happens to an answer: deploy/config/rules.yaml.", no_args_is_help=True)
app.add_typer(rules, name="rules")

InstallFolder = Annotated[Path, typer.Option("--dir", help="Where docker-compose.yml is.", file_okay=False)]
ingest = typer.Typer(help="What came in.", no_args_is_help=True)
app.add_typer(ingest, name="ingest")

sources = typer.Typer(
    help="Survey tools whose webhooks are taken: deploy/config/sources.yaml.", no_args_is_help=True
)
app.add_typer(sources, name="sources")

ConfigFolder = Annotated[Path, typer.Option("--dir", help="Where the YAML files are.", file_okay=False)]
Source = Annotated[str, typer.Option(help="Name of the first source that may send answers.")]
ExamplesFile = Annotated[Path | None, typer.Argument(help="Default: rules_test.yaml beside the rules.")]
Response = Annotated[str, typer.Argument(help="A response's id, or a file *.json with facts.")]
RuleId = Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule.")]
Recipient = Annotated[str, typer.Option(help="Id or e-mail address of people.yaml; `me` is FEEDBACK_ME.")]
TestResponse = Annotated[
    str | None,
    typer.Option("--response", help="Fill it with this response of the ledger, or facts in a file *.json."),
]
Sample = Annotated[Path, typer.Argument(help="A webhook's body as it came.", exists=True, dir_okay=False)]
SourceName = Annotated[
    str | None, typer.Option("--source", help="Name in sources.yaml; may be left out where there is but one.")
]
OtherRules = Annotated[
    Path | None, typer.Option(help="Compare rules.yaml with this file, not the ledger with rules.yaml.")
]
Demo = Annotated[bool, typer.Option("--demo", help="Make the sandbox the outside world.")]


CommentsFile = Annotated[
    Path | None, typer.Argument(help="JSON lines; default: standard input.", dir_okay=False)
]
PeopleFile = Annotated[Path, typer.Option(help="The employees whom comments may name.", dir_okay=False)]
LabelledFile = Annotated[
    Path | None,
    typer.Option(
        help='JSON lines {"text", "labels": [{"theme", "polarity"}]} to learn from first.', dir_okay=False
    ),
]

models_commands = typer.Typer(help="What comments are understood with.", no_args_is_help=True)
app.add_typer(models_commands, name="models")


@app.command()
def init(folder: InstallFolder = Path(), source: Source = "api", *, demo: Demo = False) -> None:
    """Write .env and the secret files; nothing that is there already is changed. Safe to repeat."""
    from cli.installation import install

    install(folder, source=source, demo=demo)


@app.command()
def migrate() -> None:
    """Bring every service's tables in PostgreSQL to their newest revision. Safe to repeat."""
    from cli.jobs import migrate

    migrate()


@app.command()
def topics() -> None:
    """Create the topics that are missing and set what differs. Safe to repeat."""
    from cli.jobs import topics

    topics()


@app.command()
def republish(
    topic: Annotated[str, typer.Option(help="The topic whose records are sent again.")],
    consumer: Annotated[str, typer.Option("--for", help="The consumer group that reads them again.")],
    since: Since,
    person: Annotated[str | None, typer.Option(help="Of this person (person key) only.")] = None,
    *,
    effects: Annotated[
        Effects, typer.Option(help="`deliver` lets old answers alert again.")
    ] = Effects.RECORD,
) -> None:
    """Feed one consumer again from the archive, through its replay topic. Safe to repeat."""
    from cli.republish import republish

    republish(topic, consumer=consumer, since=moment(since), person=person, effects=effects)


@app.command()
def reclassify(
    since: Since,
    *,
    only_theme: Annotated[
        list[str] | None, typer.Option(help="Only answers that had this theme or get it; may be repeated.")
    ] = None,
    effects: Annotated[
        Effects, typer.Option(help="`deliver` lets old answers alert again.")
    ] = Effects.RECORD,
    themes: ThemesFile = Path("deploy/config/themes.yaml"),
    people: PeopleFile = Path("deploy/config/people.yaml"),
    models: ModelsFolder = Path("var/models"),
) -> None:
    """Classify the answers of the archive again, as they would be now. Goes on where it was broken off."""
    from cli.reclassify import reclassify
    from services.classifier.loading import Places

    reclassify(Places(themes, people, models), moment(since), only=only_theme or [], effects=effects)


@app.command("classify")
def classify_comments(
    file: CommentsFile = None,
    *,
    themes: ThemesFile = Path("deploy/config/themes.yaml"),
    examples: LabelledFile = None,
    model: ModelChoice = "none",
    models: ModelsFolder = Path("var/models"),
    people: PeopleFile = Path("deploy/config/people.yaml"),
) -> None:
    """Say of each comment what it is about: JSON lines {"text", "score"?, "language"?} in and out."""
    from cli.classify import classify
    from services.classifier.encoders.choice import ModelName

    classify(file, themes=themes, examples=examples, model=ModelName(model), models=models, people=people)


@models_commands.command("build")
def build_models(
    models: ModelsFolder = Path("var/models"),
    words: Annotated[int, typer.Option(help="Words of each language, the most frequent ones.")] = 40_000,
) -> None:
    """Make the table of words that `static` stands on, once; takes minutes."""
    from cli.models import build

    build(models, words)


@models_commands.command("activate")
def activate_models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Files of the folder; none: keywords alone.")
    ] = None,
    models: ModelsFolder = Path("var/models"),
    themes: ThemesFile = Path("deploy/config/themes.yaml"),
) -> None:
    """Go back to models of before. Answers classified from now on have a higher version all the same."""
    from cli.models import activate

    activate(models, themes, names or [])


@config.command()
def check(folder: ConfigFolder = Path("deploy/config")) -> None:
    """Read every YAML file as the services do; name each mistake with its line."""
    from cli.config_check import check

    check(folder)


@rules.command("check")
def check_rules(folder: ConfigFolder = Path("deploy/config")) -> None:
    """Read the rules and their templates as the router does; name each mistake with its line."""
    from cli.rules import check

    check(folder)


@rules.command("test")
def try_examples(file: ExamplesFile = None, folder: ConfigFolder = Path("deploy/config")) -> None:
    """Try the examples of rules_test.yaml: which actions come of which facts."""
    from cli.rules import test

    test(folder, file or folder / "rules_test.yaml")


@rules.command("explain")
def explain_rules(response: Response, folder: ConfigFolder = Path("deploy/config")) -> None:
    """Say of every rule why it did, or did not, do something for one answer."""
    from cli.rules import explain

    explain(folder, response)


@rules.command("backtest")
def backtest_rules(
    since: Since = "90d", against: OtherRules = None, folder: ConfigFolder = Path("deploy/config")
) -> None:
    """Plan the answers of the past again, and count what would differ. Nothing is delivered or written."""
    from cli.rules import backtest

    backtest(folder, moment(since), against)


@rules.command("send-test")
def send_test_of_rule(
    rule: RuleId,
    to: Recipient = "me",
    response: TestResponse = None,
    folder: ConfigFolder = Path("deploy/config"),
) -> None:
    """Send one filled card or mail of a rule to yourself. No customer and no channel gets anything."""
    from cli.rules import send_test

    send_test(folder, rule, to, response)


@ingest.command("replay")
def replay_webhooks(
    since: Since,
    source: Annotated[str | None, typer.Option(help="A name of sources.yaml; left out: all.")] = None,
    *,
    effects: Annotated[
        Effects, typer.Option(help="`deliver` lets old answers alert again.")
    ] = Effects.RECORD,
) -> None:
    """Read webhooks of the past again, after a mapping was corrected. Safe to repeat."""
    from cli.republish import republish

    republish("ingest.raw.v1", consumer="ingest.webhooks", since=moment(since), key=source, effects=effects)


@sources.command("list")
def list_sources(folder: ConfigFolder = Path("deploy/config")) -> None:
    """Show each source: its vendor, its address, whether its secret is there."""
    from cli.sources import show

    show(folder)


@sources.command("try")
def try_source(file: Sample, source: SourceName = None, folder: ConfigFolder = Path("deploy/config")) -> None:
    """Show what a webhook's body becomes. Nothing is sent or stored."""
    from cli.sources import rehearse

    rehearse(folder, file, source)


def main() -> None:
    """Entry point of the `feedback` script."""
    app(prog_name="feedback")
