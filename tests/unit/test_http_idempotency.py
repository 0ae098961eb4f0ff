"""A POST repeated under its key creates once, on the real store."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest
from cryptography.fernet import Fernet
from fastapi import APIRouter, Form, Request, UploadFile
from pydantic import BaseModel

from contracts import registry
from contracts.events.workflow import ProjectCreated
from deploy.embedded.postgres import EmbeddedPostgres
from shared.decider import Decider
from shared.http.app import create_app
from shared.http.idempotency import Idempotency, UnseenIdempotency
from shared.ids import new_id
from shared.kit import Kit, Service
from shared.settings import ServiceSettings
from tests.unit.serving import serve

TABLES = Path(__file__).parents[2] / "migrations" / "kit" / "0001.sql"
OWNER = new_id()


BOTH = pytest.mark.parametrize("path", ["/projects", "/unseen"])


@dataclass(frozen=True, slots=True)
class CreateProject:
    project_id: UUID
    title: str


@dataclass(frozen=True, slots=True)
class Project:
    title: str | None = None


def decide(command: CreateProject, state: Project) -> list[ProjectCreated]:
    if state.title is not None:
        return []
    return [ProjectCreated(project_id=command.project_id, user_id=OWNER, title=command.title)]


project = Decider(
    stream="project",
    initial=Project(),
    decide=decide,
    evolve=lambda state, event: Project(title=event.title),
    commands=(CreateProject,),
    stream_id=lambda command: command.project_id,
    creating=(CreateProject,),
)

router = APIRouter()


class NewProject(BaseModel):
    title: str


class Created(BaseModel):
    id: UUID
    title: str


@router.post("/projects", status_code=201)
@router.post("/others", status_code=201)
async def create(body: NewProject, key: Idempotency) -> Created:
    project_id = key.id()
    state = await key.handle(CreateProject(project_id, body.title), actor=None)
    return Created(id=project_id, title=state.title)


@router.post("/unseen", status_code=201)
async def create_without_looking(body: NewProject, key: UnseenIdempotency) -> Created:
    return await create(body, key)


@router.post("/uploads", status_code=201)
async def upload(file: UploadFile, title: Annotated[str, Form()], key: Idempotency, request: Request) -> Created:
    content = (await file.read()).decode()
    state = await key.handle(CreateProject(key.id(), f"{title}: {content}"), actor=None)
    return Created(id=key.id(), title=state.title)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("idempotency") / "postgres")
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="module")
async def kit(postgres: EmbeddedPostgres) -> AsyncIterator[Kit]:
    connection = await asyncpg.connect(postgres.admin_dsn)
    await connection.execute(TABLES.read_text())
    await connection.close()
    service = Service("workflow", ServiceSettings, registry, [project], [], [], [router])
    settings = ServiceSettings(database_url=postgres.admin_dsn, field_keys=Fernet.generate_key().decode())
    kit = Kit(service, settings)
    await kit.database.open()
    yield kit
    await kit.database.close()


@pytest.fixture(scope="module")
async def http(kit: Kit) -> AsyncIterator[aiohttp.ClientSession]:
    app = create_app(title="Projects", service="workflow", routers=[router], metrics=kit.metrics)
    app.state.kit = kit
    async with serve(app) as url:
        async with aiohttp.ClientSession(url) as session:
            yield session


@pytest.fixture
async def count(kit: Kit) -> Callable[[], Any]:
    """How many projects were created since the test began."""
    before = await kit.database.pool.fetchval("SELECT count(*) FROM events")

    async def since() -> int:
        return int(await kit.database.pool.fetchval("SELECT count(*) FROM events") - before)

    return since


@BOTH
async def test_a_repeat_gets_the_same_answer_and_creates_nothing(
    path: str, http: aiohttp.ClientSession, count: Callable[[], Any]
) -> None:
    headers = {"Idempotency-Key": str(new_id()), "Content-Type": "application/json"}
    first = await http.post(path, data=b'{"title": "a"}', headers=headers)
    again = await http.post(path, data=b'{ "title":"a" }', headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await count() == 1


@BOTH
async def test_another_body_under_the_same_key_changes_nothing(
    path: str, http: aiohttp.ClientSession, count: Callable[[], Any]
) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    await http.post(path, json={"title": "a"}, headers=headers)
    other = await http.post(path, json={"title": "b"}, headers=headers)
    body = await other.json(content_type="application/problem+json")
    assert (other.status, body["type"]) == (422, "urn:presswork:problem:idempotency-key-reused")
    assert await count() == 1


async def test_what_is_remembered_of_a_body_cannot_be_guessed_without_the_keys(
    http: aiohttp.ClientSession, kit: Kit
) -> None:
    key, body = str(new_id()), b'{"title":"a secret"}'
    await http.post("/projects", data=body, headers={"Idempotency-Key": key, "Content-Type": "application/json"})
    kept = await kit.database.pool.fetchval("SELECT request_hash FROM idempotency_keys WHERE key = $1", key)
    digest = hashlib.sha256(body).digest()
    assert kept != digest
    assert kept == hmac.digest(kit.settings.field_keys.encode(), digest, "sha256")


async def test_a_repeat_is_known_after_the_keys_were_rotated(
    http: aiohttp.ClientSession, kit: Kit, count: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    await http.post("/projects", json={"title": "a"}, headers=headers)
    rotated = f"{Fernet.generate_key().decode()},{kit.settings.field_keys}"
    monkeypatch.setattr(kit, "settings", kit.settings.model_copy(update={"field_keys": rotated}))
    again = await http.post("/projects", json={"title": "a"}, headers=headers)
    assert (again.status, again.headers.get("Idempotent-Replayed")) == (201, "true")
    assert await count() == 1


async def test_a_key_belongs_to_its_route_and_without_one_everything_is_new(
    http: aiohttp.ClientSession, count: Callable[[], Any]
) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    await http.post("/projects", json={"title": "a"}, headers=headers)
    assert (await http.post("/others", json={"title": "b"}, headers=headers)).status == 201
    for _ in range(2):
        assert (await http.post("/projects", json={"title": "a"})).status == 201
    assert await count() == 4


@BOTH
async def test_concurrent_twins_end_in_one_answer(
    path: str, http: aiohttp.ClientSession, count: Callable[[], Any]
) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    answers = await asyncio.gather(*(http.post(path, json={"title": "a"}, headers=headers) for _ in range(20)))
    assert {answer.status for answer in answers} == {201}
    assert len({(await answer.json())["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert await count() == 1


@BOTH
async def test_of_concurrent_requests_with_different_bodies_one_wins_and_the_others_are_told(
    path: str, http: aiohttp.ClientSession, count: Callable[[], Any]
) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    answers = await asyncio.gather(*(http.post(path, json={"title": str(n)}, headers=headers) for n in range(10)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 9
    assert await count() == 1


async def test_an_upload_is_the_same_though_its_boundary_differs(
    http: aiohttp.ClientSession, count: Callable[[], Any]
) -> None:
    def form(content: str) -> aiohttp.FormData:
        data = aiohttp.FormData({"title": "t"})
        data.add_field("file", content.encode(), filename="a.txt", content_type="text/plain")
        return data

    headers = {"Idempotency-Key": str(new_id())}
    first = await http.post("/uploads", data=form("one"), headers=headers)
    again = await http.post("/uploads", data=form("one"), headers=headers)
    other = await http.post("/uploads", data=form("two"), headers=headers)
    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert await first.json() == await again.json()
    assert (await first.json())["title"] == "t: one"
    assert await count() == 1


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "schlüssel"])
async def test_a_key_that_is_none_is_refused(http: aiohttp.ClientSession, key: str) -> None:
    answer = await http.post("/projects", json={"title": "a"}, headers={"Idempotency-Key": key})
    assert answer.status == 422
