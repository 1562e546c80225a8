"""The lock files beside this one: every version and hash installed, for each deployable and for development.

`python requirements/lock.py` writes them with uv and keeps what is locked already (`--upgrade`: the newest).
`--check` fails when pyproject.toml no longer asks for what it asked for when they were written; it needs no
network, as each file begins with a digest of what was asked for.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent

# `dev` first: the others take its versions, so that what is tested is what is deployed.
LOCKS = {
    "dev": ["pyproject.toml", "--all-extras", "--group", "dev"],
    "installer": ["--group", "installer"],
    "ingest": ["pyproject.toml", "--extra", "ingest"],
    "classifier": ["pyproject.toml", "--extra", "classifier", "--extra", "text", "--extra", "encoder"],
    "feedback": [
        "pyproject.toml",
        *("--extra", "cli", "--extra", "ingest", "--extra", "router", "--extra", "scheduler"),
        *("--extra", "text", "--extra", "encoder", "--extra", "learning"),
    ],
    "router": ["pyproject.toml", "--extra", "router"],
    "scheduler": ["pyproject.toml", "--extra", "scheduler"],
    "insights": ["pyproject.toml", "--extra", "insights"],
    "jobs": ["pyproject.toml", "--extra", "cli"],
    "sandbox": ["pyproject.toml", "--extra", "sandbox"],
}


def first_line(pyproject: str, arguments: list[str]) -> str:
    """Return the line a lock file begins with: it changes with whatever decides the rest of the file."""
    parsed = tomllib.loads(pyproject)
    project = parsed["project"]
    extras, groups = project["optional-dependencies"], parsed["dependency-groups"]
    is_all = "--all-extras" in arguments
    # Only what goes into this file: no image is built anew because a test's library changed.
    asked = [
        arguments,
        project["requires-python"],
        project["dependencies"],
        {name: needs for name, needs in extras.items() if is_all or name in arguments},
        {name: needs for name, needs in groups.items() if is_all or name in arguments},
    ]
    return f"# Written by `make lock` for {hashlib.sha256(json.dumps(asked).encode()).hexdigest()}\n"


def outdated(folder: Path) -> list[str]:
    """Return the names of the lock files in `folder` that pyproject.toml beside it has outgrown."""
    pyproject = (folder.parent / "pyproject.toml").read_text()
    return [
        name
        for name, arguments in LOCKS.items()
        if not _text(folder / f"{name}.txt").startswith(first_line(pyproject, arguments))
    ]


def write(folder: Path, *, upgrade: bool) -> None:
    """Resolve and write every lock file."""
    pyproject = (folder.parent / "pyproject.toml").read_text()
    for name, arguments in LOCKS.items():
        file = folder / f"{name}.txt"
        options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet"]
        if upgrade and name == "dev":
            options.append("--upgrade")
        if name != "dev":
            options += ["--constraints", f"{folder.name}/dev.txt"]
        options += ["--output-file", f"{folder.name}/{file.name}"]
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "compile", *arguments, *options], cwd=folder.parent, check=True)
        file.write_text(first_line(pyproject, arguments) + file.read_text())


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def main() -> int:
    """Write or check; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="fail when pyproject.toml asks for something else"
    )
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = parser.parse_args()
    if not options.check:
        write(FOLDER, upgrade=options.upgrade)
        return 0
    for name in (names := outdated(FOLDER)):
        sys.stderr.write(f"requirements/{name}.txt was not made for this pyproject.toml: run `make lock`\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
