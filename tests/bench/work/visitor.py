"""One user of the gateway, sending as little as a real client would."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import uuid4

import aiohttp

PLATFORMS = ("linkedin", "x", "blog")
ARTICLE = """# Why bread rises

Yeast eats sugar and breathes out gas. The gas is caught by gluten, a net of proteins that kneading builds.

## Time does the work

A slow rise in a cool place gives the yeast 18 hours. The crumb gets larger holes and the crust more taste.
Bakers in Bologna let their dough rest overnight. They use half the yeast of a fast recipe.

## What you can do at home

Weigh the flour, because a cup can differ by 30 grams. Keep the dough at 24 degrees for a steady rise.
Fold it four times instead of kneading it for ten minutes. Bake it in a closed pot, so that steam keeps the crust soft.
"""


class Visitor:
    """Logged in."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @classmethod
    @asynccontextmanager
    async def at(cls, gateway: str) -> AsyncIterator[Self]:
        """A new account at a gateway."""
        timeout, connector = aiohttp.ClientTimeout(total=60), aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(gateway, timeout=timeout, connector=connector) as session:
            visitor = cls(session)
            name, password = f"u_{secrets.token_hex(5)}", f"Aa1-{secrets.token_urlsafe(12)}"
            email = f"{name}@example.org"
            await visitor.post("/api/v1/auth/signup", {"username": name, "email": email, "password": password})
            entered = await visitor.post("/api/v1/auth/login", {"email": email, "password": password})
            session.headers["Authorization"] = f"Bearer {entered['access_token']}"
            yield visitor

    @property
    def authorization(self) -> str:
        return self._session.headers["Authorization"]

    async def post(self, path: str, body: Any) -> Any:
        """The answer's JSON. Raises RuntimeError with the problem for anything but success."""
        headers = {"Idempotency-Key": str(uuid4())}
        async with self._session.post(path, json=body, headers=headers) as answer:
            found = await answer.json(content_type=None)
            if answer.status >= 300:
                raise RuntimeError(f"POST {path}: {answer.status} {found}")
            return found

    async def start(self) -> str:
        """Start a workflow for three platforms; its id."""
        body = {"source": {"text": ARTICLE, "title": "Why bread rises"}, "platforms": PLATFORMS}
        return str((await self.post("/api/v1/workflows", body))["id"])

    async def accept(self, workflow_id: str) -> None:
        """Accept and publish everything in one request."""
        decisions = [{"platform": name, "action": "accept", "publish": {}} for name in PLATFORMS]
        await self.post(f"/api/v1/workflows/{workflow_id}/review", {"decisions": decisions})

    async def until(self, workflow_id: str, event: str, times: int) -> None:
        """Follow the workflow's live stream until an event has come so often."""
        async with self._session.get(f"/api/v1/workflows/{workflow_id}/events") as answer:
            assert answer.status == 200, answer.status
            async for line in answer.content:
                if line.startswith(b"data:") and json.loads(line[5:])["type"] == event:
                    times -= 1
                    if not times:
                        return
        raise RuntimeError(f"the live stream of {workflow_id} ended before {event}")
