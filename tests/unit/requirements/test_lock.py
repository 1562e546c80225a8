import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "requirements/lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path: Path, lock: ModuleType) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    pyproject = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(pyproject)
    for name, arguments in lock.LOCKS.items():
        (folder / f"{name}.txt").write_text(lock.first_line(pyproject, arguments) + "faust==1\n")
    return folder


def test_locks_of_this_pyproject_are_up_to_date(lock: ModuleType, copy: Path) -> None:
    assert lock.outdated(copy) == []


def test_a_new_dependency_outdates_every_lock(lock: ModuleType, copy: Path) -> None:
    pyproject = copy.parent / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"httptools",', '"httptools", "orjson",'))
    assert lock.outdated(copy) == list(lock.LOCKS)


def test_a_new_library_of_the_tests_outdates_no_deployable(lock: ModuleType, copy: Path) -> None:
    pyproject = copy.parent / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"hypothesis",', '"hypothesis", "orjson",'))
    assert lock.outdated(copy) == ["dev"]


def test_a_missing_lock_is_named(lock: ModuleType, copy: Path) -> None:
    (copy / "router.txt").unlink()
    assert lock.outdated(copy) == ["router"]


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda file: file.stem)
def test_a_lock_pins_by_hash_and_names_no_machine_or_registry(file: Path) -> None:
    text = file.read_text()
    requirements = re.findall(r"^[a-z0-9][^\n]*(?:\n    [^\n]*)*", text, re.MULTILINE)
    assert requirements
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []
    assert not re.search(r"://|--index-url|--find-links|(^|\s)/", text)


def test_every_deployable_runs_the_tested_versions() -> None:
    pins = {
        file.stem: set(re.findall(r"^[a-z0-9][^\s;\\]*==[^\s;\\]+", file.read_text(), re.MULTILINE))
        for file in (ROOT / "requirements").glob("*.txt")
    }
    assert all(pins.values())
    assert {name: sorted(own - pins["dev"]) for name, own in pins.items() if own - pins["dev"]} == {}


def test_faust_stays_in_the_classifier() -> None:
    having = {
        file.stem for file in (ROOT / "requirements").glob("*.txt") if "faust-streaming" in file.read_text()
    }
    assert having == {"classifier", "dev"}
