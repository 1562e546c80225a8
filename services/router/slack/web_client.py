"""slack_sdk's client over connections that are kept open; its own opens one for each call."""

from collections.abc import Mapping
from typing import Any

import requests
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from slack_sdk.web.internal_utils import convert_bool_to_0_or_1


class KeptAliveClient(WebClient):
    """Every method of `WebClient` goes through `api_call`; files cannot be sent."""

    def __init__(self, *, token: str, base_url: str, timeout_seconds: float, http: requests.Session) -> None:
        super().__init__(token=token, base_url=base_url, retry_handlers=[])
        self._timeout_seconds = timeout_seconds
        self._http = http

    def api_call(  # type: ignore[override]  # without `files`
        self,
        api_method: str,
        *,
        http_verb: str = "POST",
        data: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Mapping[str, str] | None = None,
    ) -> SlackResponse:
        """Make the call and return its answer. Raises SlackApiError, or OSError when there is none."""
        del http_verb, auth  # every method takes POST, and the bot's token
        url = self.base_url + api_method
        form = convert_bool_to_0_or_1({**(params or {}), **(data or {})})
        answer = self._http.post(
            url,
            json=_given(json) or None,
            data=_given(form),
            headers={**self.headers, "Authorization": f"Bearer {self.token}", **(headers or {})},
            timeout=self._timeout_seconds,
            allow_redirects=False,
        )
        response = SlackResponse(
            client=self,
            http_verb="POST",
            api_url=url,
            req_args={},
            data=_object(answer),
            headers=dict(answer.headers),
            status_code=answer.status_code,
        )
        response.validate()  # type: ignore[no-untyped-call]  # raises SlackApiError; slack_sdk leaves it untyped
        return response


def _given(arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (arguments or {}).items() if value is not None}


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"ok": False, "error": "not_json"}
