"""The writing desk: some services over a real database and broker, with users at it.

Nobody signs up here: tokens are signed by the desk, whose only own door publishes their keys in auth's place.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import aiohttp
import uvicorn
from cryptography.fernet import Fernet
from fastapi import FastAPI

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.postgres import EmbeddedPostgres
from shared.ids import new_id
from shared.kit import Kit, Service
from shared.runtime import build
from shared.security.tokens import Signer, generate_private_pem
from tests.databases import migrated

ARTICLE = (Path(__file__).parents[1] / "samples" / "article.md").read_text("utf-8")
PLATFORMS = ["linkedin", "x", "blog"]

T = TypeVar("T")


@dataclass
class Answer:
    status: int
    body: Any


@dataclass
class Someone:
    """A user who is logged in at one service."""

    http: aiohttp.ClientSession
    urls: dict[str, str]
    token: str
    user_id: UUID

    async def get(self, service: str, path: str, **params: Any) -> Answer:
        query = {name: str(value) for name, value in params.items()}
        return await self._send("GET", self.urls[service] + path, params=query)

    async def post(self, service: str, path: str, body: Any) -> Answer:
        return await self._send("POST", self.urls[service] + path, json=body)

    async def send(
        self, service: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        options = {} if body is None else {"json": body}
        return await self._send(method, self.urls[service] + path, extra=headers, **options)

    async def patch(self, service: str, path: str, body: Any) -> Answer:
        return await self._send("PATCH", self.urls[service] + path, json=body)

    async def delete(self, service: str, path: str) -> Answer:
        return await self._send("DELETE", self.urls[service] + path)

    async def put(self, service: str, path: str, data: bytes) -> Answer:
        return await self._send("PUT", self.urls[service] + path, data=data)

    async def _send(self, method: str, url: str, extra: dict[str, str] | None = None, **options: Any) -> Answer:
        headers = ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | (extra or {})
        async with self.http.request(method, url, headers=headers, **options) as answer:
            return Answer(answer.status, await answer.json(content_type=None))

    async def start(self, text: str = ARTICLE, **options: Any) -> str:
        """Start a workflow and return its id."""
        body = {"source": {"text": text}, "platforms": PLATFORMS, **options}
        started = await self.post("workflow", "/api/v1/workflows", body)
        assert started.status == 201, started.body
        return str(started.body["id"])

    async def drafts(self, workflow_id: str, at_least: int = 1, **params: Any) -> list[dict[str, Any]]:
        """The workflow's drafts, oldest first, as soon as there are so many."""
        return await self._rows("generation", "/api/v1/drafts", at_least, workflow_id=workflow_id, limit=100, **params)

    async def evaluations(self, workflow_id: str, at_least: int = 1) -> list[dict[str, Any]]:
        """The workflow's evaluations, oldest first, as soon as there are so many."""
        return await self._rows("evaluation", "/api/v1/evaluations", at_least, workflow_id=workflow_id, limit=100)

    async def states(self, workflow_id: str, *statuses: str, seconds: float = 60.0) -> dict[str, dict[str, Any]]:
        """The platforms' states by name, as soon as all have one of these statuses."""

        async def look() -> dict[str, dict[str, Any]] | None:
            answer = await self.get("workflow", f"/api/v1/workflows/{workflow_id}")
            states = {state["platform"]: state for state in answer.body["states"]}
            return states if all(state["status"] in statuses for state in states.values()) else None

        return await until(look, seconds)

    async def _rows(self, service: str, path: str, at_least: int, **params: Any) -> list[dict[str, Any]]:
        async def look() -> list[dict[str, Any]] | None:
            rows: list[dict[str, Any]] = (await self.get(service, path, **params)).body["items"]
            return rows[::-1] if len(rows) >= at_least else None

        return await until(look)


@dataclass
class Desk:
    postgres: EmbeddedPostgres
    urls: dict[str, str]
    kits: dict[str, Kit]
    http: aiohttp.ClientSession
    signer: Signer
    dsns: dict[str, str]

    @property
    def admin_dsn(self) -> str:
        return self.postgres.admin_dsn

    def someone(self, role: str = "viewer") -> Someone:
        """A new user with a valid token."""
        user_id = new_id()
        token = self.signer.issue(user_id, new_id(), role, f"user-{user_id}", datetime.now(UTC))
        return Someone(self.http, self.urls, token, user_id)


async def until(look: Callable[[], Awaitable[T | None]], seconds: float = 180.0) -> T:
    """What `look` finds as soon as it finds something; fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while (found := await look()) is None:  # noqa: ASYNC110 (any condition, not one event)
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def desk(*services: Service, **options: Any) -> AsyncIterator[Desk]:
    """These services running; `options` go to the settings of those that know them."""
    folder = Path(tempfile.mkdtemp(prefix="presswork-desk-"))
    broker = EmbeddedBroker(log=folder / "broker.log")
    names = [each.name for each in services]
    try:
        async with AsyncExitStack() as stack:
            server = stack.enter_async_context(migrated(folder / "postgres", *names))
            (postgres, dsns), _ = await asyncio.gather(server, asyncio.to_thread(broker.start))
            options = {"data_dir": folder, **options}
            yield await _opened(stack, services, postgres, dsns, broker.url, options)
    finally:
        await asyncio.to_thread(broker.stop)
        shutil.rmtree(folder, ignore_errors=True)


async def _opened(
    stack: AsyncExitStack,
    services: Sequence[Service],
    postgres: EmbeddedPostgres,
    dsns: dict[str, str],
    kafka_url: str,
    options: dict[str, Any],
) -> Desk:
    listeners = {name: _listener() for name in ("auth", *(each.name for each in services))}
    urls = {name: f"http://127.0.0.1:{each.getsockname()[1]}" for name, each in listeners.items()}
    http = await stack.enter_async_context(aiohttp.ClientSession())
    found = Desk(postgres, urls, {}, http, Signer(generate_private_pem()), dsns)
    secrets_of_all = {"internal_token": "inside", "field_keys": Fernet.generate_key().decode()}
    bus = {"kafka_url": kafka_url, "kafka_session_ms": EmbeddedBroker.SESSION_MS}
    common = {f"{name}_url": url for name, url in urls.items()} | bus | secrets_of_all
    apps = {"auth": _keys(found)}
    for service in services:
        known = {name: value for name, value in options.items() if name in service.settings.model_fields}
        settings = service.settings(database_url=dsns[service.name], **common, **known)  # type: ignore[arg-type]
        apps[service.name] = build(service, settings)
        found.kits[service.name] = apps[service.name].state.kit
    for name, app in apps.items():
        await stack.enter_async_context(_serving(app, listeners[name]))
    await asyncio.gather(*(until(lambda name=service.name: _ready(found, name)) for service in services))
    return found


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def _serving(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    # A test may do something else for longer than connections are kept by default.
    config = uvicorn.Config(app, http="httptools", log_config=None, timeout_graceful_shutdown=1, timeout_keep_alive=600)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server.serve(sockets=[listener]))

    async def started() -> bool | None:
        if running.done():
            running.result()
            raise RuntimeError("the service did not start; its log says why")
        return server.started or None

    await until(started)
    try:
        yield
    finally:
        server.should_exit = True
        await running


async def _ready(found: Desk, name: str) -> bool | None:
    async with found.http.get(found.urls[name] + "/readyz") as answer:
        return answer.status == 200 or None


def _keys(found: Desk) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        return found.signer.jwks()

    return app
