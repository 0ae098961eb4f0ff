"""A user's posts as files, through the service."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from services.publishing.app import service as publishing
from services.publishing.domain.commands import ScheduleJob
from services.publishing.exporting.queries import PAGE
from shared.ids import new_id
from shared.kit import Kit
from shared.projection import insert
from tests.integration.desk import Desk, Someone, desk

AT = datetime(2090, 3, 5, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
async def at() -> AsyncIterator[Desk]:
    async with desk(publishing, connector="instant") as running:
        yield running


async def schedule(kit: Kit, user: Someone, content: str, count: int = 1) -> None:
    """So many posts for the year 2090."""
    for _ in range(count):
        workflow_id, job_id, draft_id = new_id(), new_id(), new_id()
        row: dict[str, Any] = {"draft_id": draft_id, "workflow_id": workflow_id, "user_id": user.user_id}
        row |= {"platform": "blog", "title": "Bread", "content": content, "hashtags": ["bread", "dough"]}
        text = insert("draft_texts", **row, created_at=datetime.now(UTC))
        command = ScheduleJob(job_id, workflow_id, user.user_id, "blog", draft_id, AT, "Europe/Berlin")
        await kit.handle(command, actor=user.user_id, changes=[text])


async def download(user: Someone, path: str, **params: Any) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {user.token}"} if user.token else {}
    async with user.http.get(user.urls["publishing"] + path, params=params, headers=headers) as answer:
        return answer.status, answer.headers.get("Content-Disposition", ""), await answer.read()


async def test_posts_come_as_csv_and_as_json_and_say_the_same(at: Desk) -> None:
    ada, bob = at.someone(), at.someone()
    kit = at.kits["publishing"]
    content = '=HYPERLINK("http://evil.example")\nBread, "risen" 빵'
    await schedule(kit, ada, content)
    await schedule(kit, bob, "Somebody else's.")
    status, disposition, body = await download(ada, "/api/v1/export/posts.csv")
    assert (status, disposition) == (200, 'attachment; filename="posts.csv"')
    (line,) = csv.DictReader(io.StringIO(body.decode(), newline=""))
    assert line["content"] == "'" + content
    assert (line["hashtags"], line["time_zone"], line["status"]) == ("bread dough", "Europe/Berlin", "scheduled")
    assert datetime.fromisoformat(line["scheduled_for"]) == AT
    _, _, body = await download(ada, "/api/v1/export/posts.json")
    (post,) = orjson.loads(body)
    assert post["content"] == content, "JSON needs no guard"
    assert (post["id"], post["hashtags"]) == (line["id"], ["bread", "dough"])


async def test_a_long_list_comes_whole_and_in_order(at: Desk) -> None:
    ada = at.someone()
    await schedule(at.kits["publishing"], ada, "Bread.", PAGE + 3)
    _, _, body = await download(ada, "/api/v1/export/posts.json", status="scheduled")
    posts = orjson.loads(body)
    assert len({post["id"] for post in posts}) == PAGE + 3
    assert [post["created_at"] for post in posts] == sorted(post["created_at"] for post in posts)
    _, _, body = await download(ada, "/api/v1/export/posts.json", status="published")
    assert orjson.loads(body) == []


async def test_an_export_is_refused_without_a_token_and_for_a_state_that_is_none(at: Desk) -> None:
    ada = at.someone()
    assert (await download(ada, "/api/v1/export/posts.csv", status="lost"))[0] == 422
    ada.token = ""
    assert (await download(ada, "/api/v1/export/posts.csv"))[0] == 401
