"""`feedback themes`: what customers talk about: deploy/config/themes.yaml."""
# ruff: noqa: PLC0415 - the image of the jobs installs nothing that reads comments; a command imports what it needs

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.since import Since, moment

themes_commands = typer.Typer(
    help="What customers talk about: deploy/config/themes.yaml.", no_args_is_help=True
)

ThemesFile = Annotated[Path, typer.Option("--themes", help="The taxonomy.", dir_okay=False)]
Comments = Annotated[
    Path | None,
    typer.Argument(
        help='JSON lines {"text", "language"?, "score"?}; left out: the archive\'s.',
        exists=True,
        dir_okay=False,
    ),
]
Examples = Annotated[
    list[Path],
    typer.Option(
        "--examples",
        help='JSON lines {"text", "labels": [{"theme", "polarity"?}], "rejected"?: [theme]}; repeatable.',
        exists=True,
        dir_okay=False,
    ),
]
ModelsFolder = Annotated[Path, typer.Option("--models", help="Where models are kept.", file_okay=False)]
ModelChoice = Annotated[
    Literal["none", "static", "multilingual", "cascade"],
    typer.Option("--model", help="What comments are compared with."),
]

_THEMES = Path("deploy/config/themes.yaml")
_MODELS = Path("var/models")


@themes_commands.command("check")
def check(themes: ThemesFile = _THEMES) -> None:
    """Read the taxonomy as the classifier does; name each mistake with its line, and what is doubtful."""
    from cli.theme_views import check

    check(themes)


@themes_commands.command("preview")
def preview(
    comments: Comments = None,
    *,
    since: Since = "90d",
    themes: ThemesFile = _THEMES,
    models: ModelsFolder = _MODELS,
) -> None:
    """Show what the themes, with the activated model if there is one, find in own comments."""
    from cli.theme_views import preview

    preview(themes, models, comments, moment(since))


@themes_commands.command("fit")
def fit(
    examples: Examples = [],  # noqa: B006 - typer's way of saying none
    *,
    past: Annotated[
        bool, typer.Option(help="Learn from the archive too: corrections, and scores for the sentiment.")
    ] = False,
    since: Since = "365d",
    model: ModelChoice = "static",
    themes: ThemesFile = _THEMES,
    models: ModelsFolder = _MODELS,
    activate: Annotated[bool, typer.Option(help="Have every classifier use it.")] = True,
) -> None:
    """Learn from examples, and have every classifier use what was learned; `models activate` goes back."""
    from cli.theme_fit import fit
    from services.classifier.encoders.choice import ModelName

    fit(themes, models, ModelName(model), examples, moment(since) if past else None, activating=activate)


@themes_commands.command("evaluate")
def evaluate(
    examples: Examples = [],  # noqa: B006 - typer's way of saying none
    *,
    past: Annotated[bool, typer.Option(help="Count corrections of the archive among the examples.")] = False,
    since: Since = "365d",
    model: ModelChoice = "static",
    themes: ThemesFile = _THEMES,
    models: ModelsFolder = _MODELS,
) -> None:
    """Say how well each theme would be found, on examples held back. Code 1: not known to be good."""
    from cli.theme_fit import evaluate
    from services.classifier.encoders.choice import ModelName

    evaluate(themes, models, ModelName(model), examples, moment(since) if past else None)


@themes_commands.command("suggest")
def suggest(
    comments: Comments = None,
    *,
    since: Since = "90d",
    model: ModelChoice = "none",
    themes: ThemesFile = _THEMES,
    models: ModelsFolder = _MODELS,
) -> None:
    """Show what comments speak of that no theme claims: words that tell them apart, and quotes."""
    from cli.theme_views import suggest
    from services.classifier.encoders.choice import EncoderName

    suggest(
        themes, models, EncoderName(model if model != "cascade" else "multilingual"), comments, moment(since)
    )


@themes_commands.command("diff")
def diff(
    comments: Comments = None,
    *,
    new_themes: Annotated[
        Path | None, typer.Option(help="Compare with this taxonomy.", exists=True, dir_okay=False)
    ] = None,
    new_models: Annotated[
        Path | None,
        typer.Option(help="Compare with the models of this folder.", exists=True, file_okay=False),
    ] = None,
    since: Since = "90d",
    themes: ThemesFile = _THEMES,
    models: ModelsFolder = _MODELS,
) -> None:
    """Show how another taxonomy or model would tag the past, before it goes live. Nothing is written."""
    from cli.theme_views import diff

    if new_themes is None and new_models is None:
        raise typer.BadParameter("say what to compare with: --new-themes FILE, --new-models DIR, or both")
    diff((themes, models), (new_themes or themes, new_models or models), comments, moment(since))
