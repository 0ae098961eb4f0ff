"""PostgreSQL servers with every service's schema: copies of one that is migrated once for the whole run.

A copy starts in a fraction of what an empty server and its migrations take; each is a server of its own, so that tests
that run side by side cannot hide each other's commits. The migrations themselves are tested in test_migrations.py.
"""

from __future__ import annotations

import asyncio
import atexit
import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from deploy.embedded.postgres import EmbeddedPostgres
from deploy.migrate import migrate, service_dsn

FOLDER = "PRESSWORK_TEST_FOLDER"  # names what the processes of one run share
# What is proven here outlives a killed server, never a machine that lost its power: the disk need not be waited for.
IN_A_HURRY = {"shared_buffers": "64MB", "fsync": "off"}
_SMALL = {"shared_buffers": "64MB", "fsync": "off", "min_wal_size": "32MB", "max_wal_size": "64MB"}


def folder_of_the_run() -> Path:
    """A folder that all processes of this test run share; whoever asks first makes it, and removes it at its end."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="presswork-tests-")
        atexit.register(_remove, Path(os.environ[FOLDER]), os.getpid())
    return Path(os.environ[FOLDER])


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a fork of it
        EmbeddedPostgres(folder / "migrated").destroy()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def one_at_a_time(name: str) -> Iterator[Path]:
    """Only one process of the run is in here; the folder they share."""
    folder = folder_of_the_run()
    with (folder / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder


class Migrated(EmbeddedPostgres):
    """A server whose cluster begins as a copy of the migrated one; the services' roles have no passwords yet."""

    def _initialise(self, binaries: Path, cluster: Path) -> None:
        template = _template()
        shutil.copy2(template / "password", self.data_dir / "password")
        unfinished = cluster.with_name("cluster.new")
        # The files belong to the server's user, which only `cp` keeps.
        subprocess.run(["cp", "-a", template / "server" / "cluster", unfinished], check=True, capture_output=True)
        unfinished.rename(cluster)


def _template() -> Path:
    """The data folder of a server that was migrated and stopped."""
    with one_at_a_time("migrated") as folder:
        template, done = folder / "migrated", folder / "migrated.done"
        if not done.exists():
            server = EmbeddedPostgres(template, settings=_SMALL)
            server.start()
            try:
                asyncio.run(migrate(server.admin_dsn, {}))
            finally:
                server.stop()
            done.touch()
        return template


async def log_ins(admin_dsn: str, *services: str) -> dict[str, str]:
    """A new password for each of these services' roles, as DSNs by service."""
    dsns = {}
    connection = await asyncpg.connect(admin_dsn)
    try:
        for service in services:
            password = secrets.token_hex(12)
            await connection.execute(f"ALTER ROLE presswork_{service} PASSWORD '{password}'")
            dsns[service] = service_dsn(admin_dsn, service, password)
    finally:
        await connection.close()
    return dsns


@asynccontextmanager
async def migrated(
    data_dir: Path, *services: str, **settings: str
) -> AsyncIterator[tuple[EmbeddedPostgres, dict[str, str]]]:
    """A running server with every service's schema, and these services' DSNs; gone at the end."""
    postgres = Migrated(data_dir, settings=IN_A_HURRY | settings)
    try:
        await asyncio.to_thread(postgres.start)
        yield postgres, await log_ins(postgres.admin_dsn, *services)
    finally:
        await asyncio.to_thread(postgres.destroy)
