"""YAML that people edit, checked against a model; every complaint names the file, the line and the field."""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.reader import ReaderError

M = TypeVar("M", bound=BaseModel)
Location = tuple[int | str, ...]


class ConfigError(Exception):
    """A file that cannot be used: each line of its text is "file:line: field: what was expected"."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


def _nothing(_content: object) -> Iterable[tuple[Location, str]]:
    return ()


def load_yaml(
    path: Path, model: type[M], check: Callable[[M], Iterable[tuple[Location, str]]] = _nothing
) -> M:
    """The file's content as `model`; raises ConfigError when it is missing, not YAML or not as expected.

    `check` says what is wrong between parts of the file that the model takes one by one: where, and what.
    """
    return parse_yaml(read_text(path, expected="a YAML file"), model, check, name=str(path))


def read_text(path: Path, *, expected: str) -> str:
    """What is in a file; raises ConfigError when it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError([f"{path}: the file cannot be read: {reason}; expected {expected}"]) from None


def parse_yaml(
    text: str, model: type[M], check: Callable[[M], Iterable[tuple[Location, str]]] = _nothing, *, name: str
) -> M:
    """As `load_yaml`, of text that came from `name`."""
    root, content = _read(text, name)
    try:
        parsed = model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(list(_complaints(name, root, error, model))) from None
    wrong = [
        f"{name}:{_line(root, location)}: {_field(location)}: {what}" for location, what in check(parsed)
    ]
    if wrong:
        raise ConfigError(wrong)
    return parsed


def _complaints(
    name: str, root: yaml.Node | None, error: ValidationError, model: type[BaseModel]
) -> Iterator[str]:
    """One for each mistake: a misspelt field is not told as a missing one as well."""
    details = error.errors(include_url=False, include_input=False)
    missing = {detail["loc"] for detail in details if detail["type"] == "missing"}
    meant: dict[Location, Location] = {}
    for detail in details:
        *parent, written = detail["loc"] or ("",)
        if detail["type"] == "extra_forbidden":
            wanted = [str(field) for *its, field in missing - {*meant.values()} if its == parent]
            for close in get_close_matches(str(written), wanted, n=1):
                meant[detail["loc"]] = (*parent, close)
    for detail in details:
        location = detail["loc"]
        if location not in meant.values():
            known = [str(meant[location][-1])] if location in meant else []
            if detail["type"] == "extra_forbidden" and not known:
                known = get_close_matches(str(location[-1]), _fields_beside(model, location), n=1)
            yield complaint(name, root, detail) + "".join(f"; did you mean `{one}`?" for one in known)


def _fields_beside(model: type[BaseModel], location: Location) -> list[str]:
    """The fields that a model has where `location` is; those of all where it could be one of several."""
    models = {model}
    for step in location[:-1]:
        found = [
            field.annotation
            for one in models
            for name, field in one.model_fields.items()
            if step in {name, field.alias}
        ]
        # A place in a list, a key of a mapping and the branch of a union are no fields.
        if found:
            models = {inner for annotation in found for inner in _models(annotation)}
    return sorted({field.alias or name for one in models for name, field in one.model_fields.items()})


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def complaint(name: str, root: yaml.Node | None, detail: ErrorDetails) -> str:
    """One of pydantic's errors in the words of the file."""
    location = detail["loc"]
    line = _line(root, location)
    field = _field(location)
    if detail["type"] == "missing":
        return f"{name}:{line}: {field}: is missing"
    if detail["type"] == "extra_forbidden":
        return f"{name}:{line}: {field}: is not known here"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
    return f"{name}:{line}: {field}: {message}"


def _field(location: Location) -> str:
    return ".".join(str(step) for step in location) or "the file"


def _read(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return None, {}
        repeated = [f"{name}:{line}: {key}: is given twice" for key, line in _repeated_keys(root)]
        if repeated:
            raise ConfigError(repeated)
        return root, loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError([f"{name}:{line}: not YAML: {error.problem or error.context}"]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{name}:{line}: not YAML: a character that YAML does not allow"]) from None


def _repeated_keys(node: yaml.Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key.value, key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            yield from _repeated_keys(value)


def _line(root: yaml.Node | None, location: Location) -> int:
    """The line of the innermost part of `location` that the file has.

    Pydantic also names the branches of a union there, which no file contains; they are stepped over.
    """
    if root is None:
        return 1
    node, line = root, root.start_mark.line + 1
    for step in location:
        found = _child(node, step)
        if found is not None:
            node, line = found
    return line


def _child(node: yaml.Node, step: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line + 1
    return None
