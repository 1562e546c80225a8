"""`feedback themes` and `feedback models activate` on a small taxonomy, without an encoder."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.app import app
from services.classifier.encoders.choice import TABLE
from services.classifier.encoders.static_table import write_table
from services.classifier.ngrams import WordHashes

THEMES = """
version: 3
themes:
  - id: speed
    name: Speed
    description: What is slow.
    function: Product
    keywords: {en: [slow, fast]}
  - id: price
    name: Price
    description: What it costs.
    function: Sales
    keywords: {en: [expensive, fast lane]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "themes.yaml").write_text(THEMES)
    return tmp_path


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    options = ["--themes", str(folder / "themes.yaml")]
    if arguments[1] != "check":
        options += ["--models", str(folder / "models")]
    result = CliRunner().invoke(app, [*arguments, *options])
    assert result.exit_code == code, result.output
    return result.output


def lines(folder: Path, name: str, rows: list[dict[str, object]]) -> str:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def examples(folder: Path, count: int) -> str:
    """Comments about waiting, about money, and about neither; no keyword in any."""
    said = {"speed": "we wait so long for it", "price": "it costs us a fortune", "": "the people are nice"}
    rows: list[dict[str, object]] = [
        {
            "text": f"{text} {number}",
            "labels": [{"theme": theme, "polarity": -1}] if theme else [],
            "language": "en",
        }
        for number in range(count)
        for theme, text in said.items()
    ]
    return lines(folder, "examples.jsonl", rows)


def comments(folder: Path) -> str:
    texts = ["It is slow, call 0171 2345678", "We wait so long", "All is well"]
    return lines(folder, "comments.jsonl", [{"text": text, "language": "en"} for text in texts])


def test_check_names_what_is_wrong_and_what_is_doubtful(folder: Path) -> None:
    assert "2 themes are in order" in run(folder, "themes", "check")

    file = folder / "themes.yaml"
    file.write_text(THEMES.replace("fast lane", "fast"))
    assert "doubtful: 'fast' (en) is a keyword of speed and of price" in run(folder, "themes", "check")
    file.write_text(THEMES.replace("function: Sales", "function: Kitchen"))
    assert f"{file}:12: themes.1.function" in run(folder, "themes", "check", code=1)


def test_preview_counts_and_shows_no_personal_details(folder: Path) -> None:
    told = run(folder, "themes", "preview", comments(folder))

    assert "speed" in told
    assert "It is slow, call [phone]" in told
    assert "2 of 3 comments speak of no theme" in told


def test_what_was_fitted_is_in_use_and_can_be_taken_back(folder: Path) -> None:
    words = {
        "wait": (1, 0, 0),
        "long": (1, 0, 0),
        "fortune": (0, 1, 0),
        "costs": (0, 1, 0),
        "people": (0, 0, 1),
    }
    (folder / "models").mkdir()
    write_table(
        folder / "models" / TABLE,
        hashes=WordHashes().of([list(words)]).hashes,
        vectors=np.array(list(words.values()), np.float32),
        weights=np.ones(len(words), np.float32),
        languages=("en",),
    )
    told = run(folder, "themes", "fit", "--examples", examples(folder, 4))
    assert "learned 2 of 2 themes from 12 comments" in told
    assert "classification version 4" in told
    assert "1 of 3 comments speak of no theme" in run(folder, "themes", "preview", comments(folder))

    told = run(folder, "themes", "diff", comments(folder), "--new-models", str(folder))
    assert "1 of 3 comments would have other themes" in told

    assert "classification version 5" in run(folder, "models", "activate")
    (model,) = (folder / "models").glob("*.model")
    assert "classification version 6" in run(folder, "models", "activate", model.name)
    model.write_bytes(model.read_bytes()[:-1])
    assert "is cut off or damaged" in run(folder, "models", "activate", model.name, code=1)


def test_a_fit_without_anything_to_learn_from_says_so(folder: Path) -> None:
    assert "There is nothing to learn from" in run(folder, "themes", "fit", "--model", "none", code=1)


def test_an_evaluation_calls_nothing_good_that_it_cannot_know(folder: Path) -> None:
    few = run(folder, "themes", "evaluate", "--model", "none", "--examples", examples(folder, 4), code=1)
    assert "Too little is known of 2 themes to call this model good" in few

    many = run(folder, "themes", "evaluate", "--model", "none", "--examples", examples(folder, 130))
    assert "Too little" not in many
    assert many.count("good") == 3


def test_suggest_groups_what_no_theme_claims(folder: Path) -> None:
    rows: list[dict[str, object]] = [
        {"text": f"{text} {number}", "language": "en"}
        for number in range(30)
        for text in ("the parking garage was full again", "loved the vegan lunch menu", "it is slow")
    ]
    told = run(folder, "themes", "suggest", lines(folder, "comments.jsonl", rows))

    assert "of 60 comments that no theme claims" in told
    assert any("parking" in line and "30 comments" in line for line in told.splitlines())
    few = lines(folder, "few.jsonl", [{"text": "hello"}])
    assert "too few to see a pattern in" in run(folder, "themes", "suggest", few, code=1)


def test_lines_that_are_no_comments_are_named(folder: Path) -> None:
    broken = lines(folder, "broken.jsonl", [{"text": "fine"}, {"txt": "x"}])

    assert f"{broken}:2: text: Field required" in run(folder, "themes", "preview", broken, code=1)
