"""Connections, the blog's pages, and the tables behind publishing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic import command

from deploy.migrate import alembic_config, migrate
from shared.rebuild import rebuild
from tests.integration.publishing_desk import Author, Press, press


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Press]:
    async with press(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
async def ada(house: Press) -> Author:
    await house.sandbox.reset()
    return house.author()


async def test_a_token_is_kept_encrypted_and_never_given_back(ada: Author) -> None:
    account = await ada.connect("x", settings={"max_length": 25_000}, username="ada")
    listed = (await ada.get("/api/v1/connections")).body["items"]
    assert listed == [account]
    assert ada.token not in str(listed)
    assert (account["instance_url"], account["settings"], account["is_default"]) == (
        ada.sandbox.base_url,
        {"max_length": 25_000},
        True,
    )
    pool = ada.kit.database.pool
    row = await pool.fetchrow("SELECT * FROM platform_connections WHERE id = $1", UUID(account["id"]))
    stored = await pool.fetchrow(
        "SELECT data::text, private FROM events WHERE type = 'ConnectionAdded' AND data->>'connection_id' = $1",
        account["id"],
    )
    assert ada.kit.store.cipher.decrypt(row["access_token"].encode()).decode() == ada.token
    assert ada.token not in str(dict(row)) + stored["data"] + stored["private"].decode("latin-1")


async def test_a_connection_is_made_once_for_a_key_and_refused_when_it_makes_no_sense(ada: Author) -> None:
    body = {"platform": "linkedin", "name": " Page ", "access_token": ada.token}
    headers = {"Authorization": f"Bearer {ada.someone.token}", "Idempotency-Key": "once"}
    made = []
    for _ in range(2):
        async with ada.desk.http.post(
            ada.desk.urls["publishing"] + "/api/v1/connections", json=body, headers=headers
        ) as answer:
            assert answer.status == 201
            made.append(await answer.json())
    assert made[0] == made[1]
    assert made[0]["name"] == "Page"
    for wrong, status in (
        ({**body}, 409),
        ({**body, "name": "Blog", "platform": "blog"}, 422),
        ({**body, "name": "Inside", "instance_url": "http://169.254.169.254/"}, 422),
        ({**body, "name": "Elsewhere", "instance_url": "https://example.org"}, 422),
        ({**body, "name": "Odd", "access_token": "two words"}, 422),
        ({**body, "name": "Odd", "access_token": ""}, 422),
        ({**body, "name": "\x00"}, 422),
        ({**body, "name": "Extra", "settings": {"refresh_token": "secret"}}, 422),
        ({**body, "name": "Sky", "platform": "bluesky"}, 422),
        ({**body, "name": "Sky", "platform": "bluesky", "username": "ada.test", "instance_url": "http://a.b"}, 422),
        ({**body, "name": "Site", "platform": "ghost", "instance_url": "https://example.org"}, 422),
        ({**body, "name": "Site", "platform": "ghost", "access_token": "ab:00ff"}, 422),
        ({**body, "name": "Site", "platform": "ghost", "access_token": "ab:00ff", "instance_url": "ftp://a"}, 422),
    ):
        refused = await ada.post("/api/v1/connections", wrong)
        assert (refused.status, ada.token in str(refused.body)) == (status, False), refused.body
    assert len((await ada.get("/api/v1/connections")).body["items"]) == 1


async def test_a_connection_can_be_tested_without_posting(ada: Author) -> None:
    for name in ("x", "linkedin"):
        account = await ada.connect(name)
        tested = (await ada.post(f"/api/v1/connections/{account['id']}/test")).body
        assert tested["ok"] is True
        assert tested["username"]
        bad = await ada.connect(name, name=f"Bad {name}", access_token="forged")
        tested = (await ada.post(f"/api/v1/connections/{bad['id']}/test")).body
        assert (tested["ok"], tested["error_class"]) == (False, "disconnected")
        assert "again" in tested["detail"]
        assert await ada.posted(name) == []


async def test_a_connection_that_goes_leaves_no_token_and_another_default(ada: Author) -> None:
    first = await ada.connect("x")
    second = await ada.connect("x", name="Work")
    assert await ada.remove(second["id"]) == 204
    assert await ada.remove(second["id"]) == 204
    (left,) = (await ada.get("/api/v1/connections")).body["items"]
    assert (left["id"], left["is_default"]) == (first["id"], True)
    assert (await ada.post(f"/api/v1/connections/{second['id']}/test")).status == 404


async def test_the_blog_is_read_by_everyone_and_asked_for_again_cheaply(ada: Author) -> None:
    job = await ada.job(await ada.publish("blog"), "published")
    slug = job["response_data"]["platform_post_id"]
    base = ada.desk.urls["publishing"] + "/blog"
    for path, kind in (
        ("", "text/html; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        (f"/{slug}.html", "text/html; charset=utf-8"),
        (f"/{slug}.md", "text/markdown; charset=utf-8"),
        ("/feed.xml", "application/atom+xml; charset=utf-8"),
    ):
        async with ada.desk.http.get(base + path) as answer:
            assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
            assert (job["id"] if path.endswith((".md", ".xml")) else slug) in await answer.text()
            etag = answer.headers["ETag"]
        async with ada.desk.http.get(base + path, headers={"If-None-Match": etag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with ada.desk.http.head(base + path) as answer:
            assert (answer.status, answer.headers["ETag"], await answer.read()) == (200, etag, b"")


async def test_nothing_but_the_blog_is_served(ada: Author, house: Press) -> None:
    await ada.job(await ada.publish("blog"), "published")
    (house.folder / "secret.html").write_text("TREASURE")
    (house.folder / "blog" / "deeper").mkdir(exist_ok=True)
    (house.folder / "blog" / "deeper" / "page.html").write_text("TREASURE")
    (house.folder / "blog" / "link.html").unlink(missing_ok=True)
    (house.folder / "blog" / "link.html").symlink_to(house.folder / "secret.html")
    assert (house.folder / "blog" / ".lock").exists()
    port = int(ada.desk.urls["publishing"].rpartition(":")[2])
    for path in (
        "/blog/../secret.html",
        "/blog/..%2fsecret.html",
        "/blog/%2e%2e/secret.html",
        "/blog/..%5csecret.html",
        "/blog//etc/passwd",
        "/blog/.lock",
        "/blog/deeper/page.html",
        "/blog/link.html",
        "/blog/none.html",
        "/blog/%00.html",
    ):
        # By hand: a client would tidy the path first.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: blog\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert b" 404 " in head.splitlines()[0], path
        assert b"application/problem+json" in head
        assert b"TREASURE" not in body


async def test_rebuilt_rows_equal_live_rows(ada: Author, house: Press) -> None:
    first = await ada.connect("x", settings={"max_length": 4000})
    await ada.connect("x", name="Work")
    gone = await ada.connect("linkedin")
    await ada.job(await ada.publish("x", connection_id=first["id"]), "published")
    await ada.sandbox.fault("x", "http_500")
    await ada.job(await ada.publish("x"), "published")
    assert await ada.remove(gone["id"]) == 204
    failed = await ada.job(await ada.publish("linkedin"), "failed")
    await ada.post(f"/api/v1/jobs/{failed['id']}/retry")
    await ada.job(failed["workflow_id"], "failed")
    later = await ada.job(await ada.publish("blog", scheduled_for="2090-01-01T00:00:00Z"), "scheduled")
    await ada.post(f"/api/v1/jobs/{later['id']}/reschedule", {"scheduled_for": "2091-01-01T00:00:00Z"})
    await ada.post(f"/api/v1/jobs/{later['id']}/cancel")

    tables = ("publishing_jobs", "platform_connections", "draft_texts")

    async def rows() -> list[dict[str, Any]]:
        pool = ada.kit.database.pool
        return [dict(row) for table in tables for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY 1")]

    live = await rows()
    rebuilt = await rebuild(ada.kit, house.desk.admin_dsn)
    assert set(rebuilt.tables) >= set(tables)
    assert await rows() == live


async def test_the_tables_are_the_documented_ones_and_can_be_taken_back(house: Press) -> None:
    connection = await asyncpg.connect(house.desk.admin_dsn)
    try:
        found = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'publishing'"
        )
        columns = {(row["table_name"], row["column_name"]) for row in found}
        assert {name for table, name in columns if table == "publishing_jobs"} >= {
            "id",
            "workflow_id",
            "platform",
            "status",
            "scheduled_for",
            "published_at",
            "response_data",
            "created_at",
        }
        assert {name for table, name in columns if table == "platform_connections"} >= {
            *("id", "user_id", "name", "platform_type", "instance_url", "username", "access_token", "client_key"),
            *("client_secret", "is_active", "is_default", "created_at", "updated_at", "last_used"),
        }
        indexes = {
            row["indexname"]
            for row in await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'publishing'")
        }
        assert indexes >= {
            *("idx_publishing_job_workflow_id", "idx_publishing_job_status", "idx_publishing_job_scheduled_for"),
            *("ix_platform_user_active", "ix_platform_type_active", "ix_platform_instance_type"),
            *("uq_user_platform_name", "uq_user_instance_username", "uq_publishing_job_draft"),
        }
        await connection.execute("CREATE DATABASE spare")
    finally:
        await connection.close()
    spare = house.desk.admin_dsn.rpartition("/")[0] + "/spare"
    await migrate(spare, {})
    config = alembic_config(spare, "publishing")
    await asyncio.to_thread(command.downgrade, config, "0001")
    connection = await asyncpg.connect(spare)
    try:
        left = "SELECT to_regclass('publishing.publishing_jobs'), to_regproc('publishing.set_updated_at')"
        assert tuple(await connection.fetchrow(left)) == (None, None)
    finally:
        await connection.close()
    await asyncio.to_thread(command.upgrade, config, "head")
