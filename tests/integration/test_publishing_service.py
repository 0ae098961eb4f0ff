"""Publishing jobs at work: now, later, again, never twice, and only for their owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.publishing.domain.commands import QueueJob, StartJob
from shared.ids import new_id
from tests.integration.desk import until
from tests.integration.publishing_desk import CALL, Author, Press, post_by_hand, press, schedule_by_hand


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> Author:
    await house.sandbox.reset()
    return house.author()


@pytest.fixture
def eve(house: Press) -> Author:
    return house.author()


async def test_accepted_drafts_are_published_once_on_every_platform(ada: Author) -> None:
    accounts = {name: await ada.connect(name) for name in ("x", "linkedin")}
    workflow_id = await ada.publish("linkedin", "x", "blog")
    jobs = await ada.jobs(workflow_id, "published")
    states = await ada.someone.states(workflow_id, "published")

    for name, job in jobs.items():
        assert job["url"] == job["response_data"]["url"] == states[name]["url"]
        assert job["response_data"]["engagement"] == {"likes": 0, "comments": 0, "shares": 0}
        assert (job["attempt"], job["error"], job["next_attempt_at"]) == (1, None, None)
        assert datetime.fromisoformat(job["published_at"]) <= datetime.now(UTC)
    for name in ("x", "linkedin"):
        (post,) = await ada.posted(name)
        assert (post["id"], post["url"]) == (jobs[name]["response_data"]["platform_post_id"], jobs[name]["url"])
        used = (await ada.get(f"/api/v1/connections/{accounts[name]['id']}")).body
        assert used["last_used"] is not None
    assert [type(event).__name__ for event in await ada.events(jobs["x"]["id"])] == [
        "JobQueued",
        "JobStarted",
        "JobPublished",
    ]
    assert (await ada.someone.get("workflow", f"/api/v1/workflows/{workflow_id}")).body["status"] == "completed"


async def test_the_whole_story_bears_one_correlation_and_one_trace(ada: Author) -> None:
    workflow_id = await ada.publish("blog")
    job = await ada.job(workflow_id, "published")
    events = await ada.events(job["id"])
    assert {str(event.meta.correlation_id) for event in events} == {workflow_id}


async def test_a_text_that_is_written_after_the_request_is_waited_for(ada: Author) -> None:
    await ada.connect("x")
    workflow_id = await ada.someone.start("Bread rises. It is eaten.", platforms=["x"])
    await ada.someone.states(workflow_id, "awaiting_review")
    edit = {"platform": "x", "action": "edit_and_publish", "content": f"My own words, {new_id()}."}
    await ada.someone.post("workflow", f"/api/v1/workflows/{workflow_id}/review", {"decisions": [edit]})
    await ada.job(workflow_id, "published")
    (post,) = await ada.posted("x")
    assert post["text"] == edit["content"]


async def test_a_text_that_never_comes_ends_in_a_failure_that_says_so(ada: Author) -> None:
    job_id, workflow_id = new_id(), new_id()
    await ada.kit.handle(QueueJob(job_id, workflow_id, ada.someone.user_id, "x", new_id()), actor=None)
    job = await ada.job(str(workflow_id), "failed")
    assert (job["error_class"], job["attempt"]) == ("transient", 0)
    assert "has not arrived" in job["error"]
    assert await ada.posted("x") == []


async def test_without_an_account_the_job_fails_and_is_retried_when_there_is_one(ada: Author) -> None:
    workflow_id = await ada.publish("x")
    job = await ada.job(workflow_id, "failed")
    assert (job["error_class"], job["error"]) == (
        "disconnected",
        "No X account is connected. Connect one, then publish again.",
    )
    await ada.connect("x")
    retried = await ada.post(f"/api/v1/jobs/{job['id']}/retry")
    assert retried.status == 200
    done = await ada.job(workflow_id, "published")
    assert (done["attempt"], done["error"], len(await ada.posted("x"))) == (2, None, 1)
    assert (await ada.someone.states(workflow_id, "published"))["x"]["url"] == done["url"]
    again = await ada.post(f"/api/v1/jobs/{job['id']}/retry")
    assert (again.status, again.body["current"]) == (409, "published")


async def test_a_connection_that_is_gone_is_not_replaced_behind_the_users_back(ada: Author) -> None:
    first = await ada.connect("x")
    other = await ada.connect("x", name="Work", access_token=ada.token + "-work")
    assert (await ada.get(f"/api/v1/connections/{first['id']}")).body["is_default"] is False
    workflow_id = await ada.publish("x", connection_id=first["id"], scheduled_for="2090-01-01T00:00:00Z")
    job = await ada.job(workflow_id, "scheduled")
    await ada.remove(first["id"])
    soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    assert (await ada.post(f"/api/v1/jobs/{job['id']}/reschedule", {"scheduled_for": soon})).status == 200
    failed = await ada.job(workflow_id, "failed")
    assert "is gone" in failed["error"]
    assert (await ada.post(f"/api/v1/jobs/{job['id']}/retry", {"connection_id": other["id"]})).status == 200
    assert (await ada.job(workflow_id, "published"))["connection_id"] == other["id"]


async def test_an_accepted_post_whose_answer_was_lost_is_found_not_posted_again(ada: Author) -> None:
    await ada.connect("x")
    await ada.sandbox.fault("x", "500_after_accept")
    workflow_id = await ada.publish("x")
    job = await ada.job(workflow_id, "published")
    (post,) = await ada.posted("x")
    assert job["response_data"]["platform_post_id"] == post["id"]
    assert [type(event).__name__ for event in await ada.events(job["id"])] == [
        "JobQueued",
        "JobStarted",
        "JobPostponed",
        "JobStarted",
        "JobPublished",
    ]


async def test_a_post_that_is_surely_not_out_is_posted(ada: Author) -> None:
    await ada.connect("x")
    await ada.sandbox.fault("x", "http_500")
    await ada.job(await ada.publish("x"), "published")
    assert len(await ada.posted("x")) == 1


async def test_where_nobody_can_look_the_user_is_told_to(ada: Author) -> None:
    await ada.connect("linkedin")
    await ada.sandbox.fault("linkedin", "500_after_accept")
    workflow_id = await ada.publish("linkedin")
    job = await ada.job(workflow_id, "failed")
    assert job["error_class"] == "outcome_unknown"
    assert "Look at your account on LinkedIn before posting it again" in job["error"]
    assert len(await ada.posted("linkedin")) == 1
    assert (await ada.someone.states(workflow_id, "failed"))["linkedin"]["reason"] == job["error"]


async def test_a_rate_limit_is_waited_for_and_can_be_called_off_meanwhile(ada: Author) -> None:
    await ada.connect("x")
    await ada.sandbox.fault("x", "429_without_reset")
    workflow_id = await ada.publish("x")

    async def postponed() -> dict[str, Any] | None:
        job = await ada.job(workflow_id, "queued", "publishing")
        return job if job["next_attempt_at"] else None

    job = await until(postponed)
    wait = datetime.fromisoformat(job["next_attempt_at"]) - datetime.now(UTC)
    assert timedelta(seconds=30) < wait <= timedelta(seconds=60)
    assert (job["status"], job["error_class"]) == ("queued", "rate_limited")
    assert (await ada.post(f"/api/v1/jobs/{job['id']}/cancel")).body["status"] == "cancelled"
    assert await ada.tasks(job["id"]) == 0


async def test_a_bad_token_keeps_the_post_waiting_and_says_what_to_do(ada: Author) -> None:
    await ada.connect("x", access_token="forged")
    workflow_id = await ada.publish("x")

    async def waits() -> dict[str, Any] | None:
        job = await ada.job(workflow_id, "queued", "publishing")
        return job if job["error_class"] else None

    job = await until(waits)
    assert (job["status"], job["error_class"], job["attempt"]) == ("queued", "disconnected", 1)
    assert "Connect X again" in job["error"]


async def test_a_scheduled_post_goes_out_on_time_and_not_before(ada: Author) -> None:
    await ada.connect("x")
    due = datetime.now(UTC) + timedelta(seconds=2)
    workflow_id = await ada.publish("x", scheduled_for=due.isoformat(), time_zone="Asia/Seoul")
    job = await ada.job(workflow_id, "scheduled")
    assert datetime.fromisoformat(job["scheduled_for"]) == due
    assert job["time_zone"] == "Asia/Seoul"
    done = await ada.job(workflow_id, "published")
    assert due <= datetime.fromisoformat(done["published_at"]) < due + timedelta(seconds=10)


async def test_a_scheduled_job_gets_another_time_or_is_called_off(ada: Author) -> None:
    workflow_id = await ada.publish("blog", scheduled_for="2090-03-01T09:00:00", time_zone="Europe/Berlin")
    job = await ada.job(workflow_id, "scheduled")
    assert job["scheduled_for"] == job["next_attempt_at"] == "2090-03-01T08:00:00Z"
    path = f"/api/v1/jobs/{job['id']}"
    body = {"scheduled_for": "2090-10-29T02:30:00", "time_zone": "Europe/Berlin"}
    moved = await ada.post(f"{path}/reschedule", body)
    assert (moved.status, moved.body["scheduled_for"]) == (200, "2090-10-29T00:30:00Z")  # twice: the first of the two
    assert (await ada.post(f"{path}/reschedule", body)).body == moved.body
    for wrong, saying in (
        ({"scheduled_for": "2020-01-01T00:00:00Z"}, "has passed"),
        ({"scheduled_for": "2090-03-26T02:30:00", "time_zone": "Europe/Berlin"}, "does not exist"),
        ({"scheduled_for": "2090-03-26T02:30:00"}, "time_zone"),
        ({"scheduled_for": "2090-03-26T02:30:00", "time_zone": "Mars/Olympus"}, "no time zone"),
    ):
        refused = await ada.post(f"{path}/reschedule", wrong)
        assert (refused.status, saying in refused.body["detail"]) == (422, True), refused.body
    assert await ada.tasks(job["id"]) == 1
    cancelled = await ada.post(f"{path}/cancel")
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    assert (await ada.post(f"{path}/cancel")).body == cancelled.body
    assert await ada.tasks(job["id"]) == 0
    refused = await ada.post(f"{path}/reschedule", body)
    assert (refused.status, refused.body["current"]) == (409, "cancelled")
    # Called off, the accepted draft may be published after all.
    again = {"publications": [{"platform": "blog"}]}

    async def accepted() -> bool | None:
        answer = await ada.someone.post("workflow", f"/api/v1/workflows/{workflow_id}/publish", again)
        return answer.status == 202 or None

    await until(accepted)
    jobs = await ada.someone.get("publishing", "/api/v1/jobs", workflow_id=workflow_id, status="cancelled")
    assert [row["id"] for row in jobs.body["items"]] == [job["id"]]

    async def published() -> bool | None:
        rows = (await ada.get("/api/v1/jobs", workflow_id=workflow_id, status="published")).body["items"]
        return len(rows) == 1 or None

    await until(published)


async def test_what_a_deleted_project_had_scheduled_is_called_off(ada: Author) -> None:
    project = await ada.someone.post("workflow", "/api/v1/projects", {"title": "Bread"})
    options = {"scheduled_for": "2090-03-01T09:00:00Z", "project_id": project.body["id"]}
    job = await ada.job(await ada.publish("blog", **options), "scheduled")
    await ada.someone.delete("workflow", f"/api/v1/projects/{project.body['id']}")

    async def gone() -> bool | None:
        return (await ada.get(f"/api/v1/jobs/{job['id']}")).status == 404 or None

    await until(gone)
    assert await ada.tasks(job["id"]) == 0
    assert [type(event).__name__ for event in await ada.events(job["id"])][-2:] == ["JobCancelled", "JobErased"]


@pytest.mark.parametrize(("name", "outcome"), [("x", "published"), ("linkedin", "failed")])
async def test_an_attempt_that_nobody_knows_the_end_of_never_leads_to_a_second_post(
    ada: Author, name: str, outcome: str
) -> None:
    """As after a crash between the call and its recording: started, posted, not recorded, lease run out."""
    account = await ada.connect(name)
    workflow_id, job_id = await schedule_by_hand(ada.kit, ada.someone.user_id, name, soon())
    kit = ada.kit
    long_ago = datetime.now(UTC) - timedelta(seconds=CALL)
    start = StartJob(job_id, 1, 1, new_id(), UUID(account["id"]), long_ago, timedelta(seconds=CALL))
    await kit.handle(start, actor=None)
    await post_by_hand(ada, name, job_id)
    await kit.database.pool.execute(
        "UPDATE tasks SET due_at = now(), attempts = 1 WHERE payload->>'job_id' = $1", str(job_id)
    )
    kit.workers.wake()
    job = await ada.job(str(workflow_id), outcome)
    assert len(await ada.posted(name)) == 1
    assert job["error_class"] == (None if outcome == "published" else "outcome_unknown")


async def test_while_the_first_call_may_still_go_on_no_other_is_made(ada: Author) -> None:
    account = await ada.connect("x")
    workflow_id, job_id = await schedule_by_hand(ada.kit, ada.someone.user_id, "x", soon())
    kit = ada.kit
    began = datetime.now(UTC)
    await kit.handle(StartJob(job_id, 1, 1, new_id(), UUID(account["id"]), began, timedelta(seconds=CALL)), actor=None)
    await kit.database.pool.execute(
        "UPDATE tasks SET due_at = now(), attempts = 1 WHERE payload->>'job_id' = $1", str(job_id)
    )
    kit.workers.wake()
    job = await ada.job(str(workflow_id), "published")
    assert datetime.fromisoformat(job["published_at"]) >= began + timedelta(seconds=CALL)
    assert len(await ada.posted("x")) == 1


async def test_jobs_are_listed_page_by_page_and_by_state(ada: Author) -> None:
    for _ in range(3):
        await ada.job(await ada.publish("blog"), "published")
    await ada.job(await ada.publish("x"), "failed")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await ada.get("/api/v1/jobs", limit=3, **({"cursor": cursor} if cursor else {}))).body
        seen += [job["id"] for job in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 4
    assert len((await ada.get("/api/v1/jobs", status="published")).body["items"]) == 3
    assert (await ada.get("/api/v1/jobs", status="lost")).status == 422
    assert (await ada.get("/api/v1/jobs", cursor="nonsense")).status == 400


async def test_what_belongs_to_others_does_not_exist(ada: Author, eve: Author) -> None:
    account = await ada.connect("x")
    workflow_id = await ada.publish("blog", scheduled_for="2090-01-01T00:00:00Z")
    job = await ada.job(workflow_id, "scheduled")
    later = {"scheduled_for": "2091-01-01T00:00:00Z"}
    for path, body in (("retry", None), ("cancel", None), ("reschedule", later)):
        assert (await eve.post(f"/api/v1/jobs/{job['id']}/{path}", body)).status == 404
        assert (await eve.post(f"/api/v1/jobs/{new_id()}/{path}", body)).status == 404
    assert (await eve.get(f"/api/v1/jobs/{job['id']}")).status == 404
    assert (await eve.get("/api/v1/jobs", workflow_id=workflow_id)).body["items"] == []
    assert (await eve.get(f"/api/v1/connections/{account['id']}")).status == 404
    assert (await eve.post(f"/api/v1/connections/{account['id']}/test")).status == 404
    assert await eve.remove(account["id"]) == 404
    assert (await eve.get("/api/v1/connections")).body["items"] == []
    assert (await ada.get(f"/api/v1/jobs/{job['id']}")).body == job
    for table in ("publishing_jobs", "platform_connections", "draft_texts"):
        for user_id, some in ((ada.someone.user_id, True), (eve.someone.user_id, False)):
            async with ada.kit.database.reading(user_id) as connection:
                assert await connection.fetchval(f"SELECT count(*) > 0 FROM {table}") is some
    anonymous = replace(ada, someone=replace(ada.someone, token=""))
    assert (await anonymous.get("/api/v1/jobs")).status == 401


def soon() -> datetime:
    """Late enough not to be begun before the test says so."""
    return datetime.now(UTC) + timedelta(hours=1)
