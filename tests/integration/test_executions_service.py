"""Executions, processing runs and the review queue, as users and the platform's other parts meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from services.media.app import service as media
from services.workflow.app import service as workflow
from shared.http.internal import HEADER
from tests.integration.desk import Answer, Desk, Someone, desk

EXECUTIONS = "/api/v1/executions"
RUNS = "/api/v1/processing-runs"


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow, media) as running:
        yield running


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


async def send(who: Someone, method: str, path: str, **options: Any) -> Answer:
    return await who._send(method, who.urls["workflow"] + path, **options)


async def report(platform: Desk, path: str, body: dict[str, Any], method: str = "POST") -> Answer:
    """What another part of the platform says."""
    url = f"{platform.urls['workflow']}/internal{path}"
    async with platform.http.request(method, url, json=body, headers={HEADER: "inside"}) as answer:
        return Answer(answer.status, await answer.json(content_type=None) if answer.status != 204 else None)


async def planned(who: Someone, **changes: Any) -> str:
    body = {"input_type": "text", "input_value": "Bread rises.", **changes}
    answer = await who.post("workflow", EXECUTIONS, body)
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


async def step(platform: Desk, execution_id: str, number: int, attempt: int = 1, passed: bool = True) -> None:
    """One attempt, from its start to its verdict."""
    path = f"/executions/{execution_id}/steps/{number}"
    for body in (
        {"event": "started"},
        {"event": "completed", "output": {"step": number}, "duration_ms": 12},
        {
            "event": "validated",
            "passed": passed,
            "score": 0.9 if passed else 0.1,
            "errors": [] if passed else ["Dull."],
        },
    ):
        answer = await report(platform, path, {**body, "attempt": attempt})
        assert answer.status == 200, answer.body


async def test_an_execution_from_its_plan_to_its_artifacts(platform: Desk, ada: Someone) -> None:
    execution_id = await planned(ada)
    await step(platform, execution_id, 1, passed=False)
    corrected = {
        "event": "corrected", "attempt": 1, "root_cause": "dull", "strategy": "format", "action": "Say it livelier",
        "confidence": 0.7, "adjusted_parameters": {"tone": "lively"},
    }  # fmt: skip
    path = f"/executions/{execution_id}/steps/1"
    assert (await report(platform, path, corrected)).body == {
        "status": "correcting", "current_step": 1, "step_status": "pending", "attempts": 1
    }  # fmt: skip
    active = (await ada.get("workflow", EXECUTIONS, active="true")).body["items"]
    assert [(each["id"], each["status"]) for each in active] == [(execution_id, "correcting")]
    await step(platform, execution_id, 1, attempt=2)
    for number in (2, 3, 4):
        await step(platform, execution_id, number)
    artifact = {"type": "summary", "name": "Summary", "data": {"text": "Bread."}, "verified": True}
    where = f"/executions/{execution_id}/artifacts/{uuid4()}"
    assert (await report(platform, where, artifact, "PUT")).status == 204
    assert (await report(platform, where, artifact, "PUT")).status == 204

    found = (await ada.get("workflow", f"{EXECUTIONS}/{execution_id}")).body
    assert (found["status"], found["current_step"], found["plan"]["corrections_applied"]) == ("completed", 4, 1)
    assert found["created_at"] < found["started_at"] < found["completed_at"]
    assert found["plan"]["steps"][0] == {
        **found["plan"]["steps"][0], "id": 1, "status": "completed", "attempts": 2, "output": {"step": 1}
    }  # fmt: skip
    assert [each["name"] for each in found["artifacts"]] == ["Summary"]
    messages = [line["message"] for line in found["logs"]]
    assert messages[0] == "Produced Summary."
    assert messages[-1] == "Planned 4 steps for a text input."
    warnings = (await ada.get("workflow", f"{EXECUTIONS}/{execution_id}/logs", level="warning")).body["items"]
    assert [line["message"] for line in warnings] == ["Say it livelier", "The output of step 1 did not pass."]
    assert (await ada.get("workflow", EXECUTIONS, active="true")).body["items"] == []
    statistics = (await ada.get("workflow", f"{EXECUTIONS}/statistics")).body
    assert statistics["avg_duration_sec"] > 0
    assert statistics | {"avg_duration_sec": 0} == {
        "total_executions": 1, "successful": 1, "failed": 0, "avg_duration_sec": 0
    }  # fmt: skip


async def test_logs_are_paged_from_the_newest_to_the_oldest(platform: Desk, ada: Someone) -> None:
    execution_id = await planned(ada)
    await step(platform, execution_id, 1)
    path, seen, cursor = f"{EXECUTIONS}/{execution_id}/logs", [], {}
    while True:
        page = (await ada.get("workflow", path, limit=2, **cursor)).body
        seen += [line["timestamp"] for line in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == 4
    assert seen == sorted(seen, reverse=True)


async def test_a_file_comes_along_in_a_form(ada: Someone) -> None:
    form = aiohttp.FormData({"input_type": "text", "auto_correct": "false", "max_retries": "1"})
    form.add_field("file", b"# Bread\n\nBread rises because yeast breathes.", filename='bread "1".md')
    answer = await send(ada, "POST", EXECUTIONS, data=form)
    assert answer.status == 201, answer.body
    assert (answer.body["auto_correct"], answer.body["max_retries"]) == (False, 1)
    assert answer.body["input_value"].endswith(".md")
    file = await ada.get("media", answer.body["input_file_url"])
    assert (file.status, file.body["id"]) == (200, answer.body["input_file_id"])


async def test_the_same_key_plans_once(ada: Someone) -> None:
    body, headers = {"input_type": "url", "input_value": "https://example.org/bread"}, {"Idempotency-Key": "k1"}
    url = ada.urls["workflow"] + EXECUTIONS
    headers["Authorization"] = f"Bearer {ada.token}"
    ids = []
    for _ in range(2):
        async with ada.http.post(url, json=body, headers=headers) as answer:
            ids.append((await answer.json())["id"])
    assert ids[0] == ids[1]
    assert len((await ada.get("workflow", EXECUTIONS)).body["items"]) == 1


@pytest.mark.parametrize(
    ("body", "saying"),
    [
        ({"input_type": "tape", "input_value": "x"}, "input_type"),
        ({"input_type": "text"}, "input_value"),
        ({"input_type": "text", "input_value": "   "}, "input_value"),
        ({"input_type": "pdf", "input_value": "x"}, "file_id"),
        ({"input_type": "url", "input_value": "ftp://example.org"}, "http"),
        ({"input_type": "youtube", "input_value": "https://example.org/v"}, "youtu"),
        ({"input_type": "text", "input_value": "x", "max_retries": 99}, "max_retries"),
        ({"input_type": "text", "input_value": "x", "speed": 1}, "speed"),
        ([], "object"),
    ],
)
async def test_an_input_that_cannot_be_worked_on_is_refused(ada: Someone, body: Any, saying: str) -> None:
    answer = await ada.post("workflow", EXECUTIONS, body)
    assert answer.status == 422
    assert saying in str(answer.body)


async def test_a_body_of_another_kind_is_refused(ada: Someone) -> None:
    answer = await send(ada, "POST", EXECUTIONS, data=b"<a/>")
    assert (answer.status, answer.body["type"]) == (415, "urn:presswork:problem:unsupported-media-type")
    missing = {"input_type": "pdf", "file_id": str(uuid4())}
    assert (await ada.post("workflow", EXECUTIONS, missing)).status == 404


async def test_a_cancelled_execution_takes_no_more_reports(platform: Desk, ada: Someone) -> None:
    execution_id = await planned(ada)
    bob = platform.someone()
    assert (await send(bob, "DELETE", f"{EXECUTIONS}/{execution_id}")).status == 404
    assert (await bob.get("workflow", f"{EXECUTIONS}/{execution_id}")).status == 404
    assert (await bob.get("workflow", f"{EXECUTIONS}/{execution_id}/logs")).status == 404
    for _ in range(2):
        cancelled = await send(ada, "DELETE", f"{EXECUTIONS}/{execution_id}")
        assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    late = await report(platform, f"/executions/{execution_id}/steps/1", {"event": "started", "attempt": 1})
    assert (late.status, late.body["current"]["status"]) == (409, "cancelled")
    unknown = await report(platform, f"/executions/{uuid4()}/steps/1", {"event": "started", "attempt": 1})
    assert unknown.status == 404
    out_of_range = {"event": "validated", "attempt": 1, "passed": True, "score": 1.5}
    assert (await report(platform, f"/executions/{execution_id}/steps/1", out_of_range)).status == 422


async def test_a_processing_run_from_start_to_end(platform: Desk, ada: Someone) -> None:
    connection = str(uuid4())
    body = {"batch_id": f"b-{connection}", "connection_id": connection, "platform_type": "mastodon"}
    started = await ada.post("workflow", RUNS, body)
    assert (started.status, started.body["status"]) == (201, "running")
    again = await ada.post("workflow", RUNS, body)
    assert again.status == 409
    assert "batch_id" in again.body["detail"]
    run_id = started.body["id"]
    figures = {"posts_processed": 3, "images_processed": 7, "retry_stats": {"rate_limited": 2}}
    assert (await report(platform, f"/processing-runs/{run_id}/progress", figures)).status == 204
    assert (await report(platform, f"/processing-runs/{run_id}/progress", {"posts_processed": 1})).status == 422
    assert (await report(platform, f"/processing-runs/{run_id}/finish", {"status": "completed"})).status == 204
    found = (await ada.get("workflow", f"{RUNS}/{run_id}")).body
    assert found | {**figures, "status": "completed"} == found
    assert found["completed_at"] > found["started_at"]
    assert (await ada.post("workflow", f"{RUNS}/{run_id}/cancel", {})).status == 409
    assert [each["id"] for each in (await ada.get("workflow", RUNS, status="completed")).body["items"]] == [run_id]
    assert (await platform.someone().get("workflow", f"{RUNS}/{run_id}")).status == 404


async def test_what_the_internal_api_wants_shown(platform: Desk) -> None:
    url = f"{platform.urls['workflow']}/internal/processing-runs/{uuid4()}/finish"
    async with platform.http.post(url, json={"status": "completed"}) as answer:
        assert answer.status == 403
