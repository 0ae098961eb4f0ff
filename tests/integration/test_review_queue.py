"""The review queue across workflows: filters, orders, pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.workflow.app import service as workflow
from shared.ids import new_id
from tests.integration.desk import Answer, Desk, Someone, desk
from tests.integration.reviewing import started

PATH = "/api/v1/review-queue"


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow) as running:
        yield running


async def found(who: Someone, **params: Any) -> list[tuple[str, str]]:
    """All pages, two drafts each."""
    rows: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page: Answer = await who.get("workflow", PATH, limit=2, **params, **cursor)
        assert page.status == 200, page.body
        rows += [(each["workflow_id"], each["platform"]) for each in page.body["items"]]
        if page.body["next_cursor"] is None:
            return rows
        cursor = {"cursor": page.body["next_cursor"]}


async def test_filters_orders_and_pages(platform: Desk) -> None:
    ada, bob, eve = platform.someone(), platform.someone(), platform.someone("reviewer")
    kit = platform.kits["workflow"]
    project = (await ada.post("workflow", "/api/v1/projects", {"title": "Bread"})).body["id"]
    one = await started(kit, ada, "x", "blog", score=60, project_id=project)
    two = await started(kit, ada, "x", score=95)
    three = await started(kit, bob, "linkedin", "x", score=75)
    oldest = [(one, "x"), (one, "blog"), (two, "x"), (three, "linkedin"), (three, "x")]
    assert await found(eve) == oldest
    assert await found(eve, order="shortest_wait") == oldest[::-1]
    by_score = await found(eve, order="lowest_score")
    assert [each[0] for each in by_score] == [one, one, three, three, two]
    assert await found(eve, order="highest_score") == by_score[::-1]
    assert await found(eve, platform="x") == [(one, "x"), (two, "x"), (three, "x")]
    assert await found(eve, min_score=75, max_score=94) == oldest[3:]
    assert await found(eve, min_score=60, max_score=60) == oldest[:2]
    assert await found(eve, author=bob.user_id) == oldest[3:]
    assert await found(ada, author=bob.user_id) == []
    assert await found(eve, project_id=project) == oldest[:2]
    rows = (await eve.get("workflow", PATH)).body["items"]
    middle = rows[2]["updated_at"]
    assert await found(eve, waiting_before=middle) == oldest[:2]
    assert await found(eve, waiting_since=middle) == oldest[2:]
    assert await found(eve, waiting_since=middle, waiting_before=rows[3]["updated_at"]) == [(two, "x")]

    accept = {"decisions": [{"platform": "x", "action": "accept"}]}
    assert (await ada.post("workflow", f"/api/v1/workflows/{two}/review", accept)).status == 200
    assert await found(ada, status="accepted") == [(two, "x")]
    assert await found(eve, status="accepted") == []  # decided: no longer for others to see
    assert await found(ada) == oldest[:2]


@pytest.mark.parametrize(
    "params",
    [
        {"platform": "fax"},
        {"status": "lost"},
        {"order": "random"},
        {"min_score": -1},
        {"max_score": 101},
        {"min_score": 80, "max_score": 70},
        {"author": "ada"},
        {"waiting_since": "yesterday"},
        {"waiting_since": "2026-01-01T00:00:00"},
        {"waiting_since": "2026-01-02T00:00:00Z", "waiting_before": "2026-01-01T00:00:00Z"},
        {"limit": 0},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(platform: Desk, params: dict[str, Any]) -> None:
    answer = await platform.someone().get("workflow", PATH, **params)
    assert answer.status == 422, answer.body
    assert answer.body["detail"].endswith(".")


async def test_a_project_nobody_has_holds_nothing(platform: Desk) -> None:
    assert await found(platform.someone("reviewer"), project_id=new_id()) == []
