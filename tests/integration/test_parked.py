"""Events set aside: listed with what waits behind them, retried when an operator says so, and never lost."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from contracts.events.publishing import JobFailed, JobPublished
from contracts.events.workflow import PublicationRequested, Source
from services.workflow.domain.commands import Decision, NoteDraft, NoteVerdict, Publication, Review, StartWorkflow
from shared.ids import new_id
from shared.parked import parked, retry
from tests.story import AT, Ground, ground
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
REASON = "the platform is closed"


@pytest.fixture(scope="module")
async def on() -> AsyncIterator[Ground]:
    async with ground() as found:
        yield found


@pytest.fixture(autouse=True)
async def poison(on: Ground) -> AsyncIterator[asyncpg.Connection]:
    """Workflow cannot take in why a job failed, until the constraint is dropped."""
    connection = await asyncpg.connect(on.admin_dsn)
    await connection.execute(
        f"ALTER TABLE workflow.platform_states ADD CONSTRAINT poison CHECK (reason <> '{REASON}') NOT VALID"
    )
    yield connection
    await connection.execute("ALTER TABLE workflow.platform_states DROP CONSTRAINT IF EXISTS poison")
    await connection.execute("DELETE FROM workflow.parked_events")
    await on.kits["workflow"].inbox.load()
    await connection.close()


async def two_posts(on: Ground) -> list[PublicationRequested]:
    """Two accepted drafts on their way out, of two workflows."""
    kit, user_id = on.kits["workflow"], new_id()
    source = Source(title="Heaps", text="A heap steams.", sha256="0", characters=14)
    for workflow_id in (new_id(), new_id()):
        draft_id = new_id()
        await kit.handle(StartWorkflow(workflow_id, user_id, source, ("x",)), actor=user_id)
        await kit.handle(NoteDraft(workflow_id, "x", draft_id, 1, "ai"), actor=None)
        await kit.handle(NoteVerdict(workflow_id, "x", draft_id, 1, 90, "Good."), actor=None)
        accepted = Decision("x", "accept", publication=Publication(new_id()))
        await kit.handle(Review(workflow_id, user_id, (accepted,)), actor=user_id)
    return (await on.events("workflow", PublicationRequested))[-2:]


async def fail_and_publish(on: Ground, posts: list[PublicationRequested]) -> None:
    """Both jobs fail, the first for the unspeakable reason; then both go out."""
    jobs = [
        {
            "job_id": post.job_id,
            "workflow_id": post.workflow_id,
            "user_id": post.user_id,
            "platform": "x",
            "draft_id": post.draft_id,
        }
        for post in posts
    ]
    for job, reason in zip(jobs, (REASON, "a hiccup"), strict=True):
        await on.play(JobFailed(**job, error_class="transient", reason=reason), key=job["job_id"])
    await on.hear("workflow", random.Random(1))
    for job in jobs:
        published = JobPublished(**job, platform_post_id="1", url="https://x.example/1", published_at=AT)
        await on.play(published, key=job["job_id"])
    await on.hear("workflow", random.Random(1))


async def status(on: Ground, workflow_id: UUID) -> str:
    pool = on.kits["workflow"].database.pool
    found: str = await pool.fetchval("SELECT status FROM platform_states WHERE workflow_id = $1", workflow_id)
    return found


@asynccontextmanager
async def running(on: Ground) -> AsyncIterator[None]:
    """What the consumer does every second, a little more often."""

    async def look_after() -> None:
        while True:
            await on.kits["workflow"].inbox.retry_parked()
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look_after())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def test_the_list_tells_what_failed_and_what_waits_behind(on: Ground) -> None:
    poisoned, other = posts = await two_posts(on)
    await fail_and_publish(on, posts)
    (stream,) = await parked("workflow", on.dsns["workflow"])
    assert (stream.service, stream.source, stream.stream_id) == ("workflow", "publishing", poisoned.job_id)
    assert (stream.event_type, stream.attempts, stream.behind) == ("JobFailed", 1, 1)
    assert "poison" in stream.error
    assert (await status(on, poisoned.workflow_id), await status(on, other.workflow_id)) == ("accepted", "published")


async def test_a_retry_after_the_cause_is_mended_brings_all_of_the_stream(
    on: Ground, poison: asyncpg.Connection
) -> None:
    poisoned, _ = posts = await two_posts(on)
    await fail_and_publish(on, posts)
    async with running(on):
        in_vain = await retry("workflow", on.dsns["workflow"])
        assert (in_vain.streams, in_vain.done, len(in_vain.failed), in_vain.running) == (1, 0, 1, True)
        await poison.execute("ALTER TABLE workflow.platform_states DROP CONSTRAINT poison")
        mended = await retry("workflow", on.dsns["workflow"], poisoned.job_id)
        assert (mended.streams, mended.done, mended.failed, mended.waiting) == (1, 1, (), 0)

        async def nothing_is_parked() -> bool:
            return not await parked("workflow", on.dsns["workflow"])

        await eventually(nothing_is_parked)
    assert await status(on, poisoned.workflow_id) == "published"


async def test_a_retry_of_another_stream_touches_nothing(on: Ground) -> None:
    posts = await two_posts(on)
    await fail_and_publish(on, posts)
    before = await parked("workflow", on.dsns["workflow"])
    assert (await retry("workflow", on.dsns["workflow"], new_id())).streams == 0
    assert await parked("workflow", on.dsns["workflow"]) == before


def command(on: Ground, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The tool as `make parked` runs it, on a wide terminal."""
    env = {f"PRESSWORK_{name.upper()}_DATABASE_URL": dsn for name, dsn in on.dsns.items()} | {"COLUMNS": "200"}
    run = [sys.executable, "-m", "shared.parked", *arguments]
    return subprocess.run(run, cwd=REPOSITORY, env=os.environ | env, capture_output=True, text=True, timeout=60)


async def test_the_command_line(on: Ground, poison: asyncpg.Connection) -> None:
    nothing = await asyncio.to_thread(command, on)
    assert (nothing.returncode, nothing.stdout) == (0, "nothing is parked\n")

    poisoned, _ = posts = await two_posts(on)
    await fail_and_publish(on, posts)
    listed = await asyncio.to_thread(command, on, "list", "--service", "workflow")
    assert listed.returncode == 0
    assert str(poisoned.job_id) in listed.stdout
    assert "JobFailed" in listed.stdout
    assert "RETRY=all" in listed.stdout

    async with running(on):
        in_vain = await asyncio.to_thread(command, on, "retry", "--all")
        assert in_vain.returncode == 1
        assert "failed again: CheckViolationError" in in_vain.stdout
        await poison.execute("ALTER TABLE workflow.platform_states DROP CONSTRAINT poison")
        done = await asyncio.to_thread(command, on, "retry", "--stream", str(poisoned.job_id))
        assert (done.returncode, done.stdout) == (0, "workflow: 1 retried, 1 done\n")
    assert (await asyncio.to_thread(command, on, "retry", "--stream", str(new_id()))).returncode == 1


async def test_it_is_said_when_nothing_runs(on: Ground) -> None:
    posts = await two_posts(on)
    await fail_and_publish(on, posts)
    await on.kits["workflow"].database.close()
    try:
        retried = await asyncio.to_thread(command, on, "retry", "--all")
    finally:
        await on.kits["workflow"].database.open()
    assert retried.returncode == 0
    assert "workflow does not run: they are tried as soon as it does" in retried.stdout
