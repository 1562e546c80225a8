"""What the classifier says when it cannot start."""

from pathlib import Path

import pytest

from tests.integration.classifier.world import classifier

THEMES = """\
version: 1
themes:
  - id: pricing
    name: Price
    description: What it costs.
    function: Kitchen
    keywords: {en: [expensive]}
"""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "themes.yaml: the file cannot be read: No such file or directory"),
        (THEMES, "themes.yaml:6: themes.0.function: expected 'Support'"),
        (THEMES.replace("en: [", "en: ["[:-1]), "themes.yaml:7: not YAML"),
        ("", "themes.yaml:1: version: is missing"),
    ],
)
def test_themes_that_cannot_be_used_stop_the_start(
    content: str | None, complaint: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "themes.yaml").write_text(content, encoding="utf-8")
    with classifier("127.0.0.1:9", tmp_path, CONFIG_DIR=str(tmp_path)) as worker:
        assert worker.process.wait(60) == 2
        assert complaint in worker.log


def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    with classifier("", tmp_path) as worker:
        assert worker.process.wait(60) == 2
        assert "KAFKA_BOOTSTRAP_SERVERS is missing" in worker.log
