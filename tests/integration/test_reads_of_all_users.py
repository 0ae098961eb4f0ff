"""What whoever runs the platform looks at: everybody's executions, queued and stuck outputs, and who was active."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.generation.app import service as generation
from services.workflow.app import service as workflow
from shared.ids import new_id
from tests.integration.desk import Desk, Someone, desk

ACTIVE = "/api/v1/executions/active"
ACTIVITY = "/api/v1/projects/activity"
QUEUE = "/api/v1/outputs/queue"
STUCK = "/api/v1/outputs/stuck"
DAY = datetime.now(UTC).replace(hour=12) - timedelta(days=3)  # some day, at midday
ADA, EVE = new_id(), new_id()

_EXECUTION = """
INSERT INTO workflow.executions (id, user_id, input_type, input_value, status, plan, created_at, started_at)
VALUES ($1, $2, 'text', 'Bread rises.', $3, '{}', $4, $4)
"""
_OUTPUT = """
INSERT INTO generation.outputs (id, user_id, project_id, kind, status, request, created_at, updated_at)
VALUES ($1, $2, gen_random_uuid(), 'blog', $3, '{}', $4, $4)
"""
_PROJECT = "INSERT INTO workflow.projects (user_id, title, created_at) VALUES ($1, 'Garden', $2)"


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


class Rows:
    """What stands in the tables, by what a test calls it."""

    def __init__(self) -> None:
        self.ids: dict[str, UUID] = {}

    async def add(self, connection: asyncpg.Connection, sql: str, name: str, user: UUID, *values: Any) -> None:
        self.ids[name] = new_id()
        await connection.execute(sql, self.ids[name], user, *values)

    def names(self, items: list[dict[str, Any]]) -> list[str]:
        """Those of them that an answer lists, in its order."""
        known = {str(id): name for name, id in self.ids.items()}
        return [known[item["id"]] for item in items]


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Desk]:
    async with desk(workflow, generation) as running:
        yield running


@pytest.fixture(scope="module")
async def rows(platform: Desk) -> Rows:
    made = Rows()
    connection = await asyncpg.connect(platform.admin_dsn)
    try:
        for name, user, status, at in (
            ("ada runs", ADA, "running", ago(minutes=5)),
            ("eve is corrected", EVE, "correcting", ago(minutes=50)),
            ("ada hangs", ADA, "running", ago(minutes=70)),
            ("eve is done", EVE, "completed", ago(minutes=5)),
        ):
            await made.add(connection, _EXECUTION, name, user, status, at)
        for name, user, status, at in (
            ("ada waits", ADA, "queued", ago(minutes=3)),
            ("eve waits", EVE, "queued", ago(minutes=9)),
            ("ada has it", ADA, "completed", ago(minutes=90)),
            ("eve's is written", EVE, "processing", ago(minutes=20)),
            ("ada's is stuck", ADA, "processing", ago(hours=2)),
            ("eve's is stuck", EVE, "processing", ago(days=9)),
        ):
            await made.add(connection, _OUTPUT, name, user, status, at)
        for user, at in (
            (ADA, DAY),
            (ADA, DAY),
            (EVE, DAY),
            (EVE, DAY - timedelta(days=1)),
            (EVE, ago(days=99)),
        ):
            await connection.execute(_PROJECT, user, at)
    finally:
        await connection.close()
    return made


@pytest.fixture
def moderator(platform: Desk) -> Someone:
    return platform.someone("moderator")


async def pages(who: Someone, service: str, path: str, **params: Any) -> list[dict[str, Any]]:
    """All items, one a page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await who.get(service, path, limit=1, **params, **cursor)
        assert answer.status == 200, answer.body
        found += answer.body["items"]
        if answer.body["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.body["next_cursor"]}


async def test_active_executions_are_those_of_the_last_hour_the_longest_first(rows: Rows, moderator: Someone) -> None:
    found = await pages(moderator, "workflow", ACTIVE)
    assert rows.names(found) == ["eve is corrected", "ada runs"]
    assert [each["user_id"] for each in found] == [str(EVE), str(ADA)]


async def test_the_queue_shows_who_is_next(rows: Rows, moderator: Someone) -> None:
    found = await pages(moderator, "generation", QUEUE)
    assert rows.names(found) == ["eve waits", "ada waits"]
    assert found[0]["user_id"] == str(EVE)


async def test_stuck_is_what_nothing_was_heard_of_for_an_hour_or_as_asked(rows: Rows, moderator: Someone) -> None:
    assert rows.names(await pages(moderator, "generation", STUCK)) == ["eve's is stuck", "ada's is stuck"]
    assert rows.names(await pages(moderator, "generation", STUCK, minutes=600)) == ["eve's is stuck"]
    assert len(await pages(moderator, "generation", STUCK, minutes=10)) == 3


async def test_activity_counts_users_and_projects_by_day(rows: Rows, moderator: Someone) -> None:
    answer = await moderator.get("workflow", ACTIVITY)
    day = DAY.date()
    assert answer.body == [
        {"day": str(day), "active_users": 2, "total_projects": 3},
        {"day": str(day - timedelta(days=1)), "active_users": 1, "total_projects": 1},
    ]
    assert len((await moderator.get("workflow", ACTIVITY, days=120)).body) == 3
    assert (await moderator.get("workflow", ACTIVITY, days=2)).body == []


@pytest.mark.parametrize(
    ("service", "path"),
    [("workflow", ACTIVE), ("workflow", ACTIVITY), ("generation", QUEUE), ("generation", STUCK)],
)
@pytest.mark.parametrize("role", ["viewer", "reviewer"])
async def test_others_have_no_business_there(platform: Desk, service: str, path: str, role: str) -> None:
    answer = await platform.someone(role).get(service, path)
    assert answer.status == 403
    assert "moderator" in answer.body["detail"]


@pytest.mark.parametrize(
    ("service", "path", "params"),
    [
        ("workflow", ACTIVITY, {"days": 0}),
        ("workflow", ACTIVITY, {"days": 367}),
        ("workflow", ACTIVITY, {"days": "week"}),
        ("generation", STUCK, {"minutes": 0}),
        ("generation", STUCK, {"minutes": 43_201}),
    ],
)
async def test_spans_beyond_reason_are_refused(
    moderator: Someone, service: str, path: str, params: dict[str, Any]
) -> None:
    answer = await moderator.get(service, path, **params)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, f"query/{next(iter(params))}")


@pytest.mark.parametrize(("service", "path"), [("workflow", ACTIVE), ("generation", QUEUE), ("generation", STUCK)])
async def test_a_cursor_of_ones_own_making_is_refused(moderator: Someone, service: str, path: str) -> None:
    assert (await moderator.get(service, path, cursor="mine")).status == 400
