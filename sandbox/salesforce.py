"""The Salesforce REST API as the product uses it: token, SOQL, sObjects, upserts, Collections, limits.

Paths, codes and bodies as in the REST API Developer Guide.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.faults import Double
from sandbox.salesforce_checks import SalesforceError
from sandbox.salesforce_login import LoginRefusedError
from sandbox.salesforce_operations import OPERATIONS, ApiCall
from sandbox.salesforce_org import Salesforce
from sandbox.salesforce_records import SeveralMatchesError
from sandbox.server import Front, json_answer

_DATA = "/salesforce/services/data/{version}"


def routes(org: Salesforce, front: Front) -> list[BaseRoute]:
    """Serve `/salesforce/services/...`."""
    return [
        Route("/salesforce/services/oauth2/token", _token_endpoint(org, front), methods=["POST"]),
        *(
            Route(f"{_DATA}{path}", _endpoint(org, front, operation, perform), methods=[method])
            for method, path, operation, perform in OPERATIONS
        ),
    ]


def _token_endpoint(org: Salesforce, front: Front) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return await front.serve(request, Double.SALESFORCE, "token", lambda _hidden: _token(org, form))

    return endpoint


def _token(org: Salesforce, form: Mapping[str, str]) -> Response:
    try:
        access_token = org.login.log_in(form)
    except LoginRefusedError as refusal:
        body = {"error": refusal.error, "error_description": refusal.description}
        return json_answer(body, HTTPStatus.BAD_REQUEST, {"x-sandbox-result": refusal.error})
    instance_url = f"{org.public_url}/salesforce"
    return json_answer(
        {
            "access_token": access_token,
            "scope": "api",
            "instance_url": instance_url,
            "id": f"{instance_url}/id/00D5g0000000001AAA/{org.records.user_id}",
            "token_type": "Bearer",
        }
    )


def _endpoint(
    org: Salesforce, front: Front, operation: str, perform: Callable[[Salesforce, ApiCall], Response]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        path = dict(request.path_params)
        if "value" in path:
            # The decoded path would take an encoded slash inside the value for a separator.
            path["value"] = unquote(request.scope["raw_path"].decode().rsplit("/", 1)[-1])

        def act(hidden_seconds: float) -> Response:
            call = ApiCall(
                path,
                request.method,
                request.query_params,
                request.headers,
                body,
                hidden_seconds,
                lambda row: front.refusal(Double.SALESFORCE, row),
            )
            response = _answered(org, call, perform)
            response.headers["Sforce-Limit-Info"] = f"api-usage={org.used}/{org.allowance}"
            return response

        return await front.serve(request, Double.SALESFORCE, operation.format(**path), act)

    return endpoint


def _answered(org: Salesforce, call: ApiCall, perform: Callable[[Salesforce, ApiCall], Response]) -> Response:
    try:
        org.admit(call.headers.get("authorization", ""))
        return perform(org, call)
    except SalesforceError as error:
        return _problem(error)
    except SeveralMatchesError as several:
        urls = [org.records.attributes(record)["url"] for record in several.records]
        return json_answer(urls, HTTPStatus.MULTIPLE_CHOICES, {"x-sandbox-result": "several_matches"})


def _problem(error: SalesforceError) -> Response:
    body = [{"message": error.message, "errorCode": error.code, "fields": error.fields}]
    return json_answer(body, error.status, {"x-sandbox-result": error.code})
