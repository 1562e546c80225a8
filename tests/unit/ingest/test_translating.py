from pathlib import Path

import pytest

from services.ingest.languages import CATALOGUES, Languages
from services.ingest.translating import incomplete, said, update


def test_every_language_is_complete() -> None:
    found = sorted(CATALOGUES.glob("*.po"))
    assert {path.stem for path in found} >= {"de", "es", "ar"}
    assert [complaint for path in found for complaint in incomplete(path, said())] == []


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('msgid "Next"\nmsgstr ""', "de.po: not translated: Next"),
        ('#, fuzzy\nmsgid "Next"\nmsgstr "Los"', "still marked fuzzy: Next"),
        ('msgid "Gone"\nmsgstr "Weg"', "nothing says this any more: Gone"),
        (
            '#, python-format\nmsgid "You chose %(score)s."\nmsgstr "Sie: %(punkte)s"',
            "unknown named placeholder 'punkte': You chose %(score)s.",
        ),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_named(tmp_path: Path, entry: str, complaint: str) -> None:
    path = tmp_path / "de.po"
    path.write_text(entry + "\n")
    assert any(one.endswith(complaint) for one in incomplete(path, said()))


def test_updating_keeps_what_is_translated_and_drops_what_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "de.po"
    path.write_text('msgid "Next"\nmsgstr "Weiter"\n\nmsgid "Gone"\nmsgstr "Weg"\n')
    update(path, said())
    text = path.read_text()
    assert 'msgid "Next"\nmsgstr "Weiter"' in text
    assert "Gone" not in text
    assert 'msgid "Thank you"\nmsgstr ""' in text
    assert Languages(tmp_path).best("de").say("Next") == "Weiter"
