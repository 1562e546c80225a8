"""Kafka's jars, from Maven Central through jgo into the user's cache folder, each verified by its SHA-256.

`kafka_jars.lock` names every jar, so that a first start downloads them side by side instead of walking the
dependency graph. `python -m sandbox.kafka_jars` downloads; with `--lock` it walks the graph and writes it.
"""

import hashlib
import os
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext

KAFKA_VERSION = "4.3.0"
_ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # What Kafka logs through; its own distribution adds it too.
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
)
_LOCK = Path(__file__).with_name("kafka_jars.lock")


class CorruptJarError(Exception):
    """A downloaded jar is not the one the lock file names."""


def cache_folder() -> Path:
    """Return this project's folder in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "feedback-router"


def kafka_jars() -> Path:
    """Return the folder that holds exactly the locked jars, downloading them first when it is not there.

    The folder appears at once and complete: an interrupted download leaves nothing that looks finished.

    Raises:
        CorruptJarError: a downloaded file has another SHA-256 than the lock file says.
    """
    folder = cache_folder() / f"kafka-{KAFKA_VERSION}-{_sha256(_LOCK)[:12]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        jars = Path(scratch) / "jars"
        jars.mkdir()
        _download(Path(scratch) / "maven", into=jars)
        try:
            jars.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
    return folder


def _download(repository: Path, *, into: Path) -> None:
    maven = _maven(repository)

    def fetch(line: str) -> None:
        coordinates, sha256 = line.split()
        group, artifact, version = coordinates.split(":")
        jar = maven.project(group, artifact).at_version(version).artifact().resolve()
        if _sha256(jar) != sha256:
            raise CorruptJarError(f"{coordinates}: SHA-256 is {_sha256(jar)}, {_LOCK.name} expects {sha256}")
        jar.rename(into / jar.name)

    with ThreadPoolExecutor(8) as pool:
        downloads = [pool.submit(fetch, line) for line in _LOCK.read_text().splitlines()]
        title = f"Kafka {KAFKA_VERSION}, once into {cache_folder()}"
        for download in track(
            as_completed(downloads), title, total=len(downloads), console=Console(stderr=True)
        ):
            download.result()


def _maven(repository: Path) -> "MavenContext":
    with warnings.catch_warnings():
        # platformdirs, which jgo imports, warns where XDG_RUNTIME_DIR is not set; nothing here uses it.
        warnings.simplefilter("ignore")
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - for the first download only
    return MavenContext(repo_cache=repository, resolver=PythonResolver())


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def lock() -> str:
    """Walk the dependency graph; return the lock file: `group:artifact:version sha256`, a line a jar."""
    with tempfile.TemporaryDirectory() as scratch:
        maven = _maven(Path(scratch))
        from jgo.parse import Coordinate  # noqa: PLC0415 - as in _maven

        # raw: else jgo lets each root's build manage the others' versions (log4j's has an old Kafka).
        coordinates = [replace(Coordinate.parse(root), scope="compile", raw=True) for root in _ROOTS]
        roots = [maven.create_dependency(coordinate) for coordinate in coordinates]
        named, transitive = maven.resolver.resolve(roots)
        wanted = [*named, *(jar for jar in transitive if jar.scope in {"compile", "runtime"})]
        return "".join(sorted(_locked(dependency.artifact) for dependency in wanted))


def _locked(artifact: "Artifact") -> str:
    return f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {_sha256(artifact.resolve())}\n"


if __name__ == "__main__":
    if "--lock" in sys.argv:
        _LOCK.write_text(lock())
    else:
        kafka_jars()
