"""Signing in through an OpenID Connect service, from the first page to the last."""

import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from tests.integration.insights.site import page_settings, running, served


class Provider:
    """Speaks OpenID Connect as far as signing in goes, and says that everybody is Ann."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.groups: list[str] = ["feedback-agent"]
        self.signs_with = self._key = RSAKey.generate_key(2048, {"kid": "one"})
        self._nonce = ""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def metadata() -> dict[str, Any]:
            return {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self._key.as_dict(private=False)]}

        @app.post("/token")
        async def token(request: Request) -> dict[str, Any]:
            asked = parse_qs((await request.body()).decode())
            assert asked["code"] == ["code"]
            assert asked["code_verifier"]
            return {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": self._token()}

        return app

    def consent(self, address: str) -> str:
        """What the browser is sent back with, after it was sent here."""
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        self._nonce = asked["nonce"][0]
        return f"/sign-in/return?code=code&state={asked['state'][0]}"

    def _token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": "insights",
            "sub": "ann-1",
            "name": "Ann",
            "iat": now,
            "exp": now + 60,
            "nonce": self._nonce,
            "groups": self.groups,
        }
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        provider = Provider(f"http://127.0.0.1:{listening.getsockname()[1]}")
        with running(provider.app(), listening):
            yield provider


@pytest.fixture
def client(provider: Provider) -> Iterator[httpx2.Client]:
    nothing: Any = None  # no page that asks the database is reached here
    settings = page_settings(
        local_password=None,
        oidc_issuer=provider.address,
        oidc_client_id="insights",
        oidc_client_secret=SecretStr("of the client"),
    )
    with served(nothing, settings) as address, httpx2.Client(base_url=address, trust_env=False) as client:
        yield client


def sign_in(client: httpx2.Client, provider: Provider) -> httpx2.Response:
    page = client.get("/sign-in", params={"next": "/nothing-here"})
    token = page.text.split('name="token" value="')[1].split('"')[0]
    leaving = client.post("/sign-in/service", data={"token": token})
    assert leaving.status_code == 303
    return client.get(provider.consent(leaving.headers["location"]))


def test_the_service_says_who_it_is_and_what_they_may(client: httpx2.Client, provider: Provider) -> None:
    done = sign_in(client, provider)
    assert (done.status_code, done.headers["location"]) == (303, "/nothing-here")
    page = client.get("/nothing-here")
    assert page.status_code == 404


def test_without_a_role_nobody_comes_in(client: httpx2.Client, provider: Provider) -> None:
    provider.groups = ["sales"]
    refused = sign_in(client, provider)
    assert refused.status_code == 403
    assert "have no role here" in refused.text
    assert client.get("/").headers["location"].startswith("/sign-in")


def test_what_another_key_signed_or_another_session_asked_for_is_refused(
    client: httpx2.Client, provider: Provider
) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert sign_in(client, provider).status_code == 403
    assert client.get("/sign-in/return?code=code&state=guessed").status_code == 403
    assert client.get("/").headers["location"].startswith("/sign-in")
