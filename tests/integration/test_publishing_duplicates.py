"""A text that went out before through the same account goes out again with a warning, where the platform lets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.publishing.domain.commands import QueueJob
from shared.ids import new_id
from shared.projection import insert
from shared.rebuild import rebuild
from tests.integration.desk import until
from tests.integration.publishing_desk import Author, Press, press


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> Author:
    await house.sandbox.reset()
    return house.author()


async def out(author: Author, platform: str, content: str, connection_id: str | None = None) -> dict[str, Any]:
    """A job with this text, as soon as it is over."""
    workflow_id, job_id, draft_id = new_id(), new_id(), new_id()
    text = insert(
        "draft_texts",
        draft_id=draft_id,
        workflow_id=workflow_id,
        user_id=author.someone.user_id,
        platform=platform,
        title="",
        content=content,
        hashtags=[],
        created_at=datetime.now(UTC),
    )
    command = QueueJob(job_id, workflow_id, author.someone.user_id, platform, draft_id)
    await author.kit.handle(command, actor=None, changes=[text])

    async def look() -> dict[str, Any] | None:
        job = (await author.get(f"/api/v1/jobs/{job_id}")).body
        return job if job["status"] in ("published", "failed") else None

    return await until(look)


async def test_a_repeated_text_is_published_with_a_warning(ada: Author) -> None:
    first = await out(ada, "blog", "Bread rises overnight.")
    other = await out(ada, "blog", "Bread is eaten by noon.")
    again = await out(ada, "blog", "Bread rises overnight.")
    assert [job["status"] for job in (first, other, again)] == ["published"] * 3
    assert "warnings" not in first["response_data"]
    assert "warnings" not in other["response_data"]
    (warning,) = again["response_data"]["warnings"]
    assert first["url"] in warning


async def test_a_repeat_that_the_platform_refuses_says_where_the_first_stands(ada: Author) -> None:
    await ada.connect("x")
    first = await out(ada, "x", "Bread rises overnight.")
    again = await out(ada, "x", "Bread rises overnight.")
    assert (again["status"], again["error_class"]) == ("failed", "bad_content")
    assert first["url"] in again["response_data"]["warnings"][0]
    assert len(await ada.posted("x")) == 1


async def test_other_users_accounts_and_failed_jobs_are_no_repeat(ada: Author, house: Press) -> None:
    eve = house.author()
    await out(eve, "blog", "Bread is salted.")
    assert "warnings" not in (await out(ada, "blog", "Bread is salted."))["response_data"]
    failed = await out(ada, "linkedin", "Bread is baked.")
    assert failed["status"] == "failed"
    await ada.connect("linkedin")
    assert "warnings" not in (await out(ada, "linkedin", "Bread is baked."))["response_data"]


async def test_warnings_are_rebuilt_as_they_stand(ada: Author, house: Press) -> None:
    for _ in range(2):
        await out(ada, "blog", "Bread cools on a rack.")
    pool, statement = ada.kit.database.pool, "SELECT id, response_data::text FROM publishing_jobs ORDER BY id"
    live = await pool.fetch(statement)
    await rebuild(ada.kit, house.desk.admin_dsn)
    assert await pool.fetch(statement) == live
