"""Back to a point in time, with the very scripts of the containers: a base backup and the WAL archived since."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.backup.tools import Tools, without_password
from deploy.embedded import folders
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.migrate import migrate
from shared.eventstore import statements
from tests.waiting import eventually

SCRIPTS = Path(__file__).parents[2] / "deploy/containers/postgres"
_APPEND = """
INSERT INTO workflow.events (stream_type, stream_id, version, event_id, type, schema_version, data, correlation_id,
                             recorded_at)
VALUES ('x', gen_random_uuid(), 1, $1, $2, 1, '{}', gen_random_uuid(), now())
"""


class Archiving:
    """A server whose WAL goes into a folder that it may write to."""

    def __init__(self, folder: Path) -> None:
        identity = folders.server_identity()
        self.owner = identity.uid if identity else os.geteuid()
        folder.mkdir()
        self.home = folders.server_home(folder / "server", identity)
        self.archive = folders.own_folder(self.home / "archive", identity)
        for script in ("archive.sh", "recover.sh"):
            shutil.copy(SCRIPTS / script, self.archive)
        command = f"sh {self.archive}/archive.sh %p %f {self.archive}"
        settings = {"shared_buffers": "32MB", "archive_mode": "on", "archive_command": command}
        self.postgres = EmbeddedPostgres(folder, settings=settings)

    def base_backup(self, name: str) -> None:
        place, password = without_password(self.postgres.admin_dsn)
        subprocess.run(
            [
                Tools.for_server(18).folder / "pg_basebackup",
                f"--dbname={place}",
                f"--pgdata={self.archive / name}",
                "--format=tar",
                "--gzip",
                "--checkpoint=fast",
                "--wal-method=fetch",
            ],
            env=os.environ | {"PGPASSWORD": password},
            check=True,
            capture_output=True,
        )

    def recover(self, base: str, moment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", self.archive / "recover.sh", self.archive, base, moment],
            env=os.environ | {"PGDATA": str(self.home / "cluster"), "OWNER": str(self.owner)},
            capture_output=True,
            text=True,
        )

    async def append(self, kind: str) -> datetime:
        """Append an event; the moment after."""
        connection = await asyncpg.connect(self.postgres.admin_dsn)
        await connection.execute(_APPEND, uuid4(), kind)
        moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
        await connection.close()
        return moment

    async def published(self) -> list[tuple[str, tuple[int, int]]]:
        """What a relay would publish, in its order: kinds and marks."""
        connection = await asyncpg.connect(self.postgres.admin_dsn, server_settings={"search_path": "workflow"})
        rows = await connection.fetch(statements.IN_COMMIT_ORDER, "0", 0, 1000)
        await connection.close()
        return [(row["type"], (row["transaction_id"], row["position"])) for row in rows]

    async def recovered(self) -> bool:
        connection = await asyncpg.connect(self.postgres.admin_dsn)
        recovering = await connection.fetchval("SELECT pg_is_in_recovery()")
        await connection.close()
        return not recovering

    async def archive_all(self) -> None:
        connection = await asyncpg.connect(self.postgres.admin_dsn)
        segment = await connection.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())")
        await connection.execute("SELECT pg_switch_wal()")
        await eventually(lambda: asyncio.to_thread((self.archive / f"{segment}.gz").exists), within=60)
        await connection.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Archiving]:
    found = Archiving(tmp_path / "postgres")
    await asyncio.to_thread(found.postgres.start)
    yield found
    await asyncio.to_thread(found.postgres.destroy)


async def test_the_database_goes_back_to_a_point_in_time(server: Archiving) -> None:
    await migrate(server.postgres.admin_dsn, {"workflow": secrets.token_urlsafe(12)})
    await server.append("BeforeTheBackup")
    await asyncio.to_thread(server.base_backup, "base-1")
    moment = await server.append("BeforeTheMistake")
    await server.append("TheMistake")
    lost = (await server.published())[-1][1]
    await server.archive_all()
    await asyncio.to_thread(server.postgres.stop)

    assert (await asyncio.to_thread(server.recover, "base-1", moment.isoformat(sep=" "))).returncode == 0
    await asyncio.to_thread(server.postgres.start)
    await eventually(server.recovered, within=60)
    await migrate(server.postgres.admin_dsn, {}, restored=True)
    await server.append("Afterwards")
    kinds = [kind for kind, _ in await server.published()]
    assert kinds == ["BeforeTheBackup", "BeforeTheMistake", "Afterwards"]
    assert (await server.published())[-1][1] > lost, "who heard of the mistake does not take the new for old"
    assert len(list(await asyncio.to_thread(list, server.home.glob("cluster.before-recovery-*")))) == 1


async def test_what_cannot_be_recovered_is_left_alone(server: Archiving) -> None:
    running = await asyncio.to_thread(server.recover, "base-1", "2026-03-05 09:30:00+00")
    assert running.returncode == 1
    assert "base-1 is no base backup (base.tar.gz is missing)" in running.stderr
    await asyncio.to_thread(server.base_backup, "base-1")
    running = await asyncio.to_thread(server.recover, "base-1", "2026-03-05 09:30:00+00")
    assert running.returncode == 1
    assert "stop it first. Nothing was changed" in running.stderr
    await asyncio.to_thread(server.postgres.stop)
    quoted = await asyncio.to_thread(server.recover, "base-1", "now' or else")
    assert (quoted.returncode, "written like 2026-03-05" in quoted.stderr) == (1, True)
    await asyncio.to_thread(server.postgres.start)


def archive(segment: Path, folder: Path) -> int:
    return subprocess.run(["sh", SCRIPTS / "archive.sh", segment, segment.name, folder]).returncode


def test_a_segment_is_never_overwritten_by_another(tmp_path: Path) -> None:
    segment = tmp_path / "000000010000000000000001"
    folder = tmp_path / "archive"
    segment.write_bytes(b"one")
    assert archive(segment, folder) != 0, "a folder that is not there"
    folder.mkdir()
    assert archive(segment, folder) == 0
    assert archive(segment, folder) == 0, "the same again, after a crash"
    segment.write_bytes(b"two")
    assert archive(segment, folder) != 0
    assert [path.name for path in folder.iterdir()] == [f"{segment.name}.gz"]
