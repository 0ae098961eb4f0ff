"""Images on their way from an upload to a post: checked when they are named, sent with their alternative texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from services.media.app import service as media
from tests.integration.desk import Answer, until
from tests.integration.publishing_desk import Author, Press, press
from tests.pictures import png


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data"), media) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> Author:
    await house.sandbox.reset()
    return house.author()


async def upload(author: Author, name: str, data: bytes) -> str:
    form = aiohttp.FormData()
    form.add_field("file", data, filename=name)
    headers = {"Authorization": f"Bearer {author.someone.token}"}
    url = author.desk.urls["media"] + "/api/v1/files"
    async with author.desk.http.post(url, data=form, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


async def accept(author: Author, platform: str, images: list[dict[str, Any]]) -> tuple[str, Answer]:
    workflow_id = await author.someone.start("Bread rises overnight.", platforms=[platform])
    await author.someone.states(workflow_id, "awaiting_review")
    decision = {"platform": platform, "action": "accept", "publish": {"media": images}}
    body = {"decisions": [decision]}
    return workflow_id, await author.someone.post("workflow", f"/api/v1/workflows/{workflow_id}/review", body)


@pytest.mark.parametrize("platform", ["x", "linkedin"])
async def test_an_uploaded_image_is_published_with_what_it_shows(ada: Author, platform: str) -> None:
    await ada.connect(platform)
    file_id = await upload(ada, "loaf.png", png())
    workflow_id, answer = await accept(ada, platform, [{"file_id": file_id, "alt_text": " A loaf. "}])
    assert answer.status == 200, answer.body
    await ada.job(workflow_id, "published")
    (post,) = await ada.posted(platform)
    assert [alt_text for _, alt_text in post["raw"]["images"]] == ["A loaf."]


async def test_an_image_that_is_gone_by_then_fails_the_job_with_what_to_do(ada: Author) -> None:
    await ada.connect("x")
    file_id = await upload(ada, "loaf.png", png())
    workflow_id = await ada.someone.start("Bread rises.", platforms=["x"])
    await ada.someone.states(workflow_id, "awaiting_review")
    later = {"scheduled_for": "2090-01-01T00:00:00Z", "media": [{"file_id": file_id, "alt_text": "A loaf."}]}
    body = {"decisions": [{"platform": "x", "action": "accept", "publish": later}]}
    answer = await ada.someone.post("workflow", f"/api/v1/workflows/{workflow_id}/review", body)
    assert answer.status == 200, answer.body
    job = await ada.job(workflow_id, "scheduled")
    assert (await ada.someone.delete("media", f"/api/v1/files/{file_id}")).status == 204
    await ada.kit.database.pool.execute(
        "UPDATE tasks SET due_at = now() WHERE payload->>'job_id' = $1", str(UUID(job["id"]))
    )
    failed = await ada.job(workflow_id, "failed")
    assert (failed["error_class"], "gone" in failed["error"]) == ("bad_content", True)
    assert await ada.posted("x") == []


async def test_what_cannot_be_attached_is_refused_when_it_is_named(ada: Author, house: Press) -> None:
    picture = await upload(ada, "loaf.png", png())
    large = await upload(ada, "large.png", png(1_100_000))
    text = await upload(ada, "note.txt", b"Bread rises overnight, says the baker.")
    foreign = await upload(house.author(), "loaf.png", png())
    loaf = {"file_id": picture, "alt_text": "A loaf."}
    for platform, images, status, says in (
        ("blog", [loaf], 422, "no attached images"),
        ("x", [loaf] * 5, 422, "at most 4 images"),
        ("x", [loaf, loaf], 422, "once"),
        ("x", [{**loaf, "alt_text": "x" * 1001}], 422, "at most 1000"),
        ("x", [{**loaf, "alt_text": "  "}], 422, "alt_text"),
        ("x", [{**loaf, "file_id": text}], 422, "is no image"),
        ("x", [{**loaf, "file_id": foreign}], 404, "no such file"),
        ("bluesky", [{**loaf, "file_id": large}], 422, "Make it smaller"),
    ):
        workflow_id, answer = await accept(ada, platform, images)
        assert (answer.status, says in str(answer.body)) == (status, True), answer.body
        assert (await ada.someone.states(workflow_id, "awaiting_review"))[platform]["job_id"] is None


async def test_an_image_holds_no_text_to_write_from(ada: Author) -> None:
    file_id = await upload(ada, "loaf.png", png())

    async def read() -> str | None:
        file = (await ada.someone.get("media", f"/api/v1/files/{file_id}")).body
        return str(file["error"]) if file["text_status"] == "failed" else None

    assert "publish it with a post" in await until(read)
