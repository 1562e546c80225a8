"""Calls an application as a server would, in this process."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
from fastapi import FastAPI


def call(
    app: FastAPI, method: str, path: str, content: str | AsyncIterator[bytes] | None = None, **headers: str
) -> httpx2.Response:
    async def send() -> httpx2.Response:
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as client:
            typed = {"Content-Type": "application/json", **headers}
            return await client.request(method, path, content=content, headers=typed)

    return asyncio.run(send())
