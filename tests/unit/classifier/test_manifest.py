"""Which number a classification has: none is used twice, none goes down."""

import pytest

from services.classifier import manifest
from services.classifier.manifest import Manifest, classification_version


def _manifest(version: int) -> Manifest:
    return Manifest(version=version, models=(), taxonomy_version=3, taxonomy_digest="", program=1)


@pytest.mark.parametrize(
    ("activated", "taxonomy_version", "expected"),
    [(None, 3, 3), (None, 4, 4), (8, 3, 8), (8, 5, 10), (8, 2, 8)],
)
def test_new_themes_and_activations_raise_it(
    activated: int | None, taxonomy_version: int, expected: int
) -> None:
    before = None if activated is None else _manifest(activated)

    assert classification_version(before, taxonomy_version) == expected


def test_a_program_that_reads_otherwise_raises_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "PROGRAM", 2)

    assert classification_version(None, 3) == 4
    assert classification_version(_manifest(8), 3) == 9
