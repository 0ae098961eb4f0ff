"""Every table of generation and evaluation, filled through the services: lost and made again, guarded, and erased."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.auth.app import service as auth
from services.evaluation.app import service as evaluation
from services.evaluation.judges.port import CRITERIA
from services.generation.app import service as generation
from services.media.app import service as media
from services.workflow.app import service as workflow
from shared.ids import new_id
from shared.rebuild import rebuild
from shared.rebuild.catalog import read_tables
from shared.roles import Role
from shared.security.tokens import generate_private_pem
from tests.integration.desk import ARTICLE, Desk, Someone, desk
from tests.rebuilding import assert_rebuild_equals_live, rows_of
from tests.row_security import assert_row_security
from tests.unit.model_endpoint import ModelEndpoint, model_endpoint
from tests.waiting import eventually

PASSWORD = "Analytical-Engine-1843"
CAPTION = "A large compost heap with white steam above it stands behind a wooden fence on a cold, sunny morning."
POST = json.dumps({"title": "Heaps", "content": "Heaps steam. #heap #steam", "hashtags": ["#heap", "#steam"]})

# Every read table, and the lowest role that reads the rows of others.
STAFF: dict[str, dict[str, Role]] = {
    "generation": {
        "caption_generation_tasks": "moderator",
        "caption_generation_user_settings": "admin",
        "drafts": "moderator",
        "drafts_in_review": "reviewer",
        "outputs": "moderator",
        "outputs_archive": "moderator",
        "sources": "admin",
        "style_samples": "admin",
        "templates": "moderator",
        "token_usage": "admin",
    },
    "evaluation": {"caption_evaluations": "reviewer", "evaluations": "moderator"},
}


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[ModelEndpoint]:
    async with model_endpoint(POST) as endpoint:
        endpoint.verdict = json.dumps({name: {"score": 88, "feedback": "Good."} for name in CRITERIA})
        yield endpoint


@pytest.fixture(scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory, model: ModelEndpoint) -> AsyncIterator[Desk]:
    file = tmp_path_factory.mktemp("keys") / "signing_keys.pem"
    file.write_bytes(generate_private_pem())
    options = {
        "engine": "model",
        "judge": "model",
        "model_base_url": model.url,
        "model_name": "small",
        "signing_key_file": Path(file),
    }
    async with desk(auth, workflow, generation, evaluation, media, **options) as running:
        yield running


async def newcomer(platform: Desk, name: str) -> Someone:
    stranger = Someone(platform.http, platform.urls, "", new_id())
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    made = await stranger.post("auth", "/api/v1/auth/signup", account)
    tokens = await stranger.post("auth", "/api/v1/auth/login", {"username": name, "password": PASSWORD})
    return Someone(platform.http, platform.urls, tokens.body["access_token"], UUID(made.body["id"]))


async def written(who: Someone, project_id: str) -> str:
    asked = await who.post("generation", f"/api/v1/projects/{project_id}/generate/social", {"text": ARTICLE})
    path = f"/api/v1/outputs/{asked.body['id']}"

    async def completed() -> bool:
        return bool((await who.get("generation", path)).body["status"] == "completed")

    await eventually(completed, within=60)  # the offline engine is loaded when it is first needed
    return path


async def live(platform: Desk, who: Someone) -> str:
    """One user leaves something in every table; returns a project with an output."""
    project_id = (await who.post("workflow", "/api/v1/projects", {"title": "Garden"})).body["id"]
    workflow_id = await who.start(min_score=0, project_id=project_id)
    await who.states(workflow_id, "awaiting_review")
    decision = {"decisions": [{"platform": "x", "action": "reject"}]}
    assert (await who.post("workflow", f"/api/v1/workflows/{workflow_id}/review", decision)).status == 200
    await written(who, project_id)
    path = await written(who, project_id)
    assert (await who.post("generation", f"{path}/archive", None)).status == 200
    template = {"name": "Notes", "type": "blog", "prompt": "About {topic}."}
    assert (await who.post("generation", "/api/v1/templates", template)).status == 201
    sample = {"type": "style_sample", "content": "We ship. It works!", "metadata": {"platform": "x"}}
    assert (await who.post("media", "/api/v1/resources", sample)).status == 201
    account = str(new_id())
    chosen = await who.send("generation", "PUT", f"/api/v1/caption-settings/{account}", {"max_posts_per_run": 5})
    assert chosen.status == 200
    task = (await who.post("generation", "/api/v1/caption-tasks", {"connection_id": account})).body
    await inside(
        platform, "PUT", f"/internal/caption-tasks/{task['id']}/progress", progress_percent=40, current_step="2"
    )
    image = {"image_id": str(new_id()), "user_id": str(who.user_id)}
    await inside(platform, "POST", "/internal/captions", **image, caption=CAPTION, engine="offline")

    async def judged() -> list[Any]:
        found: list[Any] = (await who.get("evaluation", "/api/v1/caption-evaluations")).body["items"]
        return found

    (verdict,) = await eventually(judged)
    assert (verdict["image_id"], verdict["score"], verdict["level"]) == (image["image_id"], 93, "excellent")
    return str(project_id)


async def inside(platform: Desk, method: str, path: str, service: str = "generation", **body: Any) -> Any:
    url, headers = platform.urls[service] + path, {"X-Presswork-Internal-Token": "inside"}
    async with platform.http.request(method, url, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json(content_type=None) if answer.status == 200 else None


@pytest.fixture(scope="module")
async def people(platform: Desk) -> tuple[Someone, Someone]:
    ada, bob = [await newcomer(platform, name) for name in ("ada", "bob")]
    await asyncio.gather(live(platform, ada), live(platform, bob))
    await settled(platform)
    return ada, bob


async def settled(platform: Desk) -> None:
    """Wait until no service has anything to do or to hear now."""

    async def quiet() -> bool:
        due = "SELECT count(*) FROM tasks WHERE due_at <= now()"
        left = [await platform.kits[name].database.pool.fetchval(due) for name in ("workflow", *STAFF)]
        return not any(left)

    await eventually(quiet, within=30)


@pytest.mark.parametrize("service", sorted(STAFF))
async def test_what_is_lost_is_made_again(platform: Desk, people: tuple[Someone, Someone], service: str) -> None:
    kit, connection = platform.kits[service], await asyncpg.connect(platform.admin_dsn)
    try:
        assert await read_tables(connection, service) == sorted(STAFF[service])
        before = await rows_of(platform.admin_dsn, service)
        assert all(before.values()), "a table without rows proves nothing"
        done = await assert_rebuild_equals_live(kit, platform.admin_dsn)
        assert sorted(done.tables) == sorted(STAFF[service])
        await connection.execute(f"TRUNCATE {', '.join(f'{service}.{table}' for table in STAFF[service])}")
        await rebuild(kit, platform.admin_dsn)
        assert await rows_of(platform.admin_dsn, service) == before
    finally:
        await connection.close()


@pytest.mark.parametrize(("service", "table"), [(service, table) for service in STAFF for table in STAFF[service]])
async def test_a_user_sees_and_changes_their_own_rows_and_each_role_what_it_may(
    platform: Desk, people: tuple[Someone, Someone], service: str, table: str
) -> None:
    ada, bob = people
    dsn = platform.kits[service].settings.database_url
    decided = "NOT EXISTS (SELECT FROM drafts_in_review AS waiting WHERE waiting.draft_id = drafts.id)"
    where = decided if table == "drafts" else "true"
    reads = STAFF[service][table]
    await assert_row_security(dsn, table, mine=ada.user_id, theirs=bob.user_id, where=where, staff_reads=reads)


async def test_a_reviewer_reads_a_draft_while_a_person_has_to_decide(
    platform: Desk, people: tuple[Someone, Someone]
) -> None:
    kit, owner = platform.kits["generation"], people[1].user_id
    rows = await kit.database.pool.fetch(
        "SELECT id, EXISTS (SELECT FROM drafts_in_review WHERE draft_id = drafts.id) AS waits FROM drafts "
        "WHERE user_id = $1",
        owner,
    )
    assert {row["waits"] for row in rows} == {True, False}
    for role, reads in (("reviewer", {True}), ("viewer", set()), ("moderator", {True, False})):
        async with kit.database.reading(new_id(), role) as connection:
            seen = {row["id"] for row in await connection.fetch("SELECT id FROM drafts WHERE user_id = $1", owner)}
        assert seen == {row["id"] for row in rows if row["waits"] in reads}, role


async def test_what_models_took_is_known_by_day(platform: Desk, people: tuple[Someone, Someone]) -> None:
    usage = (await people[0].get("generation", "/api/v1/token-usage")).body
    judged, wrote = usage["items"]
    assert [(day["service"], day["model"]) for day in (judged, wrote)] == [
        ("evaluation", "small"),
        ("generation", "small"),
    ]
    assert wrote["calls"] >= 3, "two outputs and at least one draft"
    assert judged["calls"] >= 1
    for tokens, each in (("input_tokens", 11), ("output_tokens", 7)):
        assert usage[tokens] == judged[tokens] + wrote[tokens]
        assert judged[tokens] % each == wrote[tokens] % each == 0
    assert usage["unpriced_calls"] == judged["calls"] + wrote["calls"]


async def test_when_the_days_tokens_are_used_no_model_is_asked_and_everything_says_so(
    platform: Desk, people: tuple[Someone, Someone], model: ModelEndpoint
) -> None:
    cay = await newcomer(platform, "cay")
    pool, metrics = platform.kits["generation"].database.pool, platform.kits["generation"].metrics
    project_id = (await cay.post("workflow", "/api/v1/projects", {"title": "Garden"})).body["id"]

    async def told(kind: str) -> dict[str, Any] | None:
        of_cay = "SELECT data FROM events WHERE type = $1 AND data ->> 'user_id' = $2"
        data: dict[str, Any] | None = await pool.fetchval(of_cay, kind, str(cay.user_id))
        return data

    async def left() -> dict[str, Any]:
        body: dict[str, Any] = (await cay.get("generation", "/api/v1/token-usage/budget")).body
        return body

    assert ((await left())["used_tokens"], (await left())["limit_tokens"]) == (0, 100_000)
    usual, model.tokens = model.tokens, (79_000, 2_000)
    await written(cay, project_id)
    near = await eventually(lambda: told("TokenBudgetNeared"))
    assert (near["used_tokens"], near["limit_tokens"]) == (81_000, 100_000)
    assert ((await left())["used_tokens"], (await left())["exhausted"]) == (81_000, None)
    await written(cay, project_id)
    assert (await eventually(lambda: told("TokenBudgetExhausted")))["used_tokens"] == 162_000
    model.tokens = usual

    asked = len(model.requests)
    output = (await cay.get("generation", await written(cay, project_id))).body["metadata"]
    assert (output["engine"], output["usage"]["fallback_reason"]) == ("offline-fallback", "budget")
    assert output["usage"]["fallback_detail"] == (await left())["exhausted"]
    assert "100,000 tokens" in output["usage"]["fallback_detail"]
    workflow_id = await cay.start(min_score=0, platforms=["x"])
    await cay.states(workflow_id, "awaiting_review", seconds=60)
    (draft,), (verdict,) = await cay.drafts(workflow_id), await cay.evaluations(workflow_id)
    assert (draft["engine"], draft["usage"]["fallback_reason"]) == ("offline-fallback", "budget")
    assert (verdict["judge"], verdict["measures"]["fallback_reason"]) == ("offline-fallback", "budget")
    assert len(model.requests) == asked

    async def alarms() -> bool:
        body = (await metrics.render())[0].decode()
        name = "presswork_token_budget_alarms_total"
        return all(f'{name}{{level="{level}",whose="user"}} 1.0' in body for level in ("neared", "exhausted"))

    await eventually(alarms)


async def test_what_hangs_on_a_project_goes_with_it(platform: Desk) -> None:
    eve = await newcomer(platform, "eve")
    project_id = await live(platform, eve)
    await settled(platform)
    assert (await eve.send("workflow", "DELETE", f"/api/v1/projects/{project_id}")).status == 204
    for service, table in (
        ("generation", "outputs"),
        ("generation", "outputs_archive"),
        ("generation", "drafts"),
        ("generation", "drafts_in_review"),
        ("generation", "sources"),
        ("evaluation", "evaluations"),
    ):
        await gone(platform, service, table, eve)
    assert len((await eve.get("generation", "/api/v1/templates", is_custom=True)).body["items"]) == 1


async def gone(platform: Desk, service: str, table: str, who: Someone) -> None:
    pool = platform.kits[service].database.pool
    count = f"SELECT count(*) = 0 FROM {table} WHERE user_id = $1"
    await eventually(lambda: pool.fetchval(count, who.user_id), within=30)


async def test_an_account_that_is_erased_leaves_nothing_and_others_keep_theirs(
    platform: Desk, people: tuple[Someone, Someone]
) -> None:
    ada, bob = people
    before = {service: await rows_of(platform.admin_dsn, service) for service in STAFF}
    erased = await ada.send("auth", "DELETE", "/api/v1/auth/me", {"password": PASSWORD})
    assert erased.status == 204
    for service, tables in STAFF.items():
        for table in tables:
            await gone(platform, service, table, ada)
    await settled(platform)
    for service in STAFF:
        after = await rows_of(platform.admin_dsn, service)
        for table, rows in before[service].items():
            theirs = [row for row in rows if str(ada.user_id) not in row]
            assert [row for row in after[table] if str(bob.user_id) in row] == [
                row for row in theirs if str(bob.user_id) in row
            ]
        await assert_rebuild_equals_live(platform.kits[service], platform.admin_dsn)


async def test_a_caption_is_judged_on_request_as_well(platform: Desk) -> None:
    image = {"image_id": str(new_id()), "user_id": str(new_id())}
    for _ in range(2):
        verdict = await inside(
            platform, "POST", "/internal/evaluations/captions", "evaluation", **image, caption="maybe a thing"
        )
        assert (verdict["level"], verdict["needs_special_review"]) == ("poor", True)
        assert "without 'maybe'" in verdict["feedback"]
    count = "SELECT count(*) FROM caption_evaluations WHERE image_id = $1"
    assert await platform.kits["evaluation"].database.pool.fetchval(count, image["image_id"]) == 1
