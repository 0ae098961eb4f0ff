"""One workflow, its history and its document, put together from several services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from shared.ids import new_id
from tests.unit.gateway_services import World, platform


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
async def http(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with platform(world) as session:
        yield session


async def test_a_workflow_comes_with_all_pages_of_its_parts(http: aiohttp.ClientSession, world: World) -> None:
    answer = await http.get(f"/api/v1/workflows/{world.workflow_id}", headers=world.token())
    assert "X-RateLimit-Remaining" in answer.headers
    body = await answer.json()
    assert body["states"] == ["awaiting_review"]
    assert body["drafts"] == ["drafts first", "drafts second"]
    assert body["evaluations"] == ["evaluations first", "evaluations second"]
    assert body["jobs"] == ["jobs first", "jobs second"]
    assert body["unavailable"] == []


async def test_a_part_that_is_down_is_named(world: World) -> None:
    async with platform(world, down=("evaluation",)) as session:
        answer = await session.get(f"/api/v1/workflows/{world.workflow_id}", headers=world.token())
        body = await answer.json()
        assert (answer.status, body["unavailable"], body["evaluations"]) == (200, ["evaluations"], [])
        assert body["jobs"]


async def test_a_project_comes_with_the_newest_of_its_files_and_outputs(
    http: aiohttp.ClientSession, world: World
) -> None:
    project_id = new_id()
    answer = await http.get(f"/api/v1/projects/{project_id}", headers=world.token())
    assert await answer.json() == {
        "id": str(project_id),
        "title": "Garden",
        "files": [f"files of {project_id}"],
        "outputs": [f"outputs of {project_id}"],
        "more": ["outputs"],
        "unavailable": [],
    }


async def test_a_project_of_somebody_else_does_not_exist(http: aiohttp.ClientSession, world: World) -> None:
    answer = await http.get(f"/api/v1/projects/{new_id()}", headers=world.token(new_id()))
    assert (answer.status, answer.content_type) == (404, "application/problem+json")


async def test_a_project_whose_files_are_out_of_reach_says_so(world: World) -> None:
    async with platform(world, down=("media",)) as session:
        body = await (await session.get(f"/api/v1/projects/{new_id()}", headers=world.token())).json()
        assert (body["unavailable"], body["files"]) == (["files"], [])
        assert body["outputs"]


async def test_without_the_workflow_there_is_nothing_to_compose(world: World) -> None:
    async with platform(world, down=("workflow",)) as session:
        assert (await session.get(f"/api/v1/workflows/{world.workflow_id}", headers=world.token())).status == 503


@pytest.mark.parametrize("what", ["", "/history"])
async def test_a_foreign_workflow_does_not_exist(http: aiohttp.ClientSession, world: World, what: str) -> None:
    answer = await http.get(f"/api/v1/workflows/{world.workflow_id}{what}", headers=world.token(new_id()))
    assert answer.status == 404
    assert answer.content_type == "application/problem+json"


def event(service: str, at: str, cause: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    made = {
        "event_id": str(new_id()),
        "service": service,
        "type": "Happened",
        "stream_type": "thing",
        "stream_id": str(new_id()),
        "version": 1,
        "recorded_at": at,
        "causation_id": cause and cause["event_id"],
        "actor": None,
        "data": {},
    }
    return {**made, **given}


async def test_the_history_tells_causes_before_effects_though_the_clocks_differ(
    http: aiohttp.ClientSession, world: World
) -> None:
    started = event("workflow", "2026-01-01T00:00:05+00:00")
    drafted = event("generation", "2026-01-01T00:00:01+00:00", started)
    judged = event("evaluation", "2026-01-01T00:00:02+00:00", drafted)
    finished = event("workflow", "2026-01-01T00:00:06+00:00", judged, stream_id=started["stream_id"], version=2)
    elsewhere = event("media", "2026-01-01T00:00:05.500000+00:00")
    world.events = {
        "workflow": [finished, started],
        "generation": [drafted],
        "evaluation": [judged],
        "media": [elsewhere],
    }
    body = await (await http.get(f"/api/v1/workflows/{world.workflow_id}/history", headers=world.token())).json()
    told = [item["event_id"] for item in body["items"]]
    assert told == [item["event_id"] for item in (started, drafted, judged, elsewhere, finished)]
    assert body["unavailable"] == []


async def test_a_service_whose_history_is_missing_is_named(world: World) -> None:
    async with platform(world, down=("media",)) as session:
        answer = await session.get(f"/api/v1/workflows/{world.workflow_id}/history", headers=world.token())
        assert (await answer.json())["unavailable"] == ["media"]


async def test_the_merged_document_holds_the_routed_paths_only(http: aiohttp.ClientSession) -> None:
    document = await (await http.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/api/v1/drafts",
        "/api/v1/evaluations",
        "/api/v1/export/account.zip",
        "/api/v1/files",
        "/api/v1/jobs",
        "/api/v1/outputs",
        "/api/v1/projects/{project_id}",
        "/api/v1/workflows/{workflow_id}",
        "/api/v1/workflows/{workflow_id}/events",
        "/api/v1/workflows/{workflow_id}/history",
        "/api/v1/workflows/{workflow_id}/slow",
    }
    assert "x-unavailable" not in document
    assert document["paths"]["/api/v1/jobs"]["get"]["security"] == [{"bearer": []}]
    assert "429" in document["paths"]["/api/v1/jobs"]["get"]["responses"]
    operation_ids = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(operation_ids) == len(set(operation_ids))


async def test_schemas_of_one_name_and_two_meanings_keep_both(http: aiohttp.ClientSession) -> None:
    document = await (await http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    assert "text" in schemas["MediaNote"]["properties"]
    assert "platform" in schemas["WorkflowNote"]["properties"]
    assert "Note" not in schemas
    assert '"#/components/schemas/Note"' not in str(document).replace("'", '"')


async def test_every_reference_of_the_document_leads_somewhere(http: aiohttp.ClientSession) -> None:
    document = await (await http.get("/openapi.json")).json()

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            found = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return found + [r for value in node.values() for r in references(value)]
        return [r for item in node for r in references(item)] if isinstance(node, list) else []

    names = {reference.rpartition("/")[2] for reference in references(document)}
    assert names
    assert names <= set(document["components"]["schemas"])


async def test_the_composed_answer_is_documented_whole(http: aiohttp.ClientSession) -> None:
    document = await (await http.get("/openapi.json")).json()
    answer = document["paths"]["/api/v1/workflows/{workflow_id}"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    members = {
        member
        for part in schema["allOf"]
        for member in document["components"]["schemas"][part["$ref"].rpartition("/")[2]]["properties"]
    }
    assert {"id", "states", "drafts", "evaluations", "jobs", "unavailable"} <= members


async def test_the_reader_of_the_document_needs_nothing_from_elsewhere(http: aiohttp.ClientSession) -> None:
    page = await (await http.get("/docs")).text()
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"/docs/assets/{asset}" in page
        assert (await http.get(f"/docs/assets/{asset}")).status == 200
