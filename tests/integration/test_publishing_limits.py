"""What platforms bear: posts at once and in 15 minutes, over all processes; a platform's word obeyed by all posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.publishing.limits import WINDOW, AccountRests, Limits, PlatformBusy, alone
from shared.ids import new_id
from tests.integration.desk import until
from tests.integration.publishing_desk import Author, Press, press, schedule_by_hand

CALL = timedelta(seconds=60)


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> Author:
    await house.sandbox.reset()
    return house.author()


async def test_what_a_platform_says_of_an_account_holds_for_all_its_posts(ada: Author) -> None:
    account = await ada.connect("x")
    await ada.sandbox.fault("x", "429_without_reset")
    first = await ada.publish("x")

    async def rests() -> dict[str, Any] | None:
        found: dict[str, Any] = (await ada.get(f"/api/v1/connections/{account['id']}")).body
        return found if found["paused_until"] else None

    until_when = datetime.fromisoformat((await until(rests))["paused_until"])
    assert timedelta(seconds=30) < until_when - datetime.now(UTC) <= timedelta(seconds=60)
    second = await ada.publish("x")

    async def put_off() -> dict[str, Any] | None:
        job = await ada.job(second, "queued", "publishing")
        return job if job["error_class"] == "rate_limited" else None

    job = await until(put_off)
    assert (job["attempt"], datetime.fromisoformat(job["next_attempt_at"])) == (0, until_when)  # not even asked
    assert first != second
    other = await ada.connect("x", name="Work", access_token=ada.token + "-work")
    await ada.job(await ada.publish("x", connection_id=other["id"]), "published")


def brief(account: UUID, status: str = "queued", platform: str = "x") -> dict[str, Any]:
    return {"job_id": new_id(), "status": status, "platform": platform, "id": account, "paused_until": None}


async def test_an_account_begins_so_many_posts_in_15_minutes_whatever_was_restarted_meanwhile(ada: Author) -> None:
    account = UUID((await ada.connect("x"))["id"])
    for _ in range(3):
        await ada.job(await ada.publish("x"), "published")
    pool, now = ada.kit.database.pool, datetime.now(UTC)
    limits = Limits({}, {"x": 4}, CALL)
    four = [brief(account) for _ in range(4)]
    refused = await limits.refusals(pool, four, now)
    assert four[0]["job_id"] not in refused
    lately = "SELECT started_at FROM publishing_jobs WHERE used_connection_id = $1 ORDER BY started_at"
    began = [row["started_at"] for row in await pool.fetch(lately, account)]
    waits = [refused[each["job_id"]] for each in four[1:]]
    assert [each.until for each in waits if isinstance(each, AccountRests)] == [each + WINDOW for each in began]
    assert await limits.refusals(pool, four[:3], now + WINDOW) == {}
    assert await limits.refusals(pool, [brief(account, "publishing") for _ in range(9)], now) == {}


async def test_only_so_many_posts_are_on_their_way_whichever_process_sends_them(ada: Author) -> None:
    await ada.connect("x")
    await ada.sandbox.fault("x", "slow", seconds=1.5)
    due = datetime.now(UTC)
    await schedule_by_hand(ada.kit, ada.someone.user_id, "x", due)
    pool = ada.kit.database.pool

    async def on_its_way() -> bool | None:
        running = "SELECT count(*) FROM publishing_jobs WHERE status = 'publishing' AND user_id = $1"
        return await pool.fetchval(running, ada.someone.user_id) == 1 or None

    await until(on_its_way)
    three = [brief(new_id()) for _ in range(3)]
    refused = await Limits({"x": 2}, {}, CALL).refusals(pool, three, datetime.now(UTC))
    assert [type(refused.get(each["job_id"])) for each in three] == [type(None), PlatformBusy, PlatformBusy]
    assert await Limits({"x": 1}, {}, CALL).refusals(pool, three[:1], datetime.now(UTC) + CALL) == {}


async def test_processes_begin_limited_jobs_one_after_the_other(ada: Author) -> None:
    pool, inside, most = ada.kit.database.pool, 0, 0

    async def begin() -> None:
        nonlocal inside, most
        async with alone(pool):
            inside += 1
            most = max(most, inside)
            await pool.fetchval("SELECT 1")
            inside -= 1

    await asyncio.wait_for(asyncio.gather(begin(), begin(), begin()), 45)
    assert (most, inside) == (1, 0)
