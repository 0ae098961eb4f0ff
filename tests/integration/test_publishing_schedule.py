"""Slots, the calendar, and jobs that nobody was going to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from services.publishing.domain.commands import HoldJob, StartJob
from shared.ids import new_id
from shared.rebuild import rebuild
from tests.integration.desk import until
from tests.integration.publishing_desk import CALL, Author, Press, post_by_hand, press, schedule_by_hand

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
BERLIN = {"platform": "blog", "weekdays": EVERY_DAY, "local_time": "09:00", "time_zone": "Europe/Berlin"}


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> Author:
    await house.sandbox.reset()
    return house.author()


async def add(author: Author, **more: Any) -> dict[str, Any]:
    answer = await author.post("/api/v1/slots", BERLIN | more)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.body
    return found


def at(job: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(job["scheduled_for"])


async def test_posts_take_the_next_free_slots_one_each(ada: Author) -> None:
    await add(ada)
    following = (await ada.get("/api/v1/slots/next", platform="blog")).body
    workflows = await asyncio.gather(*(ada.publish("blog", next_free_slot=True) for _ in range(3)))
    jobs = sorted([await ada.job(each, "scheduled") for each in workflows], key=at)
    assert jobs[0]["scheduled_for"] == following["at"]
    for sooner, later in pairwise(jobs):
        assert timedelta(hours=22) <= at(later) - at(sooner) <= timedelta(hours=26)
        assert later["time_zone"] == "Europe/Berlin"
    first = jobs[0]
    assert (await ada.post(f"/api/v1/jobs/{first['id']}/cancel")).status == 200
    moved = await ada.post(f"/api/v1/jobs/{jobs[2]['id']}/reschedule", {"next_free_slot": True})
    assert (moved.status, moved.body["scheduled_for"]) == (200, first["scheduled_for"])
    by_hand = {"scheduled_for": "2090-01-01T00:00:00Z"}
    assert (await ada.post(f"/api/v1/jobs/{jobs[1]['id']}/reschedule", by_hand)).status == 200
    again = await ada.job(await ada.publish("blog", next_free_slot=True), "scheduled")
    assert again["scheduled_for"] == jobs[1]["scheduled_for"]


async def test_a_post_without_a_slot_says_so_and_gets_one_later(ada: Author) -> None:
    failed = await ada.job(await ada.publish("blog", next_free_slot=True), "failed")
    assert "Add one at /api/v1/slots" in failed["error"]
    path = f"/api/v1/jobs/{failed['id']}/reschedule"
    refused = await ada.post(path, {"next_free_slot": True})
    assert (refused.status, "no free slot" in refused.body["detail"]) == (422, True)
    await add(ada)
    moved = await ada.post(path, {"next_free_slot": True})
    assert (moved.status, moved.body["status"], moved.body["error"]) == (200, "scheduled", None)
    assert await ada.tasks(failed["id"]) == 1


async def test_slots_that_make_no_sense_are_refused(ada: Author, house: Press) -> None:
    account = await ada.connect("x")
    for wrong, status in (
        ({"time_zone": "Mars/Olympus"}, 422),
        ({"time_zone": "../../etc/passwd"}, 422),
        ({"local_time": "24:00"}, 422),
        ({"local_time": "9:00"}, 422),
        ({"weekdays": []}, 422),
        ({"weekdays": [0]}, 422),
        ({"platform": "myspace"}, 422),
        ({"connection_id": account["id"]}, 404),  # an account of another platform
        ({"platform": "x", "connection_id": str(new_id())}, 404),
    ):
        refused = await ada.post("/api/v1/slots", BERLIN | wrong)
        assert refused.status == status, (wrong, refused.body)
    mine = await add(ada)
    assert (await ada.post("/api/v1/slots", BERLIN)).status == 409
    eve = house.author()
    assert (await eve.get("/api/v1/slots")).body == []
    assert (await eve.someone.delete("publishing", f"/api/v1/slots/{mine['id']}")).status == 404
    assert (await eve.get("/api/v1/slots/next", platform="blog")).status == 404
    assert (await ada.get("/api/v1/slots")).body == [mine]
    for _ in range(2):
        assert (await ada.someone.delete("publishing", f"/api/v1/slots/{mine['id']}")).status == 204
    assert (await ada.get("/api/v1/slots")).body == []
    job = await ada.job(await ada.publish("blog", scheduled_for="2090-01-01T00:00:00Z"), "scheduled")
    both = {"next_free_slot": True, "scheduled_for": "2091-01-01T00:00:00Z"}
    for body in ({}, both, {"time_zone": "Europe/Berlin"}):
        assert (await ada.post(f"/api/v1/jobs/{job['id']}/reschedule", body)).status == 422


async def test_slots_go_with_their_connection(ada: Author) -> None:
    account = await ada.connect("x")
    await add(ada, platform="x", connection_id=account["id"])
    kept = await add(ada)
    await ada.remove(account["id"])
    assert (await ada.get("/api/v1/slots")).body == [kept]


async def test_the_calendar_shows_what_went_out_what_is_to_go_out_and_what_is_free(ada: Author, house: Press) -> None:
    await add(ada, local_time="10:00")
    today = datetime.now(UTC).date()
    out = await ada.job(await ada.publish("blog"), "published")
    waits = await ada.job(await ada.publish("blog", next_free_slot=True), "scheduled")
    gone = await ada.job(await ada.publish("blog", next_free_slot=True), "scheduled")
    await ada.post(f"/api/v1/jobs/{gone['id']}/cancel")
    days = {"from": today - timedelta(days=1), "to": today + timedelta(days=6), "time_zone": "Europe/Berlin"}
    found = (await ada.get("/api/v1/calendar", **days)).body
    assert ([job["id"] for job in found["jobs"]], found["complete"]) == ([out["id"], waits["id"]], True)
    free = [each["at"] for each in found["free_slots"]]
    assert gone["scheduled_for"] in free
    assert waits["scheduled_for"] not in free
    assert free == sorted(free)
    left = {datetime.fromisoformat(each).date() for each in (*free, waits["scheduled_for"])}
    assert left == {min(left) + timedelta(days=n) for n in range((days["to"] - min(left)).days + 1)}
    assert (await house.author().get("/api/v1/calendar", **days)).body["jobs"] == []
    for wrong in (
        {"to": today - timedelta(days=2)},
        {"to": today + timedelta(days=120)},
        {"from": "9999-12-30", "to": "9999-12-31"},
        {"time_zone": "Mars/Olympus"},
        {"from": "yesterday"},
    ):
        refused = await ada.get("/api/v1/calendar", **(days | wrong))
        assert refused.status == 422, (wrong, refused.body)


async def sweep(author: Author) -> None:
    """Have the sweep done that waits for its minute."""
    pool = author.kit.database.pool
    assert await pool.execute("UPDATE tasks SET due_at = now() WHERE kind = 'sweep_jobs'") == "UPDATE 1"
    author.kit.workers.wake()


async def test_a_job_that_is_on_nobodys_list_is_found_and_done(ada: Author) -> None:
    await ada.connect("x")
    due = datetime.now(UTC) + timedelta(hours=1)
    workflow_id, job_id = await schedule_by_hand(ada.kit, ada.someone.user_id, "x", due)
    waiting, _ = await schedule_by_hand(ada.kit, ada.someone.user_id, "x", due)
    pool = ada.kit.database.pool
    await pool.execute("DELETE FROM tasks WHERE payload->>'job_id' = $1", str(job_id))
    late = "UPDATE publishing_jobs SET next_attempt_at = now() - interval '3 minutes' WHERE id = $1"
    await pool.execute(late, job_id)
    await sweep(ada)
    assert (await ada.job(str(workflow_id), "published"))["id"] == str(job_id)
    assert (await ada.job(str(waiting), "scheduled"))["attempt"] == 0

    async def next_one() -> bool | None:
        return (
            await pool.fetchval("SELECT count(*) FROM tasks WHERE kind = 'sweep_jobs' AND due_at > now()") == 1 or None
        )

    await until(next_one)


async def test_a_job_that_is_found_while_it_may_be_out_is_looked_up_not_posted_again(ada: Author) -> None:
    account = await ada.connect("x")
    due = datetime.now(UTC) + timedelta(hours=1)
    workflow_id, job_id = await schedule_by_hand(ada.kit, ada.someone.user_id, "x", due)
    long_ago = datetime.now(UTC) - timedelta(seconds=CALL)
    start = StartJob(job_id, 1, 1, new_id(), UUID(account["id"]), long_ago, timedelta(seconds=CALL))
    await ada.kit.handle(start, actor=None)
    await post_by_hand(ada, "x", job_id)
    pool = ada.kit.database.pool
    await pool.execute("DELETE FROM tasks WHERE payload->>'job_id' = $1", str(job_id))
    await pool.execute("UPDATE publishing_jobs SET updated_at = now() - interval '3 minutes' WHERE id = $1", job_id)
    await pool.execute("UPDATE publishing_jobs SET scheduled_for = now() WHERE id = $1", job_id)
    await sweep(ada)
    await ada.job(str(workflow_id), "published")
    assert len(await ada.posted("x")) == 1


async def test_a_job_that_waits_for_an_account_that_works_is_let_go_on(ada: Author) -> None:
    account = await ada.connect("x", access_token="forged")
    workflow_id = await ada.publish("x")

    async def waits() -> dict[str, Any] | None:
        job = await ada.job(workflow_id, "queued", "publishing")
        return job if job["error_class"] else None

    job = await until(waits)
    pool = ada.kit.database.pool
    path = f"/api/v1/connections/{account['id']}"
    assert (await ada.someone.patch("publishing", path, {"access_token": ada.token})).status == 200
    await ada.job(workflow_id, "published")
    # As if it had begun to wait a moment after the others were let go.
    other, other_id = await schedule_by_hand(ada.kit, ada.someone.user_id, "x", datetime.now(UTC) + timedelta(hours=1))
    await ada.kit.handle(
        HoldJob(other_id, 1, UUID(account["id"]), "disconnected", "Connect X again.", called=False), actor=None
    )
    await pool.execute("DELETE FROM tasks WHERE payload->>'job_id' = $1", str(other_id))
    await pool.execute("UPDATE publishing_jobs SET updated_at = now() - interval '3 minutes' WHERE id = $1", other_id)
    await sweep(ada)
    assert (await ada.job(str(other), "published"))["id"] != job["id"]


async def test_rebuilt_slots_equal_live_slots(ada: Author, house: Press) -> None:
    await add(ada)

    async def rows() -> list[dict[str, Any]]:
        return [dict(row) for row in await ada.kit.database.pool.fetch("SELECT * FROM slots ORDER BY id")]

    live = await rows()
    await rebuild(ada.kit, house.desk.admin_dsn, ["slots"])
    assert await rows() == live
