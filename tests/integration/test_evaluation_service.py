"""Evaluation at work: drafts heard, judged once, and verdicts read by their owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import asyncpg
import pytest
from alembic import command

from deploy.migrate import alembic_config, migrate
from services.evaluation.app import service as evaluation
from services.evaluation.judges.port import CRITERIA, WEIGHTS, overall
from services.generation.app import service as generation
from services.workflow.app import service as workflow
from shared.ids import derive, new_id
from tests.integration.desk import PLATFORMS, Desk, Someone, desk, until


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow, generation, evaluation) as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


async def test_every_draft_of_the_engine_gets_one_verdict_on_five_criteria(ada: Someone) -> None:
    workflow_id = await ada.start(min_score=100, max_iterations=2)
    states = await ada.states(workflow_id, "awaiting_review")
    drafts = {draft["id"]: draft for draft in await ada.drafts(workflow_id)}
    evaluations = await ada.evaluations(workflow_id)
    assert sorted(each["draft_id"] for each in evaluations) == sorted(drafts)
    assert len(drafts) == 2 * len(PLATFORMS)
    for each in evaluations:
        draft = drafts[each["draft_id"]]
        assert each["id"] == str(derive("evaluation", draft["id"]))
        assert (each["platform"], each["iteration"]) == (draft["platform"], draft["iteration"])
        assert sorted(each["criteria_scores"]) == sorted(CRITERIA)
        assert each["score"] == overall(each["criteria_scores"])
        assert each["criteria_weights"] == WEIGHTS
        assert (each["judge"], each["model"]) == ("offline", None)
        assert each["feedback"]
        assert set(CRITERIA) <= set(each["measures"])
        assert (await ada.get("evaluation", f"/api/v1/evaluations/{each['id']}")).body == each
    last = {each["platform"]: each["score"] for each in evaluations if each["iteration"] == 2}
    assert {name: state["score"] for name, state in states.items()} == last


async def test_a_workflows_own_weights_count_in_every_round(ada: Someone) -> None:
    chosen = {"clarity": 0.7, "grammar": 0.3}
    weights = dict.fromkeys(CRITERIA, 0.0) | chosen
    workflow_id = await ada.start(criteria_weights=chosen, platforms=["linkedin"], min_score=100, max_iterations=2)
    shown = (await ada.get("workflow", f"/api/v1/workflows/{workflow_id}")).body["manual_options"]
    assert shown["criteria_weights"] == weights
    for each in await ada.evaluations(workflow_id, 2):
        assert each["criteria_weights"] == weights
        assert each["score"] == overall(each["criteria_scores"], weights)


async def test_a_persons_text_is_not_judged(ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0, platforms=["linkedin"])
    await ada.states(workflow_id, "awaiting_review")
    edit = {"platform": "linkedin", "action": "edit_and_refine", "content": "My own words, for all to read."}
    await ada.post("workflow", f"/api/v1/workflows/{workflow_id}/review", {"decisions": [edit]})
    # The draft after the person's has been judged, so theirs would have been.
    await ada.evaluations(workflow_id, 2)
    first, human, second = await ada.drafts(workflow_id, 3)
    assert human["source"] == "human"
    assert {each["draft_id"] for each in await ada.evaluations(workflow_id)} == {first["id"], second["id"]}


async def test_pages_follow_each_other_and_filters_hold(ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0)
    evaluations = (await ada.evaluations(workflow_id, 3))[::-1]
    other = await ada.evaluations(await ada.start(min_score=0, platforms=["x"]), 1)

    seen, cursor = [], None
    while True:
        params = {"workflow_id": workflow_id, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await ada.get("evaluation", "/api/v1/evaluations", **params)).body
        seen += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == evaluations

    async def listed(**params: str) -> list[str]:
        return (await ada.get("evaluation", "/api/v1/evaluations", **params)).body["items"]

    draft_id = evaluations[0]["draft_id"]
    assert await listed() == [*other, *evaluations]
    assert await listed(draft_id=draft_id) == evaluations[:1]
    assert await listed(draft_id=draft_id, workflow_id=workflow_id) == evaluations[:1]
    assert await listed(draft_id=draft_id, workflow_id=str(new_id())) == []


async def test_what_belongs_to_others_does_not_exist(platform: Desk, ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0, platforms=["x"])
    (found,) = await ada.evaluations(workflow_id)
    path = f"/api/v1/evaluations/{found['id']}"
    eve = platform.someone()
    assert (await eve.get("evaluation", "/api/v1/evaluations", workflow_id=workflow_id)).body["items"] == []
    assert (await eve.get("evaluation", "/api/v1/evaluations", draft_id=found["draft_id"])).body["items"] == []
    refused = await eve.get("evaluation", path)
    assert (refused.status, "list the evaluations" in refused.body["detail"]) == (404, True)
    assert (await replace(ada, token="").get("evaluation", path)).status == 401
    async with platform.kits["evaluation"].database.reading(eve.user_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM evaluations") == 0


async def test_a_draft_that_nobody_can_judge_is_left_to_a_person(platform: Desk, ada: Someone) -> None:
    workflow_id = await ada.start(min_score=0, platforms=["x"])
    await ada.evaluations(workflow_id)
    kit = platform.kits["evaluation"]
    draft_id, task_id = new_id(), new_id()
    payload = {
        "draft_id": draft_id,
        "workflow_id": workflow_id,
        "user_id": ada.user_id,
        "platform": "carrier pigeon",
        "iteration": 7,
        "title": "",
        "content": "Coo.",
        "language": "",
        "tone": "",
    }
    await kit.database.pool.execute(
        "INSERT INTO tasks (id, kind, payload, correlation_id) VALUES ($1, 'judge', $2, $3)", task_id, payload, task_id
    )
    kit.workers.wake()

    async def failed() -> asyncpg.Record | None:
        return await kit.database.pool.fetchrow(
            "SELECT type, data FROM events WHERE stream_id = $1", derive("evaluation", draft_id)
        )

    event = await until(failed)
    assert event["type"] == "EvaluationFailed"
    assert event["data"]["reason"] == ("No judge knows 'carrier pigeon'. Read the draft and decide without a score.")
    assert len(await ada.evaluations(workflow_id)) == 1


async def test_the_table_is_the_documented_one_and_can_be_taken_back(platform: Desk) -> None:
    connection = await asyncpg.connect(platform.admin_dsn)
    try:
        columns = {
            row["column_name"]: (row["data_type"], row["is_nullable"])
            for row in await connection.fetch(
                "SELECT * FROM information_schema.columns "
                "WHERE table_schema = 'evaluation' AND table_name = 'evaluations'"
            )
        }
        documented = {
            "id": ("uuid", "NO"),
            "draft_id": ("uuid", "NO"),
            "score": ("integer", "NO"),
            "feedback": ("text", "YES"),
            "criteria_scores": ("jsonb", "YES"),
            "created_at": ("timestamp with time zone", "NO"),
        }
        assert documented.items() <= columns.items()
        indexes = await connection.fetch("SELECT indexname FROM pg_indexes WHERE tablename = 'evaluations'")
        assert {"idx_evaluation_draft_id", "idx_evaluation_score"} <= {row["indexname"] for row in indexes}
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO evaluation.evaluations "
                "(id, draft_id, score, workflow_id, user_id, platform, iteration, judge) "
                "SELECT $1, $1, 101, $1, $1, 'x', 1, 'nobody'",
                new_id(),
            )
        await connection.execute("CREATE DATABASE another")
    finally:
        await connection.close()
    dsn = urlsplit(platform.admin_dsn)._replace(path="/another").geturl()
    await migrate(dsn, {})
    connection = await asyncpg.connect(dsn)
    try:
        for step, to, there in ((command.downgrade, "0001", False), (command.upgrade, "head", True)):
            await asyncio.to_thread(step, alembic_config(dsn, "evaluation"), to)
            assert bool(await connection.fetchval("SELECT to_regclass('evaluation.evaluations')")) == there
    finally:
        await connection.close()
