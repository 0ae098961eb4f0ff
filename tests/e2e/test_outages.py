"""What is promised when parts of the platform die in the middle of a workflow.

The stack's supervisor starts again what was killed here; Tansu comes back empty, Apache Kafka with what it had.
"""

from __future__ import annotations

import asyncio
import os
from uuid import uuid4

import asyncpg
import pytest

from deploy.embedded.postgres import EmbeddedPostgres
from tests.e2e.conftest import Platform
from tests.e2e.user import ARTICLE, User, user

pytestmark = pytest.mark.skipif(
    "PRESSWORK_KAFKA_URL" in os.environ or "PRESSWORK_POSTGRES_URL" in os.environ,
    reason="given servers are not ours to kill",
)

ACCEPT_BLOG = {"platform": "blog", "action": "accept", "publish": {}}


async def test_a_broker_that_vanishes_delays_but_loses_nothing(platform: Platform) -> None:
    broker = platform.stack.broker
    async with user(platform.gateway) as writer:
        before = await writer.start(platforms=("blog",))
        await asyncio.to_thread(broker.kill)  # type: ignore[attr-defined]
        during = [await writer.start(platforms=("blog",)) for _ in range(3)]
        after = await writer.start(platforms=("blog",))
        for workflow_id in (before, *during, after):
            await writer.until(workflow_id, "awaiting_review", within=240)
            answer = await writer.review(workflow_id, ACCEPT_BLOG)
            assert answer.status == 200, answer
        for workflow_id in (before, *during, after):
            done = await writer.until(workflow_id, "completed", within=180)
            assert len(done["drafts"]) == len({draft["id"] for draft in done["drafts"]})
            assert len(done["jobs"]) == 1


async def test_a_database_that_dies_and_recovers_delays_but_loses_nothing(platform: Platform) -> None:
    postgres = platform.stack.postgres
    assert isinstance(postgres, EmbeddedPostgres)
    async with user(platform.gateway) as writer:
        workflow_ids = [await writer.start(platforms=("blog",)) for _ in range(3)]
        await asyncio.to_thread(postgres.kill)
        for workflow_id in workflow_ids:
            await _patiently_ready(writer, workflow_id)
            answer = await writer.review(workflow_id, ACCEPT_BLOG)
            assert answer.status == 200, answer
            done = await writer.until(workflow_id, "completed", within=180)
            assert len(done["jobs"]) == 1


async def test_services_that_are_killed_take_up_their_work_again(platform: Platform) -> None:
    async with user(platform.gateway) as writer:
        workflow_ids = [await writer.start(platforms=("x", "blog"), min_score=100) for _ in range(4)]
        for name in ("generation", "evaluation", "workflow"):
            await asyncio.to_thread(platform.stack.kill_service, name)
        postgres = platform.stack.postgres
        assert isinstance(postgres, EmbeddedPostgres)
        for name in ("generation", "evaluation"):
            await _let_leases_run_out(postgres, name)
        for name in ("generation", "evaluation", "workflow"):
            await asyncio.to_thread(platform.stack.wait_until_ready, name)
        for workflow_id in workflow_ids:
            await _patiently_ready(writer, workflow_id, within=240)


async def test_a_published_post_is_published_once_though_publishing_dies_between_call_and_record(
    platform: Platform,
) -> None:
    async with user(platform.gateway) as writer:
        postgres = platform.stack.postgres
        assert isinstance(postgres, EmbeddedPostgres)
        await writer.connect("x", "linkedin")
        workflow_id = await writer.start(platforms=("x", "linkedin"), text=_unique())
        await writer.until(workflow_id, "awaiting_review")
        before = {name: len(await platform.sandbox.accepted(name)) for name in ("x", "linkedin")}
        for name in before:
            await platform.sandbox.fault(name, "timeout_after_accept", seconds=20)
        publish = [{"platform": name, "action": "accept", "publish": {}} for name in before]
        assert (await writer.review(workflow_id, *publish)).status == 200
        async with asyncio.timeout(60):
            for name, count in before.items():
                while len(await platform.sandbox.accepted(name)) == count:  # noqa: ASYNC110 - it sends no event
                    await asyncio.sleep(0.02)
        # The platforms have the posts, and publishing does not know it.
        await asyncio.to_thread(platform.stack.kill_service, "publishing")
        await _let_leases_run_out(postgres, "publishing")
        await asyncio.to_thread(platform.stack.wait_until_ready, "publishing")
        async with asyncio.timeout(150):
            while True:
                found = await writer.get(f"/api/v1/workflows/{workflow_id}")
                states = {state["platform"]: state for state in found["states"]}
                if all(state["status"] in ("published", "failed") for state in states.values()):
                    break
                await asyncio.sleep(0.2)
        jobs = {job["platform"]: job for job in found["jobs"]}
        # X lets us look; LinkedIn does not, so a person has to.
        assert states["x"]["status"] == "published"
        assert jobs["linkedin"]["error_class"] == "outcome_unknown"
        for name, count in before.items():
            assert len(await platform.sandbox.accepted(name)) == count + 1


def _unique() -> str:
    return f"{ARTICLE}\n\nThis loaf has the number {uuid4().hex[:6]}, which stands on its paper bag.\n"


async def _let_leases_run_out(postgres: EmbeddedPostgres, service: str) -> None:
    """What a minute's wait would do."""
    connection = await asyncpg.connect(postgres.admin_dsn)
    try:
        await connection.execute(f"UPDATE {service}.tasks SET leased_until = now() WHERE leased_until IS NOT NULL")
    finally:
        await connection.close()


async def _patiently_ready(writer: User, workflow_id: str, within: float = 180) -> None:
    """Until the workflow awaits review; answers may fail while parts come back."""
    async with asyncio.timeout(within):
        while True:
            answer = await writer.request("GET", f"/api/v1/workflows/{workflow_id}")
            if answer.status == 200 and answer.body["status"] == "awaiting_review":
                return
            assert answer.status in (200, 500, 503, 504), answer
            await asyncio.sleep(0.1)
