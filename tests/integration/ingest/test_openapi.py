"""The OpenAPI document is true: whatever it allows or forbids, the answer is one it describes.

OPENAPI_CASES cases, spread over the operations; continuous integration asks for 5,000.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.ingest.world import KEY, Ingest

CASES = int(os.environ.get("OPENAPI_CASES", "1000"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]

SOURCES = """
sources: { delighted: { vendor: delighted, secrets: [secret], metric: nps } }
mail_events: { postmark: { secrets: [secret] } }
inbound_mail: { secrets: [secret] }
"""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Callers of every kind are expected, and their secrets are there: nothing has a reason to answer 503."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "sources.yaml").write_text(SOURCES)
    (folder / "secret").write_text("signs nothing that is drawn here")
    return folder


def test_every_answer_is_one_that_the_document_describes(ingest: Ingest) -> None:
    document = ingest.http.get("/openapi.json").json()
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    operations = [result.ok() for result in found if isinstance(result, Ok)]
    assert len(operations) == sum(len(methods) for methods in document["paths"].values())
    each = CASES // (2 * len(operations))
    answered: dict[str, int] = {}
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=each,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            def asks(case: schemathesis.Case[Any]) -> None:
                answer = case.call(
                    base_url=ingest.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30
                )
                case.validate_response(answer, checks=CHECKS)
                answered[case.operation.label] = answered.get(case.operation.label, 0) + 1

            asks()
    assert set(answered) == {operation.label for operation in operations}
    assert ingest.is_ready()
