"""JSON lines that people give us, checked against a model; every complaint names the file, line and field."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from runtime.yaml_file import ConfigError, read_text

M = TypeVar("M", bound=BaseModel)


def _nothing(_row: object) -> str | None:
    return None


def load_json_lines(path: Path, model: type[M], check: Callable[[M], str | None] = _nothing) -> list[M]:
    """The rows as `model`, empty lines left out; raises ConfigError with a complaint for each bad line.

    `check` says what is wrong with a row that the model takes.
    """
    rows: list[M] = []
    complaints: list[str] = []
    for number, line in enumerate(read_text(path, expected="JSON lines").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = model.model_validate_json(line)
        except ValidationError as error:
            complaints.append(f"{path}:{number}: {_reason(error)}")
            continue
        wrong = check(row)
        if wrong is not None:
            complaints.append(f"{path}:{number}: {wrong}")
        rows.append(row)
    if complaints:
        raise ConfigError(complaints)
    return rows


def _reason(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    if detail["type"] == "json_invalid":
        return f"not JSON: {detail['ctx']['error']}"
    return f"{'.'.join(map(str, detail['loc'])) or 'the line'}: {detail['msg']}"
