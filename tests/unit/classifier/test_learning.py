"""Small made-up comments in, a model out: what it learns, what it keeps, what it refuses."""

from pathlib import Path

import pytest

from runtime.yaml_file import ConfigError, parse_yaml
from services.classifier.encoders.static_table import StaticTable, UnreadableTable
from services.classifier.examples import read_examples
from services.classifier.language import LanguageDetector
from services.classifier.learning import Learner
from services.classifier.lookup import Lookup
from services.classifier.mentions import Roster
from services.classifier.model import Model
from services.classifier.model_file import UnusableModel, read_model, write_model
from services.classifier.reader import Comment, Reader
from services.classifier.taxonomy import Themes
from tests.unit.classifier.conftest import THEMES, examples

IDS = ("pricing", "reliability", "speed")


@pytest.fixture(scope="session")
def model_path(table: Path, taxonomy: Lookup) -> Path:
    about, heads = Learner(taxonomy, StaticTable(table), LanguageDetector()).fit(examples(), is_random=True)
    path = table.with_name("themes.model")
    write_model(path, about, heads)
    return path


def _reader(table: Path, model_path: Path, taxonomy: Lookup) -> Reader:
    encoder = StaticTable(table)
    fitted = read_model(model_path, themes=IDS, encoder=encoder.identity)
    model = Model(fitted.heads, encoder, version=fitted.about.digest, fitted=fitted.about.languages)
    return Reader(taxonomy, languages=LanguageDetector(), roster=Roster(), model=model)


def test_a_model_finds_what_no_keyword_names_and_says_where(
    table: Path, model_path: Path, taxonomy: Lookup
) -> None:
    comment = Comment("It was all good, but the pricey one is awful.", "en")
    (reading,) = _reader(table, model_path, taxonomy).read([comment])

    (tag,) = reading.themes
    assert (tag.theme, tag.source, tag.polarity) == ("pricing", "model", -1)
    assert tag.score is not None
    assert 0.5 <= tag.score <= 1
    assert tag.evidence == ("but the pricey one is awful",)
    assert reading.functions == ("Sales",)
    assert reading.feeling is not None
    assert reading.feeling.sentiment == "negative"


def test_the_same_comments_make_the_same_model(table: Path, taxonomy: Lookup) -> None:
    learner = Learner(taxonomy, StaticTable(table), LanguageDetector())
    (about, heads), (_, again) = learner.fit(examples()), learner.fit(examples())

    first, second = table.with_name("a.model"), table.with_name("b.model")
    assert write_model(first, about, heads).digest == write_model(second, about, again).digest


def test_a_language_that_the_encoder_does_not_know_is_said_and_read_by_lists(
    table: Path, model_path: Path, taxonomy: Lookup
) -> None:
    (reading,) = _reader(table, model_path, taxonomy).read([Comment("Es ist teuer", "de")])

    assert [(tag.theme, tag.source) for tag in reading.themes] == [("pricing", "lookup")]
    assert dict(reading.not_known) == {"themes": "unknown_language", "sentiment": "unknown_language"}
    assert reading.model_version is None


@pytest.mark.parametrize("text", ["", "👍", "\x00", "שלום " * 50, "the " * 3000, "…!?"])
def test_any_text_is_judged(text: str, table: Path, model_path: Path, taxonomy: Lookup) -> None:
    reader = _reader(table, model_path, taxonomy)

    together = reader.read([Comment("the bug is awful"), Comment(text), Comment("pricey")])

    assert together == [reader.read([Comment(one)])[0] for one in ("the bug is awful", text, "pricey")]


def test_a_model_that_is_cut_off_or_of_something_else_is_refused(
    table: Path, model_path: Path, tmp_path: Path
) -> None:
    identity = StaticTable(table).identity
    whole = model_path.read_bytes()
    cut = tmp_path / "cut.model"
    for size, reason in ((0, "is no model"), (40, "is no model"), (len(whole) - 1, "is cut off or damaged")):
        cut.write_bytes(whole[:size])
        with pytest.raises(UnusableModel, match=reason):
            read_model(cut, themes=IDS, encoder=identity)
    cut.write_bytes(whole.replace(b'"format":1', b'"format":9', 1))
    with pytest.raises(UnusableModel, match="another version"):
        read_model(cut, themes=IDS, encoder=identity)
    with pytest.raises(UnusableModel, match="other themes"):
        read_model(model_path, themes=IDS[:2], encoder=identity)
    with pytest.raises(UnusableModel, match="was fitted with static-"):
        read_model(model_path, themes=IDS, encoder="none")


def test_a_table_that_is_cut_off_is_refused(table: Path, tmp_path: Path) -> None:
    cut = tmp_path / "words.table"
    cut.write_bytes(table.read_bytes()[:-1])

    with pytest.raises(UnreadableTable, match="build it again"):
        StaticTable(cut)
    with pytest.raises(UnreadableTable, match="No such file"):
        StaticTable(tmp_path / "nothing")


def test_examples_are_checked_line_by_line(tmp_path: Path) -> None:
    taxonomy = parse_yaml(THEMES, Themes, name="t")
    file = tmp_path / "examples.jsonl"
    file.write_text(
        '{"text": "a", "labels": [{"theme": "speed"}]}\n\n{"text": 1}\n{\n'
        '{"text": "b", "labels": [{"theme": "x"}]}'
    )

    with pytest.raises(ConfigError) as raised:
        read_examples(file, taxonomy)

    third, fourth, fifth = raised.value.complaints
    assert f"{file}:3: text: " in third
    assert f"{file}:4: not JSON" in fourth
    assert f"{file}:5: labels: not in the taxonomy: x" in fifth
