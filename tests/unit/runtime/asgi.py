"""Calls an application as a server would, in this process."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI


def call(
    app: FastAPI, method: str, path: str, content: str | AsyncIterator[bytes] | None = None, **headers: str
) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://tests") as client:
            typed = {"Content-Type": "application/json", **headers}
            return await client.request(method, path, content=content, headers=typed)

    return asyncio.run(send())
