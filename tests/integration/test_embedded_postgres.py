"""The embedded PostgreSQL: durable, closed, and a polite guest on the machine."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.postgres import EmbeddedPostgres


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    yield server
    server.destroy()


async def execute(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_what_was_committed_survives_a_kill(postgres: EmbeddedPostgres) -> None:
    dsn = postgres.admin_dsn
    await execute(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    killed = postgres.pid
    postgres.kill()
    postgres.start()
    assert postgres.pid != killed
    assert await execute(dsn, "SELECT answer FROM kept") == 42


async def test_connection_strings_stay_valid_over_a_restart_and_for_a_new_owner_of_the_folder(
    postgres: EmbeddedPostgres,
) -> None:
    dsn = postgres.admin_dsn
    postgres.restart()
    assert await execute(dsn, "SELECT 1") == 1
    postgres.stop()
    successor = EmbeddedPostgres(postgres.data_dir)
    successor.start()
    try:
        assert successor.admin_dsn == dsn
        assert await execute(dsn, "SELECT 1") == 1
    finally:
        successor.stop()


async def test_a_dead_server_is_noticed_and_started_again(postgres: EmbeddedPostgres) -> None:
    assert postgres.tend() is None
    postgres.kill()
    assert "started again" in (postgres.tend() or "")
    assert await execute(postgres.admin_dsn, "SELECT 1") == 1


async def test_a_password_is_required_over_tcp_and_over_the_socket(postgres: EmbeddedPostgres) -> None:
    for dsn in (postgres.dsn("postgres", "wrong"), postgres.socket_dsn("postgres", "wrong")):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await execute(dsn, "SELECT 1")
    rules = "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules"
    assert await execute(postgres.admin_dsn, rules) == "scram-sha-256"
    password = (postgres.data_dir / "password").read_text()
    assert await execute(postgres.socket_dsn("postgres", password), "SELECT 1") == 1


async def test_it_is_durable_and_listens_on_loopback_only(postgres: EmbeddedPostgres) -> None:
    assert await execute(postgres.admin_dsn, "SHOW fsync") == "on"
    assert await execute(postgres.admin_dsn, "SHOW synchronous_commit") == "on"
    assert await execute(postgres.admin_dsn, "SHOW listen_addresses") == "127.0.0.1"
    assert await execute(postgres.admin_dsn, "SHOW shared_preload_libraries") == "pg_stat_statements"


def test_nobody_elses_permissions_change(tmp_path: Path) -> None:
    """Also below a folder that is closed to the server's user, as the home folder of root is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    foreign = [closed, *closed.parents]
    before = {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in foreign}
    server = EmbeddedPostgres(closed / "data" / "postgres")
    try:
        server.start()
        assert {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in foreign} == before
        assert stat.S_IMODE((server.data_dir / "password").stat().st_mode) == 0o600
        home = (server.data_dir / "server").resolve()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        owner = Path(f"/proc/{server.pid}").stat().st_uid
        assert owner == home.stat().st_uid
        assert owner != 0
    finally:
        server.destroy()
    assert not home.exists()
    assert not server.data_dir.exists()


def test_a_folder_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        server.start()
        server.stop()
        home = (server.data_dir / "server").resolve()
        target = tmp_path / "elsewhere"
        target.mkdir()
        moved = home.with_name(home.name + ".moved")
        home.rename(moved)
        home.symlink_to(target)  # as an attacker would in a folder that is writable to all
        try:
            with pytest.raises(PermissionError, match="is not a folder of user"):
                server.start()
            assert not os.listdir(target)
        finally:
            home.unlink()
            moved.rename(home)
    finally:
        server.destroy()
