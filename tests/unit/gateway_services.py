"""Small services behind the gateway under test, with real tokens, over real HTTP."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, create_model
from starlette.responses import JSONResponse, Response, StreamingResponse

from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.decider import NotFound
from shared.http.app import create_app
from shared.http.internal import HEADER as INTERNAL
from shared.http.user import CurrentUser
from shared.ids import new_id
from shared.security.tokens import Signer, Verifier, generate_private_pem
from tests.unit.serving import serve, unused_port

INTERNAL_TOKEN = "internal"
SERVICES = ("auth", "workflow", "generation", "evaluation", "publishing", "media")


class Note(BaseModel):
    """One name in two services, with two meanings: media's."""

    text: str


WorkflowNote = create_model("Note", platform=(int, ...))


class Workflow(BaseModel):
    """The workflow service's answer."""

    id: UUID
    states: list[str]
    note: WorkflowNote | None = None


class Project(BaseModel):
    """The workflow service's answer."""

    id: UUID
    title: str


@dataclass
class World:
    """What the services know, and what they saw."""

    signer: Signer = field(default_factory=lambda: Signer(generate_private_pem()))
    owner: UUID = field(default_factory=new_id)
    workflow_id: UUID = field(default_factory=new_id)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    streams_open: int = 0
    breaking: str = ""  # the service whose rows break off
    holding: str = ""  # the service that has many rows, and waits in the middle of them for `emit`
    emit: asyncio.Event = field(default_factory=asyncio.Event)

    def token(
        self, user_id: UUID | None = None, lifetime: timedelta = timedelta(minutes=5), role: str = "user"
    ) -> dict[str, str]:
        """The header of a user, the owner of the workflow unless another is named."""
        user = user_id or self.owner
        token = self.signer.issue(user, new_id(), role, "ada", datetime.now(UTC), lifetime)
        return {"Authorization": f"Bearer {token}"}


def service(world: World, name: str) -> FastAPI:
    """One service: it tells what it saw, and has the paths that the gateway composes."""
    router = APIRouter()

    @router.get("/.well-known/jwks.json", include_in_schema=False)
    async def keys() -> dict[str, Any]:
        return world.signer.jwks()

    @router.get("/internal/history/{correlation_id}")
    async def history(correlation_id: UUID, request: Request) -> list[dict[str, Any]]:
        assert request.headers[INTERNAL] == INTERNAL_TOKEN
        return world.events.get(name, [])

    _add_archive(router, world, name)
    if name == "workflow":
        _add_workflows(router, world)
    if name in {"generation", "evaluation", "publishing"}:
        listed = {"generation": "drafts", "evaluation": "evaluations", "publishing": "jobs"}[name]

        @router.get(f"/api/v1/{listed}")
        async def rows(user: CurrentUser, workflow_id: UUID, cursor: str | None = None) -> dict[str, Any]:
            # Two pages, so that the composition has to follow the cursor.
            return {"items": [f"{listed} {cursor or 'first'}"], "next_cursor": None if cursor else "second"}

    if name in {"generation", "media"}:
        kept = {"generation": "outputs", "media": "files"}[name]

        @router.get(f"/api/v1/{kept}")
        async def rows_of_project(user: CurrentUser, project_id: UUID) -> dict[str, Any]:
            more = name == "generation"
            return {"items": [f"{kept} of {project_id}"], "next_cursor": "second" if more else None}

    if name == "media":

        @router.post("/api/v1/files")
        async def note(note: Note) -> Note:
            return note

    @router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"], include_in_schema=False)
    async def echo(request: Request) -> Response:
        world.seen.append(request)
        world.bodies.append(await request.body())
        if request.query_params.get("large"):
            return StreamingResponse(_pieces(int(request.query_params["large"])))
        answer = JSONResponse({"service": name, "path": request.url.path, "query": request.url.query})
        answer.headers.append("Set-Cookie", "a=1")
        answer.headers.append("Set-Cookie", "b=2")
        answer.headers["Connection"] = "X-Hop"
        answer.headers["X-Hop"] = "1"
        return answer

    app = create_app(title=name, service=name, routers=[router], body_limits={"/api/v1/files": 50_000_000})
    app.state.verifier = _own_verifier(world)
    return app


def _own_verifier(world: World) -> Verifier:
    async def fetch() -> dict[str, Any]:
        return world.signer.jwks()

    return Verifier(fetch)


def _add_archive(router: APIRouter, world: World, name: str) -> None:
    """Two tables of a service, one of them empty; three stored things of media on two pages, of which one is gone."""

    @router.get("/internal/archive/{user_id}")
    async def tables(user_id: UUID, request: Request) -> dict[str, Any]:
        assert request.headers[INTERNAL] == INTERNAL_TOKEN
        return {"tables": ["notes", "nothing"]}

    @router.get("/internal/archive/{user_id}/{table}")
    async def rows(user_id: UUID, table: str, request: Request) -> StreamingResponse:
        assert request.headers[INTERNAL] == INTERNAL_TOKEN

        async def lines() -> AsyncIterator[bytes]:
            if table == "nothing":
                return
            yield b'{"user_id": "%s", "text": "one"}\n' % str(user_id).encode()
            if world.holding == name:
                for _ in range(64):
                    yield secrets.token_hex(16_384).encode() + b"\n"
                await world.emit.wait()
            if world.breaking == name:
                raise ConnectionResetError("the database went away")
            yield b'{"text": "two"}\n'

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @router.get("/internal/contents/{user_id}")
    async def contents(user_id: UUID, page: int = 1) -> dict[str, Any]:
        here = f"/internal/contents/{user_id}"
        names = ["files/1-bread.txt", "files/2-gone.txt"] if page == 1 else ["images/3.png"]
        items = [{"name": each, "path": f"{here}/{each}", "bytes": 5, "sha256": "0"} for each in names]
        return {"items": items, "following": f"{here}?page=2" if page == 1 else None}

    @router.get("/internal/contents/{user_id}/{kind}/{which}")
    async def content(user_id: UUID, kind: str, which: str) -> Response:
        if "gone" in which:
            raise NotFound("It was removed.")
        return Response(b"bytes")


def _add_workflows(router: APIRouter, world: World) -> None:
    @router.get("/api/v1/projects/{project_id}")
    async def project(project_id: UUID, user: CurrentUser) -> Project:
        if user.user_id != world.owner:
            raise NotFound("There is no such project.")
        return Project(id=project_id, title="Garden")

    @router.get("/api/v1/workflows/{workflow_id}")
    async def read(workflow_id: UUID, user: CurrentUser) -> Workflow:
        if user.user_id != world.owner or workflow_id != world.workflow_id:
            raise NotFound("There is no such workflow.")
        return Workflow(id=workflow_id, states=["awaiting_review"])

    @router.get("/api/v1/workflows/{workflow_id}/events")
    async def live(workflow_id: UUID, user: CurrentUser, request: Request) -> StreamingResponse:
        after = request.headers.get("last-event-id", "0")

        async def events() -> AsyncIterator[bytes]:
            world.streams_open += 1
            try:
                yield f"id: {int(after) + 1}\ndata: one\n\n".encode()
                await world.emit.wait()
                yield b"data: half of an "
                yield b"event\n\n"
                await asyncio.Event().wait()
            finally:
                world.streams_open -= 1

        return StreamingResponse(events(), media_type="text/event-stream")

    @router.get("/api/v1/workflows/{workflow_id}/slow")
    async def slow(workflow_id: UUID) -> None:
        await asyncio.Event().wait()


async def _pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536):
        yield b"x" * 65_536


@asynccontextmanager
async def platform(
    world: World, *, down: tuple[str, ...] = (), **settings: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """The services but those that are `down`, and a gateway before them; yields a session on the gateway."""
    async with AsyncExitStack() as running:
        urls = {}
        for name in SERVICES:
            if name in down:
                urls[f"{name}_url"] = f"http://127.0.0.1:{unused_port()}"
            else:
                urls[f"{name}_url"] = await running.enter_async_context(serve(service(world, name)))
        values = {"limit_user": "100000/hour", "limit_anonymous": "100000/hour", **urls, **settings}
        gateway = build(GatewaySettings(internal_token=INTERNAL_TOKEN, **values))
        url = await running.enter_async_context(serve(gateway))
        yield await running.enter_async_context(aiohttp.ClientSession(url))
