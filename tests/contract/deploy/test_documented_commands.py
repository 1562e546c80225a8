"""Commands named in comments of the shipped configuration can be typed; pages have a test of their own."""

from pathlib import Path

import pytest

from tests.contract.docs.test_pages import ROOT, commands, unknown

FILES = sorted((ROOT / "deploy" / "config").glob("*.yaml"))


def test_comments_name_commands() -> None:
    assert sum(len(list(commands(file))) for file in FILES) >= 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_commands_and_their_options_exist(file: Path) -> None:
    assert [(command, wrong) for command in commands(file) if (wrong := unknown(command))] == []
