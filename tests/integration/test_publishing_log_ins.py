"""Connecting by logging in at the platform; tokens that end, rotate and are taken back; posts that wait meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from services.publishing.oauth import state as states
from shared.ids import new_id
from shared.rebuild import rebuild
from tests.integration.desk import until
from tests.integration.publishing_desk import Author, Press, press


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> AsyncIterator[Author]:
    await house.sandbox.reset()
    yield house.author()
    await house.sandbox.log_ins(lifetime=7200, away=False)


async def connection(author: Author, connection_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await author.get(f"/api/v1/connections/{connection_id}")).body
    return found


async def tokens(author: Author, connection_id: str) -> Any:
    statement = "SELECT * FROM platform_connections WHERE id = $1"
    return await author.kit.database.pool.fetchrow(statement, UUID(connection_id))


async def events(author: Author, connection_id: str, kind: str) -> list[Any]:
    statement = "SELECT data FROM events WHERE type = $1 AND data->>'connection_id' = $2 ORDER BY version"
    return [row["data"] for row in await author.kit.database.pool.fetch(statement, kind, connection_id)]


@pytest.mark.parametrize("platform", ["x", "linkedin"])
async def test_an_account_is_connected_by_logging_in_and_posts_go_out_through_it(ada: Author, platform: str) -> None:
    account = f"{platform}{ada.account[-6:]}"
    answer = await ada.log_in(platform, account)
    assert answer.status == 200, answer.body
    made = answer.body
    assert (made["username"], made["is_default"], made["broken_at"]) == (account, True, None)
    assert (made["settings"].keys() & {"user_id", "author_urn"}) != set()
    lasts = datetime.fromisoformat(made["token_expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=100) < lasts <= timedelta(days=60)
    await ada.job(await ada.publish(platform), "published")
    posts = await ada.sandbox.accepted(platform)
    assert [post["username"] for post in posts] == [account]
    row = await tokens(ada, made["id"])
    assert ada.kit.store.cipher.decrypt(row["access_token"].encode()).decode().startswith(f"sandbox-{account}~")
    assert (row["refresh_token"] is not None) == (platform == "x")


async def test_the_address_asks_for_what_is_needed_and_shows_no_secret(ada: Author) -> None:
    begun = (await ada.post("/api/v1/connections/authorize", {"platform": "x"})).body
    query = dict(parse_qsl(urlsplit(begun["url"]).query))
    assert query["state"] == begun["state"]
    assert len(begun["state"]) <= 500  # what X takes
    assert (query["code_challenge_method"], "offline.access" in query["scope"]) == ("S256", True)
    assert "secret" not in begun["url"]


async def test_a_log_in_is_for_whoever_began_it_once_and_for_a_while(
    ada: Author, house: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    eve = house.author()
    begun = (await ada.post("/api/v1/connections/authorize", {"platform": "x"})).body
    back = await ada.sandbox.agree(begun["url"], "ada")
    lured = await eve.get("/api/v1/connections/callback", **back)
    assert (lured.status, "Somebody else" in lured.body["detail"]) == (403, True)
    first = await ada.get("/api/v1/connections/callback", **back)
    again = await ada.get("/api/v1/connections/callback", **back)
    assert (first.status, again.body) == (200, first.body)
    other = (await ada.post("/api/v1/connections/authorize", {"platform": "x"})).body["state"]
    for wrong, status, saying in (
        ({"code": back["code"], "state": other}, 422, "good once"),
        ({"code": "x", "state": "forged"}, 422, "not issued here"),
        ({"code": "x", "state": (await tokens(ada, first.body["id"]))["access_token"]}, 422, "not issued here"),
        ({"code": "x", "state": "é"}, 422, "not issued here"),
        ({"error": "access_denied", "state": other}, 422, "did not let Presswork in"),
        ({"state": other}, 422, "no code"),
    ):
        refused = await ada.get("/api/v1/connections/callback", **wrong)
        assert (refused.status, saying in refused.body["detail"]) == (status, True), refused.body
    monkeypatch.setattr("services.publishing.oauth.api.LIFETIME", -states.LIFETIME)
    late = await ada.log_in("x", "late")
    assert (late.status, "took too long" in late.body["detail"]) == (422, True)


async def test_what_cannot_be_connected_says_so(ada: Author) -> None:
    refused = await ada.log_in("x", "nobody")
    assert (refused.status, "access_denied" in refused.body["detail"]) == (422, True)
    assert (await ada.post("/api/v1/connections/authorize", {"platform": "blog"})).status == 422
    nobodys = {"platform": "x", "connection_id": str(new_id())}
    assert (await ada.post("/api/v1/connections/authorize", nobodys)).status == 404
    await ada.sandbox.log_ins(away=True)
    away = await ada.log_in("x", "ada")
    assert (away.status, "Nothing is connected yet" in away.body["detail"]) == (502, True)
    assert (await ada.get("/api/v1/connections")).body["items"] == []


async def test_a_token_is_renewed_before_it_ends_and_each_refresh_token_is_used_once(ada: Author) -> None:
    account = f"x{ada.account[-6:]}"
    before = await ada.sandbox.log_ins(lifetime=3)
    made = (await ada.log_in("x", account)).body

    async def renewed_twice() -> bool | None:
        return (await tokens(ada, made["id"]))["token_turn"] >= 3 or None

    await until(renewed_twice)
    assert await ada.sandbox.log_ins(lifetime=7200) >= before + 2
    assert (await connection(ada, made["id"]))["broken_at"] is None
    await ada.job(await ada.publish("x"), "published")


async def test_a_token_that_ended_early_is_renewed_and_the_post_goes_out_by_itself(ada: Author) -> None:
    account = f"x{ada.account[-6:]}"
    made = (await ada.log_in("x", account)).body
    row = await tokens(ada, made["id"])
    access = ada.kit.store.cipher.decrypt(row["access_token"].encode()).decode()
    await ada.sandbox.log_ins(end=access)
    job = await ada.job(await ada.publish("x"), "published")
    assert [type(event).__name__ for event in await ada.events(job["id"])] == [
        "JobQueued",
        "JobStarted",
        "JobHeld",
        "JobReleased",
        "JobStarted",
        "JobPublished",
    ]
    assert (await tokens(ada, made["id"]))["token_turn"] == 2


async def test_posts_wait_for_an_account_that_was_taken_back_and_go_out_when_it_is_connected_again(ada: Author) -> None:
    account = f"x{ada.account[-6:]}"
    made = (await ada.log_in("x", account)).body
    await ada.sandbox.log_ins(revoke=account)
    first = await ada.publish("x")

    async def broken() -> dict[str, Any] | None:
        found = await connection(ada, made["id"])
        return found if found["broken_at"] else None

    assert "Connect the account again" in (await until(broken))["problem"]
    second = await ada.publish("x")  # the platform is not even asked

    async def waits(workflow_id: str) -> dict[str, Any] | None:
        job = await ada.job(workflow_id, "queued", "publishing")
        return job if job["error_class"] else None

    for workflow_id in (first, second):
        job = await until(lambda workflow_id=workflow_id: waits(workflow_id))
        assert (job["status"], await ada.tasks(job["id"])) == ("queued", 0)
        assert "again" in job["error"]
    assert (job["attempt"], len(await events(ada, made["id"], "ConnectionBroken"))) == (0, 1)
    assert await ada.posted("x") == []

    again = await ada.log_in("x", account)
    assert (again.body["id"], again.body["broken_at"], again.body["problem"]) == (made["id"], None, None)
    for workflow_id in (first, second):
        assert (await ada.job(workflow_id, "published"))["error"] is None
    assert len(await ada.sandbox.accepted("x")) == 2


async def test_another_account_does_not_take_the_place_of_the_one_that_broke(ada: Author) -> None:
    made = (await ada.log_in("x", "ada-one")).body
    other = await ada.log_in("x", "ada-two", connection_id=made["id"])
    assert (other.status, "another account" in other.body["detail"]) == (409, True)
    assert (await ada.log_in("x", "ada-one", connection_id=made["id"])).body["id"] == made["id"]
    assert (await ada.log_in("x", "ada-two")).body["id"] != made["id"]


async def test_a_token_given_by_hand_is_replaced_by_hand(ada: Author) -> None:
    made = await ada.connect("linkedin", access_token="forged")
    workflow_id = await ada.publish("linkedin")

    async def waits() -> bool | None:
        job = await ada.job(workflow_id, "queued", "publishing")
        return job["error_class"] == "disconnected" or None

    await until(waits)
    assert (await connection(ada, made["id"]))["broken_at"] is not None
    path = f"/api/v1/connections/{made['id']}"
    for wrong in ({"access_token": "two words"}, {"refresh_token": "alone"}, {"token_expires_at": "2090-01-01T00:00"}):
        assert (await ada.someone.patch("publishing", path, wrong)).status == 422
    mended = await ada.someone.patch("publishing", path, {"access_token": ada.token})
    assert (mended.status, mended.body["broken_at"]) == (200, None)
    assert (await ada.job(workflow_id, "published"))["status"] == "published"


async def test_a_post_that_waits_is_sent_elsewhere_called_off_or_told_that_its_account_is_gone(ada: Author) -> None:
    made = await ada.connect("x", access_token="forged")
    other = await ada.connect("x", name="Work", is_default=False)
    workflows = [await ada.publish("x", connection_id=made["id"]) for _ in range(3)]

    async def waits(workflow_id: str) -> dict[str, Any] | None:
        job = await ada.job(workflow_id, "queued", "publishing")
        return job if job["error_class"] else None

    elsewhere, called_off, gone = [
        (await until(lambda workflow_id=workflow_id: waits(workflow_id)))["id"] for workflow_id in workflows
    ]
    assert (await ada.post(f"/api/v1/jobs/{elsewhere}/retry", {"connection_id": other["id"]})).status == 200
    assert (await ada.post(f"/api/v1/jobs/{called_off}/cancel")).body["status"] == "cancelled"
    await ada.remove(made["id"])
    assert (await ada.job(workflows[0], "published"))["id"] == elsewhere
    failed = await ada.job(workflows[2], "failed")
    assert (failed["id"], "is gone" in failed["error"]) == (gone, True)


async def test_a_token_that_cannot_be_renewed_is_told_of_when_it_ends(ada: Author) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=0.5)
    made = await ada.connect("linkedin", token_expires_at=ends.isoformat())

    async def broken() -> dict[str, Any] | None:
        found = await connection(ada, made["id"])
        return found if found["broken_at"] else None

    found = await until(broken)
    assert datetime.fromisoformat(found["broken_at"]) >= ends
    assert "is over" in found["problem"]


async def test_a_platform_that_is_away_does_not_cost_the_connection(ada: Author) -> None:
    account = f"x{ada.account[-6:]}"
    await ada.sandbox.log_ins(lifetime=2)
    made = (await ada.log_in("x", account)).body
    await ada.sandbox.log_ins(away=True, lifetime=7200)
    kind = "SELECT * FROM tasks WHERE kind = 'renew_token' AND payload->>'connection_id' = $1"

    async def put_off() -> Any:
        row = await ada.kit.database.pool.fetchrow(kind, made["id"])
        return row if row["last_error"] else None

    row = await until(put_off)
    assert (row["attempts"], "503" in row["last_error"]) == (0, True)
    assert (await connection(ada, made["id"]))["broken_at"] is None
    workflow_id = await ada.publish("x")  # the token ended meanwhile, so it waits, and asks for the renewal at once
    await ada.sandbox.log_ins(away=False)
    await ada.kit.database.pool.execute("UPDATE tasks SET due_at = now() WHERE id = $1", row["id"])
    ada.kit.workers.wake()
    await ada.job(workflow_id, "published")


async def test_rebuilt_rows_equal_live_rows(ada: Author, house: Press) -> None:
    """After everything that the tests before have done."""
    await ada.sandbox.log_ins(lifetime=7200)

    async def rows() -> list[dict[str, Any]]:
        pool = ada.kit.database.pool
        tables = ("publishing_jobs", "platform_connections")
        return [dict(row) for table in tables for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY 1")]

    live = await rows()
    assert {"broken_reason", "token_turn", "held_for"} <= {name for row in live for name in row}
    await rebuild(ada.kit, house.desk.admin_dsn)
    assert await rows() == live
