"""Models are activated, damaged, replaced: what comments are read with follows, and never gets worse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.classifier import metrics
from services.classifier.activation import FittedModel, activate
from services.classifier.encoders.choice import TABLE, EncoderName
from services.classifier.encoders.static_table import StaticTable
from services.classifier.following import Follower, begin
from services.classifier.language import LanguageDetector
from services.classifier.learning import Learner
from services.classifier.live import Live
from services.classifier.loading import Loader, Places
from services.classifier.lookup import Lookup
from services.classifier.manifest import MANIFEST, Manifest
from services.classifier.reader import Comment, Reader
from services.classifier.reading import Reading
from services.classifier.taxonomy import load_themes
from tests.unit.classifier.conftest import THEMES, examples

PRICEY = Comment("the pricey one is awful", "en")


@pytest.fixture(scope="module")
def fitted(table: Path, taxonomy: Lookup, languages: LanguageDetector) -> list[FittedModel]:
    """One without an encoder, one with the table."""
    return [
        FittedModel(name, *Learner(taxonomy, encoder, languages).fit(examples(), is_random=True))
        for name, encoder in ((EncoderName.NONE, None), (EncoderName.STATIC, StaticTable(table)))
    ]


@pytest.fixture
def places(table: Path, tmp_path: Path) -> Iterator[Places]:
    found = Places(tmp_path / "themes.yaml", tmp_path / "people.yaml", tmp_path / "models")
    found.themes.write_text(THEMES)
    found.models.mkdir()
    (found.models / TABLE).write_bytes(table.read_bytes())
    yield found
    metrics.REFUSED.set(0)


class World:
    """A worker's reader and what follows the files for it."""

    def __init__(self, places: Places, languages: LanguageDetector) -> None:
        self.places = places
        loader = Loader(places, languages)
        self.live = Live(begin(loader))
        self.follower = Follower(self.live, loader, places)

    def activate(self, *models: FittedModel) -> Manifest:
        manifest = activate(self.places.models, models, load_themes(self.places.themes))
        self.follower.look()
        return manifest

    def read(self) -> tuple[int, Reading]:
        with self.live.reader() as reader:
            assert isinstance(reader, Reader)
            (reading,) = reader.read([PRICEY])
            return reader.version, reading


def test_an_activation_is_followed_and_each_has_a_higher_version(
    places: Places, fitted: list[FittedModel], languages: LanguageDetector
) -> None:
    world = World(places, languages)
    version, without = world.read()
    assert (version, without.themes, without.model_version) == (7, (), None)

    first = world.activate(fitted[1])
    assert first.version == 8
    version, reading = world.read()
    assert (version, reading.model_version) == (8, first.models[0].digest)
    assert [tag.theme for tag in reading.themes] == ["pricing"]

    world.activate(fitted[0])
    back = world.activate(fitted[1])
    assert (back.version, back.models) == (10, first.models)
    assert world.read() == (10, reading)


def test_new_themes_raise_the_version_and_others_than_the_models_are_refused(
    places: Places, fitted: list[FittedModel], languages: LanguageDetector
) -> None:
    world = World(places, languages)
    world.activate(fitted[1])
    places.themes.write_text(THEMES.replace("version: 7", "version: 9"))
    world.follower.look()
    assert world.read()[0] == 10

    refusals = metrics.REFUSALS._value.get()
    places.themes.write_text(THEMES.replace("version: 7", "version: 10").replace("id: speed", "id: pace"))
    world.follower.look()
    version, reading = world.read()
    assert (version, [tag.theme for tag in reading.themes]) == (10, ["pricing"])
    assert metrics.REFUSALS._value.get() == refusals + 1
    assert metrics.REFUSED._value.get() == 1


def test_other_themes_under_the_version_in_use_are_refused(
    places: Places, languages: LanguageDetector, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(places, languages)
    changed = THEMES.replace("too expensive", "too costly")
    assert changed != THEMES
    places.themes.write_text(changed)
    world.follower.look()
    assert metrics.REFUSED._value.get() == 1
    assert "version: expected 8 or more" in capsys.readouterr().out

    places.themes.write_text(changed.replace("version: 7", "version: 8"))
    world.follower.look()
    assert metrics.REFUSED._value.get() == 0
    assert world.read()[0] == 8


@pytest.mark.parametrize("damage", ["cut", "another version", "gone", "manifest"])
def test_what_is_broken_is_refused_and_what_was_in_use_stays(
    damage: str,
    places: Places,
    fitted: list[FittedModel],
    languages: LanguageDetector,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(places, languages)
    world.activate(fitted[1])
    before = world.read()

    next_one = activate(places.models, fitted[:1], load_themes(places.themes))
    file = places.models / next_one.models[0].name
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-10])
    elif damage == "another version":
        file.write_bytes(content.replace(b'"format":1', b'"format":2', 1))
    elif damage == "gone":
        file.unlink()
    else:
        (places.models / MANIFEST).write_text("{")
    world.follower.look()

    assert world.read() == before
    assert metrics.REFUSED._value.get() == 1
    assert "what was in use stays in use" in capsys.readouterr().out

    # A worker that starts now has nothing from before: it reads without a model, under a lower version.
    fresh = World(places, languages)
    version, reading = fresh.read()
    assert reading.model_version is None
    assert version < next_one.version


def test_a_cascade_asks_the_slow_model_about_what_the_quick_one_is_unsure_of(
    places: Places, fitted: list[FittedModel], languages: LanguageDetector
) -> None:
    world = World(places, languages)
    manifest = world.activate(*fitted)

    assert [file.encoder for file in manifest.models] == ["none", "static"]
    _, reading = world.read()
    assert [tag.theme for tag in reading.themes] == ["pricing"]
    assert reading.model_version not in {None, *(file.digest for file in manifest.models)}
