"""Proving a backup: restored to a scratch database, counted, held against the documents, and one table rebuilt."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from contracts.envelope import Mark, Wire
from deploy.backup import files, manifest, state
from deploy.backup.failure import BackupFailed
from deploy.backup.making import Say
from deploy.backup.restoring import restore
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.schema import committed, deviations, live
from deploy.schema.compare import compare
from deploy.schema.deviations import judge
from deploy.schema.health import ailments
from shared.database import SERVICE
from shared.kit import Kit
from shared.operating import find_service
from shared.rebuild import Refused, rebuild
from shared.rebuild.feed import Feed
from shared.rebuild.session import as_owner

_PAGE = 1000
# Whatever order the rows come in; JSON shows every column.
_SUM = 'SELECT count(*), coalesce(sum(hashtextextended(to_jsonb(t)::text, 0)::numeric), 0) FROM {schema}."{table}" AS t'


@dataclass(frozen=True, slots=True)
class Verified:
    """`rows` and `files` were there; `tables` were rebuilt equal from `events` events; `problems`: what is wrong, a
    sentence each."""

    rows: int
    files: int
    tables: tuple[str, ...]
    events: int
    problems: tuple[str, ...]


async def verify(
    backup: Path,
    *,
    server: str = "",
    field_keys: Sequence[str] = (),
    service: str = "workflow",
    tables: Sequence[str] = ("workflows",),
    say: Say = lambda line: None,
) -> Verified:
    """Restore a backup where it harms nothing, and look at it: rows as counted when it was made, schemas as documented,
    and `tables` of `service` rebuilt from the events, equal to those in the backup.

    `server`: an administrator's DSN of a server to make a scratch database on; without one a server is started.
    `field_keys`: that private fields are read with. Raises BackupFailed for a backup that cannot be restored.
    """
    async with _scratch(server) as dsn:
        with tempfile.TemporaryDirectory(prefix="presswork-verify-") as scratch:
            into = files.homes(Path(scratch), "")
            said = await restore(dsn, backup, into=into, say=say)
            found = sum(1 for folder in into.values() for path in folder.rglob("*") if path.is_file())
        connection = await asyncpg.connect(dsn)
        try:
            problems = state.differences(said.services, await state.of(connection))
        finally:
            await connection.close()
        say("holding the schemas against the documents")
        problems += await _schema_problems(dsn)
        say(f"rebuilding {', '.join(tables)} of {service}")
        known = _known(said.field_keys, field_keys)
        rebuilt, events, different = await _rebuild(dsn, service, tables, known)
        return Verified(said.rows(), found, rebuilt, events, tuple(problems + different))


def _known(used: Sequence[str], keys: Sequence[str]) -> str:
    if used and not set(used) & set(map(manifest.fingerprint, keys)):
        raise BackupFailed(
            "None of the keys here is one that the backup's private fields are encrypted with: set "
            "PRESSWORK_FIELD_KEYS as it was. Without it users' addresses and platforms' credentials cannot be read."
        )
    return ",".join(keys)


@asynccontextmanager
async def _scratch(server: str) -> AsyncIterator[str]:
    """A database for a moment: on a server of its own, or one of its own on the given server."""
    if server:
        name = f"presswork_verify_{secrets.token_hex(4)}"
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
            try:
                yield urlsplit(server)._replace(path=f"/{name}").geturl()
            finally:
                await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await connection.close()
        return
    with tempfile.TemporaryDirectory(prefix="presswork-verify-") as folder:
        own = EmbeddedPostgres(Path(folder) / "postgres", settings={"shared_buffers": "64MB", "fsync": "off"})
        try:
            await asyncio.to_thread(own.start)
            yield own.admin_dsn
        finally:
            await asyncio.to_thread(own.destroy)


async def _schema_problems(dsn: str) -> list[str]:
    schemas = await live.read_all(dsn)
    verdict = judge(compare(committed.load(committed.EXPECTATION), schemas), deviations.load())
    found = [f"{fact.service}.{fact.table}: {fact.kind}: {fact.subject}" for fact in verdict.unexplained]
    return found + list(ailments(schemas))


async def _rebuild(dsn: str, name: str, tables: Sequence[str], keys: str) -> tuple[tuple[str, ...], int, list[str]]:
    """The tables rebuilt, from how many events, and what came out different."""
    service = find_service(name)
    kit = Kit(service, service.settings(database_url=dsn, internal_token="unused", field_keys=keys))
    before = await _sums(dsn, name, await _every(dsn, name))
    try:
        done = await rebuild(kit, dsn, tables, feed=stored(dsn))
    except (Refused, LookupError, ValueError) as error:  # the latter two: an event that nobody here can read
        return (), 0, [f"{name} could not be rebuilt: {error}"]
    after = await _sums(dsn, name, done.tables)
    different = [f"{name}.{table} is not what its events say" for table in done.tables if after[table] != before[table]]
    return done.tables, done.events, different


async def _every(dsn: str, schema: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return list((await state.of(connection))[schema].tables)
    finally:
        await connection.close()


async def _sums(dsn: str, schema: str, tables: Sequence[str]) -> dict[str, tuple[int, int]]:
    connection = await asyncpg.connect(dsn, server_settings={"app.user_id": SERVICE})
    try:
        return {table: tuple(await connection.fetchrow(_SUM.format(schema=schema, table=table))) for table in tables}
    finally:
        await connection.close()


def stored(admin_dsn: str) -> Feed:
    """Other services' events from their schemas in the same database, instead of from their feeds."""

    async def feed(source: str, after: Mark, types: Collection[str]) -> AsyncIterator[Wire]:
        service = find_service(source)
        settings = service.settings(database_url=admin_dsn, internal_token="unused", field_keys="")
        store = Kit(service, settings).store
        async with as_owner(admin_dsn, source) as connection:
            mark = after
            while rows := await store.in_commit_order(mark, _PAGE, connection):
                for row in rows:
                    if row["type"] in types:
                        yield store.wire(row, 0)
                mark = Mark(rows[-1]["transaction_id"], rows[-1]["position"])

    return feed
