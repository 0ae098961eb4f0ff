"""Retention at media's: bytes without rows and rows without bytes go, unless something is wrong or in use."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from services.media.app import service as media
from services.workflow.app import service as workflow
from shared.http.client import ServiceClient
from shared.ids import new_id
from shared.kit import Kit
from shared.rebuild import rebuild
from shared.retention.run import Outcome, run
from tests.integration.desk import Desk, Someone, desk, until
from tests.rebuilding import assert_rebuild_equals_live

DAY = timedelta(days=1)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
async def platform(storage: Path) -> AsyncIterator[Desk]:
    async with desk(workflow, media, storage_url=storage.as_uri()) as running:
        yield running


@pytest.fixture
def kit(platform: Desk) -> Kit:
    return platform.kits["media"]


@pytest.fixture
def ada(platform: Desk) -> Someone:
    return platform.someone()


async def kept(who: Someone, text: str) -> Any:
    """A file whose text was read, as its row tells."""
    form = aiohttp.FormData()
    form.add_field("file", text.encode(), filename="a.md", content_type="text/markdown")
    headers = {"Authorization": f"Bearer {who.token}"}
    async with who.http.post(who.urls["media"] + "/api/v1/files", data=form, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        file_id = (await answer.json())["id"]

    async def read() -> str | None:
        found = await who.get("media", f"/api/v1/files/{file_id}")
        return file_id if found.body["text_status"] == "extracted" else None

    return await until(read)


async def paths(kit: Kit, file_id: str) -> list[str]:
    row = await kit.database.pool.fetchrow("SELECT path, text_path FROM files WHERE id = $1", UUID(file_id))
    return [row["path"], row["text_path"]]


async def file_ids(kit: Kit) -> set[str]:
    return {str(row["id"]) for row in await kit.database.pool.fetch("SELECT id FROM files")}


async def in_days(kit: Kit, days: float, *, dry: bool = False) -> dict[str, Outcome]:
    outcomes = await run(kit, dry=dry, now=datetime.now(UTC) + days * DAY)
    return {outcome.rule.name: outcome for outcome in outcomes}


def put(storage: Path, key: str, *, days: float) -> Path:
    """Bytes that were put so many days ago."""
    path = storage / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    age(path, days)
    return path


def age(path: Path, days: float) -> None:
    at = (datetime.now(UTC) - days * DAY).timestamp()
    os.utime(path, (at, at))


async def test_bytes_that_nothing_names_go_when_they_are_a_day_old(
    platform: Desk, kit: Kit, ada: Someone, storage: Path
) -> None:
    named = [storage / path for path in await paths(kit, await kept(ada, "Heaps steam because bacteria eat them."))]
    for path in named:
        age(path, 40)
    old = put(storage, f"{ada.user_id}/none/{new_id()}.md", days=1.1)
    old_image = put(storage, f"{ada.user_id}/images/{new_id()}", days=30)
    young = put(storage, f"{ada.user_id}/none/{new_id()}.md", days=0.9)
    foreign = put(storage, "somebody/elses.txt", days=30)
    piece = put(storage, f"{ada.user_id}/none/.0123456789abcdef.part", days=1.1)
    young_piece = put(storage, f"{ada.user_id}/none/.fedcba9876543210.part", days=0.9)

    dry = await in_days(kit, 0, dry=True)
    assert dry["orphaned_bytes"].found.count == 2
    assert dry["unfinished_uploads"].found.count == 1
    assert (oldest := dry["orphaned_bytes"].found.oldest) is not None
    assert abs(datetime.now(UTC) - 30 * DAY - oldest) < timedelta(minutes=1)
    assert old.exists()
    assert piece.exists()
    done = await in_days(kit, 0)
    assert (done["orphaned_bytes"].removed, done["unfinished_uploads"].removed, done["lost_files"].removed) == (2, 1, 0)
    assert not any(path.exists() for path in (old, old_image, piece))
    assert all(path.exists() for path in (*named, young, foreign, young_piece))
    await assert_rebuild_equals_live(kit, platform.admin_dsn)


async def test_rows_whose_bytes_are_gone_go_by_events_unless_a_workflow_was_given_them(
    platform: Desk, kit: Kit, ada: Someone, storage: Path
) -> None:
    lost, used, whole = [await kept(ada, f"Heaps steam because bacteria eat them, {number}.") for number in range(3)]
    body = {"source": {"file_id": used}, "platforms": ["x"]}
    started = await ada.post("workflow", "/api/v1/workflows", body)
    assert started.status == 201, started.body
    for file_id in (lost, used):
        (storage / (await paths(kit, file_id))[0]).unlink()
    assert (await in_days(kit, 0.9))["lost_files"].found.count == 0
    dry = (await in_days(kit, 1.1, dry=True))["lost_files"]
    assert (dry.found.count, dry.found.note) == (1, "1 in use: their bytes are gone, too")
    assert (await in_days(kit, 1.1))["lost_files"].removed == 1
    assert await file_ids(kit) == {used, whole}
    assert (await ada.get("media", f"/api/v1/files/{lost}")).status == 404
    await assert_rebuild_equals_live(kit, platform.admin_dsn)

    async with ServiceClient({"workflow": "http://127.0.0.1:1"}, "inside") as nobody:
        client, kit.client = kit.client, nobody
        try:
            stopped = (await in_days(kit, 1.1))["lost_files"].stopped
        finally:
            kit.client = client
    assert stopped.startswith("Which files are in use could not be asked: The workflow service cannot be reached")
    assert await file_ids(kit) == {used, whole}


async def test_a_storage_that_is_not_there_costs_no_row(kit: Kit, ada: Someone, storage: Path, tmp_path: Path) -> None:
    await kept(ada, "Heaps steam because bacteria eat them.")
    before = await file_ids(kit)
    shutil.move(storage, tmp_path / "elsewhere")
    outcome = (await in_days(kit, 2))["lost_files"]
    assert outcome.stopped.startswith("The bytes of 1 of 1 rows are not in storage; nothing was removed.")
    assert await file_ids(kit) == before


async def test_a_table_that_lost_its_rows_costs_no_bytes(platform: Desk, kit: Kit, ada: Someone, storage: Path) -> None:
    places = await paths(kit, await kept(ada, "Heaps steam because bacteria eat them."))
    connection = await asyncpg.connect(platform.admin_dsn)
    await connection.execute("TRUNCATE media.files")
    await connection.close()
    outcome = (await in_days(kit, 2))["orphaned_bytes"]
    assert outcome.stopped.startswith("2 objects that no row names are kept, as events say; nothing was removed.")
    assert all((storage / place).exists() for place in places)
    await rebuild(kit, platform.admin_dsn)
    assert not (await in_days(kit, 2))["orphaned_bytes"].stopped

    for _ in range(12):
        put(storage, f"{ada.user_id}/none/{new_id()}.md", days=2)
    outcome = (await in_days(kit, 0))["orphaned_bytes"]
    assert outcome.stopped.startswith("12 of 14 objects in storage are named by no row; nothing was removed.")
    assert sum(len(files) for _, _, files in os.walk(storage)) == 14
