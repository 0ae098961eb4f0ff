"""Backups made, restored and proven on real servers; what is damaged, newer or in the way is refused."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.backup import folders, manifest
from deploy.backup.failure import BackupFailed
from deploy.backup.making import make
from deploy.backup.restoring import restore
from deploy.backup.verifying import verify
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.migrate import SERVICES
from deploy.schema import live
from shared.eventstore import statements
from tests.rebuilding import rows_of
from tests.story import Ground, ground, tell

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def on(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """A platform with a past."""
    async with ground() as found:
        await tell(found, random.Random(3), workflows=4)
        yield found


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files") / "media"
    (folder / "ada").mkdir(parents=True)
    (folder / "ada" / "talk.txt").write_text("what was said")
    (folder / "empty").mkdir()
    return folder


def keys_of(on: Ground) -> tuple[str, ...]:
    return tuple(on.kits["workflow"].settings.field_keys.split(","))


@pytest.fixture(scope="module")
async def backup(on: Ground, media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backups")
    return await make(on.admin_dsn, folder, version="0.1.0", stored={"media": media}, field_keys=keys_of(on))


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """Another server than that of the platform."""
    found = EmbeddedPostgres(tmp_path_factory.mktemp("other"), settings={"shared_buffers": "32MB"})
    await asyncio.to_thread(found.start)
    yield found
    await asyncio.to_thread(found.destroy)


@pytest.fixture
async def other(server: EmbeddedPostgres) -> AsyncIterator[GivenPostgres]:
    """An empty database on it."""
    connection = await asyncpg.connect(server.admin_dsn)
    await connection.execute("CREATE DATABASE other")
    yield GivenPostgres(server.admin_dsn.rpartition("/")[0] + "/other")
    await connection.execute("DROP DATABASE other WITH (FORCE)")
    await connection.close()


async def everything(dsn: str) -> dict[str, Any]:
    """Every row of every read table, and what the schemas look like; a check's text is PostgreSQL's, which writes it
    anew each time it reads it."""
    looks = {name: schema.model_dump() for name, schema in (await live.read_all(dsn)).items()}
    for check in [check for look in looks.values() for table in look["tables"].values() for check in table["checks"]]:
        del check["text"]
    return {service: await rows_of(dsn, service) for service in SERVICES} | {"": looks}


def listed(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(folder.glob(pattern))


async def count(dsn: str, table: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
        return found
    finally:
        await connection.close()


async def test_what_is_restored_elsewhere_is_what_was_there(
    on: Ground, backup: Path, other: GivenPostgres, tmp_path: Path
) -> None:
    said = await restore(other.admin_dsn, backup, into={"media": tmp_path / "media"}, passwords={"workflow": "secret"})
    assert said.services["workflow"].tables["events"] == await count(on.admin_dsn, "workflow.events") > 0
    assert await everything(other.admin_dsn) == await everything(on.admin_dsn)
    assert (tmp_path / "media/ada/talk.txt").read_text() == "what was said"
    assert (tmp_path / "media/empty").is_dir()

    connection = await asyncpg.connect(other.dsn("presswork_workflow", "secret"))
    assert await connection.fetchval("SELECT count(*) FROM events") == said.services["workflow"].tables["events"]
    assert await connection.fetchval("SELECT count(*) FROM projects") == 0, "row-level security is back"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM events")
    await connection.close()


async def test_what_is_appended_after_a_restore_sorts_after_all_that_was_there(
    backup: Path, other: GivenPostgres
) -> None:
    await restore(other.admin_dsn, backup)
    connection = await asyncpg.connect(other.admin_dsn, server_settings={"search_path": "workflow"})
    old = await connection.fetch(statements.IN_COMMIT_ORDER, "0", 0, 100_000)
    assert old, "what was restored is not hidden"
    await connection.execute(
        "INSERT INTO events (stream_type, stream_id, version, event_id, type, schema_version, data, correlation_id, "
        "recorded_at) VALUES ('x', gen_random_uuid(), 1, gen_random_uuid(), 'X', 1, '{}', gen_random_uuid(), now())"
    )
    last = old[-1]
    new = await connection.fetch(statements.IN_COMMIT_ORDER, str(last["transaction_id"]), last["position"], 10)
    await connection.close()
    assert [row["type"] for row in new] == ["X"]


async def test_a_database_with_events_is_replaced_only_when_told(
    on: Ground, backup: Path, other: GivenPostgres, tmp_path: Path
) -> None:
    home = tmp_path / "media"
    await restore(other.admin_dsn, backup, into={"media": home})
    (home / "later.txt").write_text("later")
    connection = await asyncpg.connect(other.admin_dsn)
    await connection.execute("CREATE TABLE workflow.of_a_later_version (id integer)")
    await connection.close()
    with pytest.raises(BackupFailed, match=r"holds events already \(.* of workflow.*REPLACE=1.*Nothing was changed"):
        await restore(other.admin_dsn, backup, into={"media": home})
    assert (home / "later.txt").exists()
    await restore(other.admin_dsn, backup, into={"media": home}, replace=True)
    assert await everything(other.admin_dsn) == await everything(on.admin_dsn)
    assert not (home / "later.txt").exists()
    (former,) = listed(tmp_path, "media.before-restore-*")
    assert (former / "later.txt").read_text() == "later"


async def test_a_database_in_use_is_left_alone(backup: Path, other: GivenPostgres) -> None:
    await restore(other.admin_dsn, backup, passwords={"media": "secret"})
    service = await asyncpg.connect(other.dsn("presswork_media", "secret"))
    with pytest.raises(BackupFailed, match="presswork_media are connected: stop the services first"):
        await restore(other.admin_dsn, backup, replace=True)
    await service.close()


async def test_a_restore_that_fails_changes_nothing(backup: Path, other: GivenPostgres, tmp_path: Path) -> None:
    await restore(other.admin_dsn, backup)
    before = await everything(other.admin_dsn)
    connection = await asyncpg.connect(other.admin_dsn)
    await connection.execute(
        "CREATE FUNCTION public.stop() RETURNS event_trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no more policies'; END $$;"
        "CREATE EVENT TRIGGER stop ON ddl_command_end WHEN TAG IN ('CREATE POLICY') EXECUTE FUNCTION public.stop()"
    )
    with pytest.raises(BackupFailed, match=r"(?s)no more policies.*Nothing was changed"):
        await restore(other.admin_dsn, backup, into={"media": tmp_path / "media"}, replace=True)
    assert listed(tmp_path) == []
    await connection.execute("DROP EVENT TRIGGER stop")
    await connection.close()
    assert await everything(other.admin_dsn) == before


async def test_a_dump_that_ends_early_is_not_committed(backup: Path, other: GivenPostgres, tmp_path: Path) -> None:
    """Even one whose checksum was made to fit."""
    broken = copied(backup, tmp_path)
    dump = (broken / manifest.DUMP).read_bytes()
    (broken / manifest.DUMP).write_bytes(dump[: len(dump) * 2 // 3])
    seal(broken)
    with pytest.raises(BackupFailed, match=r"(?s)The restore failed: .*Nothing was changed"):
        await restore(other.admin_dsn, broken)
    assert await live.read_all(other.admin_dsn) == {}


def copied(backup: Path, to: Path) -> Path:
    place = to / backup.name
    place.mkdir()
    for path in backup.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    return place


def seal(place: Path) -> None:
    """Checksums of what is there now."""
    names = sorted(path.name for path in place.iterdir() if path.name != manifest.SUMS)
    manifest.write_sums(place, [(name, manifest.sum_of(place / name)) for name in names])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda place: flip_a_bit(place / "database.dump"), "database.dump is not what was written"),
        (lambda place: flip_a_bit(place / "manifest.json"), "manifest.json is not what was written"),
        (lambda place: (place / "media.tar").unlink(), "media.tar is missing"),
        (lambda place: (place / "SHA256SUMS").write_text("x  y\n"), "its SHA256SUMS is not whole"),
        (lambda place: (place / "SHA256SUMS").unlink(), "is no backup"),
    ],
)
async def test_a_damaged_backup_is_refused(
    backup: Path, other: GivenPostgres, tmp_path: Path, damage: Any, said: str
) -> None:
    broken = copied(backup, tmp_path)
    damage(broken)
    with pytest.raises(BackupFailed, match=said):
        await restore(other.admin_dsn, broken)
    assert await live.read_all(other.admin_dsn) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found["services"]["media"].update(revision="9999"), "newer than this version: media is at"),
        (lambda found: found.update(server=990000), "The backup is of PostgreSQL 99, this server is"),
        (lambda found: found.update(format="another"), "made by another version of Presswork"),
    ],
)
async def test_a_newer_backup_is_refused(
    backup: Path, other: GivenPostgres, tmp_path: Path, change: Any, said: str
) -> None:
    newer = copied(backup, tmp_path)
    found = json.loads((newer / manifest.MANIFEST).read_text())
    change(found)
    (newer / manifest.MANIFEST).write_text(json.dumps(found))
    seal(newer)
    with pytest.raises(BackupFailed, match=said):
        await restore(other.admin_dsn, newer)
    assert await live.read_all(other.admin_dsn) == {}


async def test_a_backup_proves_itself(on: Ground, backup: Path) -> None:
    done = await verify(backup, field_keys=keys_of(on))
    assert done.rows == manifest.read(backup).rows()
    assert done.files == 1
    assert {"workflows", "platform_states"} <= set(done.tables)
    assert done.events > 50
    assert done.problems == ()


async def test_it_proves_itself_on_a_given_server(on: Ground, backup: Path) -> None:
    databases = "pg_database"
    before = await count(on.admin_dsn, databases)
    done = await verify(
        backup, server=on.admin_dsn, field_keys=keys_of(on), service="evaluation", tables=("evaluations",)
    )
    assert done.tables == ("evaluations",)
    assert await count(on.admin_dsn, databases) == before, "the scratch database is gone"


async def test_rows_that_no_event_explains_are_found(on: Ground, tmp_path: Path) -> None:
    connection = await asyncpg.connect(on.admin_dsn)
    title = await connection.fetchrow("SELECT id, title FROM workflow.workflows LIMIT 1")
    change = "UPDATE workflow.workflows SET title = $2 WHERE id = $1"
    await connection.execute(change, title["id"], "changed by hand")
    try:
        made = await make(on.admin_dsn, tmp_path, version="0.1.0")
    finally:
        await connection.execute(change, title["id"], title["title"])
        await connection.close()
    done = await verify(made, field_keys=keys_of(on))
    assert "workflow.workflows is not what its events say" in done.problems


async def test_without_the_keys_it_says_which_setting(backup: Path) -> None:
    with pytest.raises(BackupFailed, match="set PRESSWORK_FIELD_KEYS"):
        await verify(backup, field_keys=("another",))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, as `make` calls it."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.backup", *arguments],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


async def test_the_resting_platform_is_backed_up_and_restored(tmp_path: Path, backup: Path) -> None:
    home = {"PRESSWORK_DATA_DIR": str(tmp_path / "data"), "PRESSWORK_BACKUP_DIR": str(tmp_path / "backups")}
    home["PRESSWORK_POSTGRES_URL"] = ""
    nothing = await asyncio.to_thread(run, "make", **home)
    assert nothing.returncode == 1
    assert "There is no database below" in nothing.stderr
    try:
        done = await asyncio.to_thread(run, "restore", str(backup / manifest.DUMP), **home)
        assert done.returncode == 0, done.stderr
        assert "The keys here are not those" in done.stderr
        assert (tmp_path / "data/media/ada/talk.txt").exists()
        made = await asyncio.to_thread(run, "make", **home)
        assert made.returncode == 0, made.stderr
        (place,) = folders.all_in(tmp_path / "backups")
        assert manifest.read(place[1]).services == manifest.read(backup).services
        assert place[1].stat().st_mode & 0o077 == 0
    finally:
        await asyncio.to_thread(EmbeddedPostgres(tmp_path / "data/postgres").destroy)


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """As a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_leaves_no_half_a_backup(on: Ground, backup: Path, media: Path, tmp_path: Path) -> None:
    earlier = copied(backup, tmp_path)
    with (
        no_file_larger_than(4096),
        pytest.raises(BackupFailed, match=r"takes no more .*Nothing was kept of this backup"),
    ):
        await make(on.admin_dsn, tmp_path, version="0.1.0", stored={"media": media})
    assert listed(tmp_path) == [earlier]
    assert manifest.read(earlier)


async def test_a_server_out_of_reach_is_a_sentence(tmp_path: Path) -> None:
    gone = {"PRESSWORK_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none", "PRESSWORK_BACKUP_DIR": str(tmp_path)}
    for arguments in (["make"], ["restore", str(tmp_path)]):
        done = await asyncio.to_thread(run, *arguments, **gone)
        assert done.returncode == 1
        assert done.stderr.startswith("failed: ")
        assert "Traceback" not in done.stderr


def test_old_backups_go_and_the_newest_stays(tmp_path: Path) -> None:
    now = datetime(2026, 3, 10, tzinfo=UTC)
    for days in (20, 9, 8, 6, 1):
        place = tmp_path / folders.name_of(now - timedelta(days=days))
        place.mkdir()
        (place / manifest.MANIFEST).touch()
        (place / manifest.SUMS).touch()
    (tmp_path / "presswork-of-mine").mkdir()
    gone = folders.forget_old(tmp_path, 7, now)
    assert [path.name for path in gone] == [folders.name_of(now - timedelta(days=days)) for days in (20, 9, 8)]
    assert [(now - moment).days for moment, _ in folders.all_in(tmp_path)] == [6, 1]
    assert (tmp_path / "presswork-of-mine").exists()
    folders.forget_old(tmp_path, 7, now + timedelta(days=100))
    assert len(folders.all_in(tmp_path)) == 1
