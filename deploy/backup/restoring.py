"""Restoring a backup: all of it or nothing, then brought up to date."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from alembic.script import ScriptDirectory

from deploy.backup import files, manifest, state
from deploy.backup.failure import BackupFailed
from deploy.backup.making import Say
from deploy.backup.manifest import DUMP, Manifest
from deploy.backup.tools import Tools
from deploy.migrate import alembic_config, ensure_roles, migrate

_CHUNK = 1 << 18
_UNCHANGED = "Nothing was changed."
_PSQL = ("--no-psqlrc", "--quiet", "--no-password", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--file=-")


async def restore(
    dsn: str,
    backup: Path,
    *,
    into: Mapping[str, Path] | None = None,
    passwords: Mapping[str, str] | None = None,
    replace: bool = False,
    say: Say = lambda line: None,
) -> Manifest:
    """Put a backup's schemas into a database and its files into the folders `into`, then migrate to the newest
    revision; what comes later sorts after all that was there.

    `dsn`: of an administrator. `passwords`: of the services' roles; who is not named keeps theirs. `replace`: also
    where events are already, which then are gone; former files stay beside their folders. Raises BackupFailed for a
    damaged or newer backup, a database that is not empty or in use, and when it does not work out; then nothing was
    changed.
    """
    say("checking the backup")
    said = await asyncio.to_thread(manifest.read, backup)
    refuse_newer(said)
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "presswork-restore"})
    try:
        server = int(await connection.fetchval("SHOW server_version_num"))
        if said.server // 10_000 > server // 10_000:
            raise BackupFailed(
                f"The backup is of PostgreSQL {said.server // 10_000}, this server is {server // 10_000}: restore it "
                f"to one that is as new. {_UNCHANGED}"
            )
        await _refuse_to_overwrite(connection, replace=replace)
        tools = Tools.for_server(server // 10_000)
        unpacked = await _unpack(backup, said, into or {})
        try:
            say(f"{said.rows():,} rows in {len(said.services)} schemas")
            for service in said.services:
                await ensure_roles(connection, service)
            await _run(dsn, tools, backup / DUMP, sorted(said.services))
        except BaseException:  # also when it is cancelled
            for beside in unpacked.values():
                shutil.rmtree(beside, ignore_errors=True)
            raise
    finally:
        await connection.close()
    aside = datetime.now(UTC).strftime("before-restore-%Y%m%dT%H%M%SZ")
    for name, beside in unpacked.items():
        if former := files.put_in_place(beside, (into or {})[name], aside):
            say(f"the former files of {name} are in {former}")
    say("bringing the schemas up to date")
    await migrate(dsn, dict(passwords or {}), restored=True)
    return said


def refuse_newer(said: Manifest) -> None:
    """Raises BackupFailed for a backup whose migrations this version does not know."""
    for service, there in said.services.items():
        scripts = ScriptDirectory.from_config(alembic_config("", service))
        known = {script.revision for script in scripts.walk_revisions()}
        if there.revision not in known:
            raise BackupFailed(
                f"The backup is newer than this version: {service} is at migration {there.revision}, here the newest "
                f"is {scripts.get_current_head()}. Restore it with Presswork {said.version} or later. {_UNCHANGED}"
            )


async def _refuse_to_overwrite(connection: asyncpg.Connection, *, replace: bool) -> None:
    if users := await state.in_use(connection):
        raise BackupFailed(f"{', '.join(users)} are connected: stop the services first. {_UNCHANGED}")
    there = await state.of(connection)
    events = {service: found.tables.get("events", 0) for service, found in there.items()}
    if any(events.values()) and not replace:
        held = ", ".join(f"{count:,} of {service}" for service, count in events.items() if count)
        raise BackupFailed(
            f"The database holds events already ({held}). Restore to an empty one, or say REPLACE=1 to give these up. "
            f"{_UNCHANGED}"
        )


async def _unpack(backup: Path, said: Manifest, into: Mapping[str, Path]) -> dict[str, Path]:
    unpacked = {}
    for name in said.folders:
        if name in into:
            unpacked[name] = await asyncio.to_thread(files.unpack, backup / f"{name}.tar", into[name])
    return unpacked


async def _run(dsn: str, tools: Tools, dump: Path, services: Sequence[str]) -> None:
    """The archive's SQL in one transaction, which is committed only when both programs came to their end."""
    reader = await tools.script(dump)
    writer = await tools.start("psql", dsn, *_PSQL, stdin=PIPE)
    assert reader.stdout is not None
    assert writer.stdin is not None
    errors = [asyncio.create_task(_said(each)) for each in (reader, writer)]
    dropping = "".join(f'DROP SCHEMA IF EXISTS "{service}" CASCADE;\n' for service in services)
    try:
        writer.stdin.write(f"BEGIN;\nSET client_min_messages = warning;\n{dropping}".encode())
        while chunk := await reader.stdout.read(_CHUNK):
            writer.stdin.write(chunk)
            await writer.stdin.drain()
        if await reader.wait() == 0:
            writer.stdin.write(b"COMMIT;\n")
            await writer.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # psql met an error and left; it says which
    except BaseException:  # also when it is cancelled
        writer.kill()
        raise
    finally:
        writer.stdin.close()
        if reader.returncode is None:
            reader.kill()
    failed = [await writer.wait(), await reader.wait()]
    if any(failed):
        complaints = " ".join(text for text in [await task for task in errors] if text)
        raise BackupFailed(f"The restore failed: {complaints[-2000:]} {_UNCHANGED}")


async def _said(process: Process) -> str:
    """What it complains of."""
    assert process.stderr is not None
    return (await process.stderr.read()).decode(errors="replace").strip()
