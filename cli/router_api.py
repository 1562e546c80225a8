"""The router's HTTP API as commands use it: where it is, the operator key, and errors in plain words."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from cli.terminal import end
from runtime.settings import secret_folders

KEY = "ROUTER_OPERATOR_KEY"
_DEFAULT_URL = "http://127.0.0.1:8002"
_TIMEOUT_SECONDS = 60.0


def call(
    method: str,
    path: str,
    *,
    params: Mapping[str, object] | None = None,
    body: object = None,
) -> Any:  # noqa: ANN401 - what the path answers, as JSON
    """The answer's JSON, None for an empty one; says what went wrong and ends the command with code 1.

    The router is at ROUTER_URL. The key is ROUTER_OPERATOR_KEY or the file of that name, in lower case, in
    a folder of SECRETS_DIR, else in secrets/router.
    """
    given = {name: str(value) for name, value in (params or {}).items() if value is not None}
    url = os.environ.get("ROUTER_URL") or _DEFAULT_URL
    try:
        answer = httpx2.request(
            method,
            f"{url.rstrip('/')}{path}",
            params=given,
            content=None if body is None else json.dumps(body),
            headers={"authorization": f"Bearer {_key()}", "content-type": "application/json"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )
    except httpx2.HTTPError as error:
        end(f"The router at {url} does not answer ({type(error).__name__}). ROUTER_URL says where it is.")
    if not answer.is_success:
        end(_explained(answer))
    return answer.json() if answer.content else None


def _key() -> str:
    from_environment = os.environ.get(KEY)
    if from_environment:
        return from_environment
    files = [folder / KEY.lower() for folder in secret_folders(Path("secrets/router"))]
    readable = [file for file in files if os.access(file, os.R_OK)]
    if not readable:
        end(f"There is no operator key: set {KEY}, or run this where {files[0]} can be read.")
    return readable[0].read_text().strip()


def _explained(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
        lines = [str(problem["detail"])]
        lines += [f"  {one['field']}: expected {one['expected']}" for one in problem.get("errors", ())]
    except (ValueError, KeyError, TypeError):
        return f"The router answered {answer.status_code}."
    return "\n".join(lines)
