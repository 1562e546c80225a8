"""What the demo writes for a shell."""

import subprocess
from pathlib import Path

from sandbox.demo import write_commands


def test_a_shell_reads_every_value_as_it_is_and_nobody_else_may(tmp_path: Path) -> None:
    file = tmp_path / "commands.env"
    file.write_text("of another demo")
    write_commands(file, {"PATH": "/nowhere", "A_KEY": "one line\nanother 'quoted' $HOME\n"})
    told = subprocess.run(
        ["/bin/sh", "-c", f'. {file}; printf "%s" "$A_KEY"'], capture_output=True, text=True, check=True
    )
    assert told.stdout == "one line\nanother 'quoted' $HOME\n"
    assert file.stat().st_mode & 0o077 == 0
