"""Every read table of the workflow service: filled through its API and what it hears, whose rows they are, and how they
go and come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from contracts.events.auth import UserErased
from contracts.events.generation import CaptionGenerated
from contracts.events.importing import RefusedLine
from services.workflow.app import service as workflow
from services.workflow.domain.commands import ArchiveWorkflow, CleanCheckpoints
from services.workflow.domain.post_import import FinishPart, RequestImport
from shared.http.internal import HEADER
from shared.ids import new_id
from shared.kit import Kit
from shared.rebuild import rebuild
from tests.integration.desk import Desk, Someone, desk, until
from tests.integration.reviewing import draft_id, drafted, hears, started
from tests.rebuilding import assert_rebuild_equals_live, caught_up, rows_of
from tests.row_security import assert_row_security

CONTENT = ("projects", "workflows", "platform_states", "executions", "execution_logs", "artifacts", "processing_runs")
REVIEW = ("draft_comments", "approval_links")
CHECKPOINTS = ("checkpoints", "checkpoint_writes")
IMPORTS = ("imports", "import_refusals")
TABLES = (*CONTENT, *REVIEW, *CHECKPOINTS, *IMPORTS)


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow, trailing_seconds=0.05) as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


@pytest.fixture
def kit(platform: Desk) -> Kit:
    return platform.kits["workflow"]


async def rejected(who: Someone, workflow_id: str, *platforms: str) -> None:
    decisions = [{"platform": name, "action": "reject"} for name in platforms]
    answer = await who.post("workflow", f"/api/v1/workflows/{workflow_id}/review", {"decisions": decisions})
    assert answer.status == 200, answer.body


async def fill(platform: Desk, who: Someone) -> str:
    """A row of the user's in every table; the workflow's id."""
    kit = platform.kits["workflow"]
    project = await who.post("workflow", "/api/v1/projects", {"title": "Bread"})
    workflow_id = await started(kit, who, "x", "linkedin", project_id=project.body["id"])
    execution = await who.post("workflow", "/api/v1/executions", {"input_type": "text", "input_value": "Bread."})
    assert (await who.post("workflow", "/api/v1/processing-runs", {"batch_id": "b"})).status == 201
    url = f"{platform.urls['workflow']}/internal/executions/{execution.body['id']}/artifacts/{new_id()}"
    body = {"type": "summary", "data": {"text": "Bread."}}
    async with platform.http.put(url, json=body, headers={HEADER: "inside"}) as answer:
        assert answer.status == 204
    said = {"platform": "x", "draft_id": draft_id(workflow_id, "x"), "body": "Shorter."}
    assert (await who.post("workflow", f"/api/v1/workflows/{workflow_id}/comments", said)).status == 201
    link = {"label": "Dana", "platforms": ["x"]}
    assert (await who.post("workflow", f"/api/v1/workflows/{workflow_id}/approval-links", link)).status == 201
    import_id = new_id()
    await kit.handle(RequestImport(import_id, who.user_id, lines=2, parts=1), actor=who.user_id)
    refused = RefusedLine(line=2, error="There is no platform named fax.")
    await kit.handle(FinishPart(import_id, part=1, imported=1, refused=(refused,)), actor=None)
    await caught_up(kit)
    return workflow_id


async def count(kit: Kit, table: str, who: Someone) -> int:
    return int(await kit.database.pool.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", who.user_id))


async def test_every_table_is_filled_and_comes_back_when_it_was_dropped(platform: Desk, ada: Someone, kit: Kit) -> None:
    await fill(platform, ada)
    done = await assert_rebuild_equals_live(kit, platform.admin_dsn)
    assert set(done.tables) == set(TABLES)
    before = await rows_of(platform.admin_dsn, "workflow", TABLES)
    assert all(before.values()), {table: len(rows) for table, rows in before.items()}
    connection = await asyncpg.connect(platform.admin_dsn)
    try:
        await connection.execute("SET search_path TO workflow; TRUNCATE " + ", ".join(TABLES))
    finally:
        await connection.close()
    assert not any((await rows_of(platform.admin_dsn, "workflow", TABLES)).values())
    await rebuild(kit, platform.admin_dsn, TABLES)
    assert await rows_of(platform.admin_dsn, "workflow", TABLES) == before


async def test_whose_rows_are_seen_and_changed_by_whom(platform: Desk, ada: Someone) -> None:
    bob = platform.someone()
    for who in (ada, bob):
        await fill(platform, who)
        await who.start("Bread rises.", platforms=["blog"])
    people, dsn = {"mine": ada.user_id, "theirs": bob.user_id}, platform.dsns["workflow"]
    for table in ("workflows", "platform_states"):
        awaiting = "status = 'awaiting_review'"
        await assert_row_security(dsn, table, **people, where=awaiting, staff_reads="reviewer")
        await assert_row_security(dsn, table, **people, where=f"NOT {awaiting}", staff_reads="moderator")
    for table in sorted({*CONTENT} - {"workflows", "platform_states"}):
        await assert_row_security(dsn, table, **people, staff_reads="moderator")
    await assert_row_security(dsn, "draft_comments", **people, staff_reads="reviewer")
    await assert_row_security(dsn, "approval_links", **people, staff_reads="moderator")
    for table in IMPORTS:
        await assert_row_security(dsn, table, **people)
    for table in CHECKPOINTS:
        await assert_row_security(dsn, table, **people, staff_reads="admin")


async def test_the_review_queue_is_ones_own_and_a_reviewers_everybodys(platform: Desk, ada: Someone, kit: Kit) -> None:
    bob, eve = platform.someone(), platform.someone("reviewer")
    first = await started(kit, ada, "x", "blog")
    second = await started(kit, bob, "linkedin")

    async def queue(who: Someone, **params: Any) -> list[tuple[str, str]]:
        found, cursor = [], {}
        while True:
            page = (await who.get("workflow", "/api/v1/review-queue", limit=2, **params, **cursor)).body
            found += [(each["workflow_id"], each["platform"]) for each in page["items"]]
            if page["next_cursor"] is None:
                return [each for each in found if each[0] in (first, second)]
            cursor = {"cursor": page["next_cursor"]}

    assert await queue(ada) == [(first, "x"), (first, "blog")]
    assert await queue(bob) == [(second, "linkedin")]
    assert await queue(eve) == [(first, "x"), (first, "blog"), (second, "linkedin")]
    assert await queue(eve, platform="blog") == [(first, "blog")]
    assert (await eve.get("workflow", "/api/v1/review-queue", platform="fax")).status == 422
    await rejected(ada, first, "x")
    assert await queue(eve) == [(first, "blog"), (second, "linkedin")]


async def test_an_archived_workflow_is_read_and_no_more(ada: Someone, kit: Kit) -> None:
    workflow_id = await ada.start("Bread rises.", platforms=["x"])
    path = f"/api/v1/workflows/{workflow_id}"
    busy = await ada.post("workflow", f"{path}/archive", None)
    assert (busy.status, busy.body["current"]["platforms"]) == (409, ["x"])
    await drafted(kit, ada, workflow_id, "x")
    archived = (await ada.post("workflow", f"{path}/archive", None)).body
    assert (archived["status"], archived["states"][0]["status"]) == ("archived", "archived")
    assert (await ada.get("workflow", "/api/v1/review-queue")).body["items"] == []
    assert (await ada.post("workflow", f"{path}/archive", None)).body["status"] == "archived"
    archived = (await ada.get("workflow", "/api/v1/workflows", status="archived")).body["items"]
    assert [each["id"] for each in archived] == [workflow_id]
    late = await ada.post("workflow", f"{path}/review", {"decisions": [{"platform": "x", "action": "accept"}]})
    assert (late.status, late.body["current"]) == (409, {"status": "archived"})


async def test_checkpoints_follow_each_event_until_cleaned(ada: Someone, kit: Kit, platform: Desk) -> None:
    workflow_id = await started(kit, ada, "x")
    found = "SELECT * FROM checkpoints WHERE thread_id = $1 ORDER BY checkpoint_id"

    async def all_there() -> list[Any] | None:
        rows = await kit.database.pool.fetch(found, workflow_id)
        return rows if len(rows) == 4 else None

    rows = await until(all_there)  # by itself, without anybody waiting for it
    assert [row["metadata"]["event"] for row in rows] == [
        "WorkflowStarted", "DraftRequested", "DraftReceived", "PlatformReadyForReview"
    ]  # fmt: skip
    assert [row["parent_checkpoint_id"] for row in rows] == [None, *(row["checkpoint_id"] for row in rows[:-1])]
    states = [orjson.loads(row["checkpoint"])["platforms"]["x"]["status"] for row in rows]
    assert states == ["generating", "generating", "evaluating", "awaiting_review"]
    writes = await kit.database.pool.fetch(
        "SELECT channel, value FROM checkpoint_writes WHERE thread_id = $1 AND checkpoint_id = $2",
        workflow_id,
        rows[-1]["checkpoint_id"],
    )
    assert [(row["channel"], orjson.loads(row["value"])["status"]) for row in writes] == [("platforms.x", states[-1])]

    await kit.handle(CleanCheckpoints(UUID(workflow_id)), actor=None)
    assert len(await kit.database.pool.fetch(found, workflow_id)) == 4  # in use
    await rejected(ada, workflow_id, "x")
    await kit.handle(CleanCheckpoints(UUID(workflow_id)), actor=None)
    await caught_up(kit)
    assert await kit.database.pool.fetch(found, workflow_id) == []
    await kit.handle(ArchiveWorkflow(UUID(workflow_id)), actor=None)
    await assert_rebuild_equals_live(kit, platform.admin_dsn)
    rows = await kit.database.pool.fetch(found, workflow_id)
    assert [row["metadata"]["event"] for row in rows] == ["WorkflowArchived"]


async def test_a_caption_is_reviewed_by_its_owner_or_a_reviewer(platform: Desk, ada: Someone, kit: Kit) -> None:
    image_id = new_id()
    path = f"/api/v1/captions/{image_id}/review"
    assert (await ada.post("workflow", path, {"decision": "approve"})).status == 404
    generated = CaptionGenerated(image_id=image_id, user_id=ada.user_id, caption="A loaf.", engine="offline")
    await hears(kit, generated, key=image_id)
    assert (await platform.someone().post("workflow", path, {"decision": "approve"})).status == 404
    assert (await ada.post("workflow", path, {"decision": "reject"})).status == 422
    eve = platform.someone("reviewer")
    answer = await eve.post("workflow", path, {"decision": "approve", "caption": "A loaf of bread."})
    assert (answer.status, answer.body["caption"], answer.body["reviewer_id"]) == (
        200, "A loaf of bread.", str(eve.user_id)
    )  # fmt: skip
    again = await ada.post("workflow", path, {"decision": "reject", "notes": "No."})
    assert (again.status, again.body["current"]["decision"]) == (409, "approve")


async def test_a_deleted_project_takes_its_workflows_along(platform: Desk, ada: Someone, kit: Kit) -> None:
    project = (await ada.post("workflow", "/api/v1/projects", {"title": "Bread"})).body["id"]
    inside = await started(kit, ada, "x", project_id=project)
    outside = await started(kit, ada, "x")
    listed = await ada.get("workflow", f"/api/v1/projects/{project}/workflows")
    assert [each["id"] for each in listed.body["items"]] == [inside]
    assert (await platform.someone().delete("workflow", f"/api/v1/projects/{project}")).status == 404
    await ada.delete("workflow", f"/api/v1/projects/{project}")

    async def gone() -> bool | None:
        return (await ada.get("workflow", f"/api/v1/workflows/{inside}")).status == 404 or None

    await until(gone)
    await caught_up(kit)
    threads = "SELECT DISTINCT thread_id FROM checkpoints WHERE user_id = $1"
    assert [row["thread_id"] for row in await kit.database.pool.fetch(threads, ada.user_id)] == [outside]
    assert (await ada.get("workflow", f"/api/v1/projects/{project}/workflows")).status == 404
    await assert_rebuild_equals_live(kit, platform.admin_dsn)


async def test_an_erased_user_leaves_no_row(platform: Desk, ada: Someone, kit: Kit) -> None:
    bob = platform.someone()
    await fill(platform, ada)
    await fill(platform, bob)
    await hears(kit, UserErased(user_id=ada.user_id), key=ada.user_id)

    async def gone() -> bool | None:
        return not any([await count(kit, table, ada) for table in TABLES]) or None

    await until(gone)
    assert all([await count(kit, table, bob) for table in TABLES])
    await assert_rebuild_equals_live(kit, platform.admin_dsn)
    sweeps = "SELECT count(*) FROM tasks WHERE kind = 'erase_user' AND due_at > now()"
    assert await kit.database.pool.fetchval(sweeps) == 1


async def test_what_was_said_goes_with_who_said_it_and_with_the_workflow(
    platform: Desk, ada: Someone, kit: Kit
) -> None:
    eve = platform.someone("reviewer")
    project = (await ada.post("workflow", "/api/v1/projects", {"title": "Bread"})).body["id"]
    workflow_id = await started(kit, ada, "x", project_id=project)
    said = {"platform": "x", "draft_id": draft_id(workflow_id, "x"), "body": "Shorter."}
    for who in (ada, eve):
        assert (await who.post("workflow", f"/api/v1/workflows/{workflow_id}/comments", said)).status == 201
    assert (await ada.post("workflow", f"/api/v1/workflows/{workflow_id}/approval-links", {})).status == 201
    counts = "SELECT array_agg(author_id) FROM draft_comments WHERE workflow_id = $1"

    async def authors() -> list[UUID]:
        return await kit.database.pool.fetchval(counts, workflow_id) or []

    await hears(kit, UserErased(user_id=eve.user_id), key=eve.user_id)

    async def only_the_owners() -> bool | None:
        return await authors() == [ada.user_id] or None

    await until(only_the_owners)
    assert (await ada.delete("workflow", f"/api/v1/projects/{project}")).status == 204

    async def nothing() -> bool | None:
        links = await count(kit, "approval_links", ada)
        return (not links and not await authors()) or None

    await until(nothing)
    await assert_rebuild_equals_live(kit, platform.admin_dsn)
