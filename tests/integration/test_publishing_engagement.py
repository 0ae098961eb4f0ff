"""How posts are doing: read from the platforms again and again, shown with the job, and not at any price."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from shared.rebuild import rebuild
from tests.integration.desk import until
from tests.integration.publishing_desk import Author, Press, press
from tests.sandbox.linkedin import MAY_READ

_LOOKS = """
SELECT (payload->>'number')::int AS number, due_at FROM tasks WHERE kind = 'measure' AND payload->>'job_id' = $1
"""
_NOW = """
UPDATE tasks SET due_at = now() WHERE kind = 'measure' AND payload->>'job_id' = $1 AND due_at > now() RETURNING due_at
"""


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> Author:
    await house.sandbox.reset()
    return house.author()


async def looks(author: Author, job_id: str) -> list[Any]:
    """Number and time of the looks at a job's post that are planned."""
    return list(await author.kit.database.pool.fetch(_LOOKS, job_id))


async def look_now(author: Author, job_id: str, number: int) -> None:
    """The next look is taken at once; over when the one after it is planned."""
    await author.kit.database.pool.execute(_NOW, job_id)
    author.kit.workers.wake()

    async def taken() -> bool | None:
        return any(row["number"] > number for row in await looks(author, job_id)) or None

    await until(taken)


async def engagement(author: Author, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await author.get(f"/api/v1/jobs/{job_id}")).body["response_data"]["engagement"]
    return found


async def test_figures_are_read_shown_and_read_again_ever_later(ada: Author) -> None:
    await ada.connect("x")
    await ada.connect("linkedin", access_token=f"sandbox-{MAY_READ}-{ada.account}")
    jobs = await ada.jobs(await ada.publish("x", "linkedin", "blog"), "published")
    assert await looks(ada, jobs["blog"]["id"]) == []
    ((number, due_at),) = await looks(ada, jobs["x"]["id"])
    assert number == 1
    assert (due_at - datetime.fromisoformat(jobs["x"]["published_at"])).total_seconds() == 900
    x, linkedin = (jobs[name]["response_data"]["platform_post_id"] for name in ("x", "linkedin"))
    await ada.sandbox.doing(x, likes=3, comments=1, shares=2, views=70)
    await ada.sandbox.doing(linkedin, likes=5, comments=4)
    for name in ("x", "linkedin"):
        await look_now(ada, jobs[name]["id"], 1)
    shown = await engagement(ada, jobs["x"]["id"])
    read_at = datetime.fromisoformat(shown.pop("measured_at"))
    assert shown == {"likes": 3, "comments": 1, "shares": 2, "quotes": 0, "views": 70}
    assert read_at > datetime.fromisoformat(jobs["x"]["published_at"])
    found = await engagement(ada, jobs["linkedin"]["id"])
    assert (found["likes"], found["comments"], found["shares"]) == (5, 4, None)
    await ada.sandbox.doing(x, likes=4)
    await look_now(ada, jobs["x"]["id"], 2)
    assert (await engagement(ada, jobs["x"]["id"]))["likes"] == 4
    await look_now(ada, jobs["x"]["id"], 3)  # nothing new, so nothing is written down
    kinds = [type(event).__name__ for event in await ada.events(jobs["x"]["id"])]
    assert kinds[2:] == ["JobPublished", "EngagementMeasured", "EngagementMeasured"]
    assert (await ada.get(f"/api/v1/jobs/{jobs['x']['id']}")).body["url"] == jobs["x"]["url"]


async def test_a_platform_that_tells_nothing_is_named_with_the_reason(ada: Author) -> None:
    await ada.connect("linkedin")
    job = await ada.job(await ada.publish("linkedin"), "published")
    await look_now(ada, job["id"], 1)
    shown = await engagement(ada, job["id"])
    assert (shown["likes"], "r_member_social" in shown["withheld"]) == (None, True)
    ((_, due_at),) = await looks(ada, job["id"])
    assert (due_at - datetime.fromisoformat(job["published_at"])).days >= 7


async def test_a_dead_token_is_noticed_before_the_next_post_needs_it(ada: Author) -> None:
    account = f"x{ada.account[-6:]}"
    made = (await ada.log_in("x", account)).body
    job = await ada.job(await ada.publish("x"), "published")
    await ada.sandbox.log_ins(revoke=account)
    await look_now(ada, job["id"], 1)

    async def broken() -> dict[str, Any] | None:
        found = (await ada.get(f"/api/v1/connections/{made['id']}")).body
        return found if found["broken_at"] else None

    assert "Connect the account again" in (await until(broken))["problem"]
    await look_now(ada, job["id"], 2)  # nobody asks with it
    assert (await engagement(ada, job["id"]))["likes"] == 0


async def test_nobody_looks_at_what_is_gone(ada: Author) -> None:
    made = await ada.connect("x")
    job = await ada.job(await ada.publish("x"), "published")
    await ada.remove(made["id"])
    await ada.kit.database.pool.execute(_NOW, job["id"])
    ada.kit.workers.wake()

    async def over() -> bool | None:
        return await looks(ada, job["id"]) == [] or None

    await until(over)


async def test_rebuilt_rows_show_the_same_figures(ada: Author, house: Press) -> None:
    pool = ada.kit.database.pool
    statement = "SELECT id, response_data::text FROM publishing_jobs ORDER BY id"
    before = [tuple(row) for row in await pool.fetch(statement)]
    assert any("measured_at" in row[1] for row in before)
    await rebuild(ada.kit, house.desk.admin_dsn)
    assert [tuple(row) for row in await pool.fetch(statement)] == before
