"""The gateway's API as a user's program calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp


class Refused(RuntimeError):
    """The platform answered with a problem; the text is its sentence."""


class Client:
    """One user of one gateway."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        self._token: str | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self._base, timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._session:
            await self._session.close()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def call(self, method: str, path: str, body: Any = None, *, data: aiohttp.FormData | None = None) -> Any:
        """One request; POSTs carry an Idempotency-Key. Raises Refused with the problem's own words."""
        assert self._session is not None
        headers = self._headers()
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        async with self._session.request(method, path, json=body, data=data, headers=headers) as answer:
            found = await answer.json(content_type=None) if answer.status != 204 else None
            if answer.status >= 400:
                raise Refused(f"{method} {path}: {answer.status} {(found or {}).get('detail', '')}")
            return found

    async def sign_up(self, username: str, email: str, password: str) -> None:
        await self.call("POST", "/api/v1/auth/signup", {"username": username, "email": email, "password": password})

    async def log_in(self, email: str, password: str) -> None:
        answer = await self.call("POST", "/api/v1/auth/login", {"email": email, "password": password})
        self._token = answer["access_token"]

    async def upload(self, path: Path) -> str:
        """The id of the uploaded file."""
        form = aiohttp.FormData()
        form.add_field("file", await asyncio.to_thread(path.read_bytes), filename=path.name)
        return str((await self.call("POST", "/api/v1/files", data=form))["id"])

    async def events(self, workflow_id: str) -> AsyncIterator[dict[str, Any]]:
        """The workflow's events as they happen, from the first one on."""
        assert self._session is not None
        address = f"/api/v1/workflows/{workflow_id}/events"
        async with self._session.get(
            address, headers=self._headers(), timeout=aiohttp.ClientTimeout(total=None, sock_read=60)
        ) as answer:
            if answer.status >= 400:
                raise Refused(f"GET {address}: {answer.status}")
            async for line in answer.content:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    async def status_of(self, url: str) -> int:
        """What the address of a post answers."""
        assert self._session is not None
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status
