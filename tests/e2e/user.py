"""A user of the platform, calling the gateway as any client would."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp

ARTICLE = """# Why bread rises

Yeast eats sugar and breathes out gas. The gas is caught by gluten, a net of proteins that kneading builds.

## Time does the work

A slow rise in a cool place gives the yeast 18 hours. The crumb gets larger holes and the crust more taste.
Bakers in Bologna let their dough rest overnight. They use half the yeast of a fast recipe.

## What you can do at home

Weigh the flour, because a cup can differ by 30 grams. Keep the dough at 24 degrees for a steady rise.
Fold it four times instead of kneading it for ten minutes. Bake it in a closed pot, so that steam keeps the crust soft.
"""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def is_problem(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("application/problem+json")


class User:
    """Signed up and logged in."""

    def __init__(self, session: aiohttp.ClientSession, token: str | None) -> None:
        self._session = session
        self.token = token

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        form: aiohttp.FormData | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            sent["Idempotency-Key"] = key
        payload: Any = {"json": body} if body is not None else {"data": form if form is not None else raw}
        async with self._session.request(method, path, headers=sent, **payload) as answer:
            data = await answer.read()
            kind = answer.headers.get("Content-Type", "")
            return Answer(answer.status, answer.headers.copy(), json.loads(data) if "json" in kind else data)

    async def get(self, path: str) -> Any:
        answer = await self.request("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def start(
        self, text: str = ARTICLE, platforms: tuple[str, ...] = ("linkedin", "x", "blog"), **more: Any
    ) -> str:
        """The id of a new workflow."""
        body = {"source": {"text": text}, "platforms": platforms, **more}
        answer = await self.request("POST", "/api/v1/workflows", body, key=str(uuid4()))
        assert answer.status == 201, answer
        return str(answer.body["id"])

    async def connect(self, *platforms: str, token: str | None = None) -> None:
        for platform in platforms:
            answer = await self.request(
                "POST",
                "/api/v1/connections",
                {"platform": platform, "name": platform, "access_token": token or f"sandbox-{secrets.token_hex(6)}"},
            )
            assert answer.status == 201, answer

    async def review(self, workflow_id: str, *decisions: Mapping[str, Any]) -> Answer:
        return await self.request("POST", f"/api/v1/workflows/{workflow_id}/review", {"decisions": list(decisions)})

    async def until(self, workflow_id: str, status: str, within: float = 90) -> dict[str, Any]:
        """The workflow once it has this status. Raises TimeoutError with what it was instead."""
        found: dict[str, Any] = {}
        try:
            async with asyncio.timeout(within):
                while True:
                    found = await self.get(f"/api/v1/workflows/{workflow_id}")
                    if found["status"] == status:
                        return found
                    await asyncio.sleep(0.05)
        except TimeoutError:
            states = [(state["platform"], state["status"], state["reason"]) for state in found.get("states", [])]
            raise TimeoutError(f"{workflow_id} is {found.get('status')}, not {status}: {states}") from None

    async def stream(
        self, stream_id: str, after: int = 0, of: str = "workflows"
    ) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """(number, event) of a workflow, or another thing that tells of itself, as they come."""
        headers = {"Authorization": f"Bearer {self.token}", "Last-Event-ID": str(after)}
        number = 0
        async with self._session.get(f"/api/v1/{of}/{stream_id}/events", headers=headers) as answer:
            assert answer.status == 200
            async for line in answer.content:
                if line.startswith(b"id:"):
                    number = int(line[3:])
                elif line.startswith(b"data:"):
                    yield number, json.loads(line[5:])


@asynccontextmanager
async def nobody(gateway: str) -> AsyncIterator[User]:
    """Somebody without an account."""
    async with aiohttp.ClientSession(gateway, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield User(session, None)


@asynccontextmanager
async def user(gateway: str) -> AsyncIterator[User]:
    """A new account, logged in."""
    async with nobody(gateway) as visitor:
        name, password = f"u_{secrets.token_hex(5)}", f"Aa1-{secrets.token_urlsafe(12)}"
        account = {"username": name, "email": f"{name}@example.org", "password": password}
        made = await visitor.request("POST", "/api/v1/auth/signup", account)
        assert made.status == 201, made
        entered = await visitor.request("POST", "/api/v1/auth/login", {"email": account["email"], "password": password})
        assert entered.status == 200, entered
        visitor.token = entered.body["access_token"]
        yield visitor
