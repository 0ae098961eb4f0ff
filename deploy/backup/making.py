"""Making a backup: one moment of the database, then the stored files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from deploy.backup import files, folders, manifest, state
from deploy.backup.failure import BackupFailed, writing_to
from deploy.backup.manifest import DUMP, MANIFEST, Manifest
from deploy.backup.tools import Tools

_CHUNK = 1 << 20
_NOTHING = "Nothing was kept of this backup; earlier ones are as they were."

Say = Callable[[str], None]


async def make(
    dsn: str,
    folder: Path,
    *,
    version: str,
    stored: Mapping[str, Path] | None = None,
    field_keys: Sequence[str] = (),
    say: Say = lambda line: None,
) -> Path:
    """Back up all services' schemas of a database, and the folders in `stored`; where the backup is.

    `dsn`: of a role that may read everything. `field_keys`: those in use, of which only fingerprints are kept. The
    counts are of the very moment the dump shows, and what is appended meanwhile is in neither. Raises BackupFailed,
    asyncpg's errors and OSError for a server out of reach; then no half a backup is left.
    """
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "presswork-backup"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            now = datetime.now(UTC).replace(microsecond=0)
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            server = int(await connection.fetchval("SHOW server_version_num"))
            services = await state.of(connection)
            if not services:
                raise BackupFailed("The database holds no schema of Presswork: there is nothing to back up.")
            said = Manifest(
                made_at=now,
                version=version,
                server=server,
                services=services,
                folders=tuple(stored or ()),
                field_keys=tuple(map(manifest.fingerprint, field_keys)),
            )
            with writing_to(folder, _NOTHING), folders.new_in(folder, now) as place:
                say(f"{said.rows():,} rows in {len(services)} schemas")
                sums = [(DUMP, await _dump(dsn, Tools.for_server(server // 10_000), snapshot, services, place / DUMP))]
                for name, source in (stored or {}).items():
                    say(f"the files of {name}")
                    archive = place / f"{name}.tar"
                    sums.append((archive.name, await asyncio.to_thread(files.pack, source, archive)))
                (place / MANIFEST).write_text(said.model_dump_json(indent=1) + "\n", "utf-8")
                sums.append((MANIFEST, manifest.sum_of(place / MANIFEST)))
                manifest.write_sums(place, sums)
                _settle(place)
    finally:
        await connection.close()
    return folder / folders.name_of(now)


async def _dump(dsn: str, tools: Tools, snapshot: str, services: Mapping[str, object], target: Path) -> str:
    """pg_dump's archive in a file; its SHA-256."""
    schemas = [f"--schema={service}" for service in services]
    process = await tools.start(
        "pg_dump", dsn, "--format=custom", "--compress=gzip:6", f"--snapshot={snapshot}", "--no-password", *schemas
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    try:
        with target.open("wb") as file:
            out = files.Hashed(file)
            while chunk := await process.stdout.read(_CHUNK):
                out.write(chunk)
    except BaseException:  # also when it is cancelled: nobody reads on
        process.kill()
        raise
    finally:
        said = (await errors).decode(errors="replace").strip()
        status = await process.wait()
    if status:
        raise BackupFailed(f"pg_dump failed: {said or f'exit status {status}'}. {_NOTHING}")
    return out.sum


def _settle(place: Path) -> None:
    """On the disk before it bears its name."""
    for path in (*place.iterdir(), place):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
