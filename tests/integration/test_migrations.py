"""Every schema's history runs up, down and up again; what roles may not do is refused; what is a user's is theirs."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from deploy.embedded.postgres import EmbeddedPostgres
from deploy.migrate import SERVICES, alembic_config, migrate
from shared.rebuild.catalog import describe, read_tables

_NAMES = (
    "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'v', 'm', 'S', 'p')"
)
_OTHERS = """
SELECT format('function %s %s', proname, pg_get_functiondef(oid)) AS line
FROM pg_proc WHERE pronamespace = $1::text::regnamespace
UNION ALL
SELECT format('type %s %s', typname,
              (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
FROM pg_type t WHERE typnamespace = $1::text::regnamespace AND typtype IN ('e', 'd')
UNION ALL
SELECT format('schema %s %s', pg_get_userbyid(nspowner), nspacl) FROM pg_namespace WHERE nspname = $1
ORDER BY 1
"""


@dataclass
class Server:
    """A PostgreSQL of its own, all schemas at their heads."""

    admin_dsn: str
    passwords: dict[str, str]
    dsns: dict[str, str]

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def role(self, service: str, user: UUID | str | None = None) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the service's own role, on behalf of a user, of the service itself, or of nobody."""
        settings = {} if user is None else {"app.user_id": str(user)}
        connection = await asyncpg.connect(self.dsns[service], server_settings=settings)
        try:
            yield connection
        finally:
            await connection.close()

    async def dump(self, service: str) -> dict[str, Any]:
        """All that PostgreSQL knows about the schema."""
        async with self.admin() as connection:
            await connection.execute(f"SET search_path TO {service}")
            names = [row["relname"] for row in await connection.fetch(_NAMES, service)]
            tables = dict(await describe(connection, service, names))
            return tables | {"": [row["line"] for row in await connection.fetch(_OTHERS, service)]}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("migrations"), settings={"shared_buffers": "64MB"})
    await asyncio.to_thread(postgres.start)
    try:
        passwords = {service: secrets.token_urlsafe(12) for service in SERVICES}
        dsns = await migrate(postgres.admin_dsn, passwords)
        yield Server(postgres.admin_dsn, passwords, dsns)
    finally:
        await asyncio.to_thread(postgres.destroy)


def revisions(server: Server, service: str) -> list[str]:
    """The history, oldest first."""
    scripts = ScriptDirectory.from_config(alembic_config(server.admin_dsn, service))
    return [script.revision for script in scripts.walk_revisions()][::-1]


async def to(server: Server, service: str, revision: str, *, up: bool) -> None:
    move = command.upgrade if up else command.downgrade
    await asyncio.to_thread(move, alembic_config(server.admin_dsn, service), revision)


@pytest.mark.parametrize("service", SERVICES)
async def test_each_step_down_leads_back_to_what_was_before(server: Server, service: str) -> None:
    head = await server.dump(service)
    history = revisions(server, service)
    for revision in [*history[-2::-1], "base"]:
        await to(server, service, revision, up=False)
    empty = await server.dump(service)
    assert set(empty) == {"schema_version", ""}
    assert len(empty[""]) == 1, f"left behind: {empty['']}"

    dumps = {"base": empty}
    for revision in history:
        await to(server, service, revision, up=True)
        dumps[revision] = await server.dump(service)
    for revision, below in zip(history[::-1], [*history[-2::-1], "base"], strict=True):
        assert await server.dump(service) == dumps[revision]
        await to(server, service, below, up=False)
        assert await server.dump(service) == dumps[below], f"{revision} is not undone as it was done"

    await migrate(server.admin_dsn, server.passwords)
    assert await server.dump(service) == head


async def test_migrating_twice_changes_nothing(server: Server) -> None:
    before = {service: await server.dump(service) for service in SERVICES}
    await migrate(server.admin_dsn, {})
    assert {service: await server.dump(service) for service in SERVICES} == before


@pytest.mark.parametrize("service", SERVICES)
async def test_a_history_has_one_head(server: Server, service: str) -> None:
    scripts = ScriptDirectory.from_config(alembic_config(server.admin_dsn, service))
    assert len(scripts.get_heads()) == 1


_PLAIN = """
SELECT tablename, policyname FROM pg_policies
WHERE schemaname = $1
  AND regexp_replace(concat(qual, with_check), 'SELECT current_setting', '', 'g') ~ 'current_setting\\('
"""


@pytest.mark.parametrize("service", SERVICES)
async def test_policies_look_settings_up_once_a_statement_not_once_a_row(server: Server, service: str) -> None:
    async with server.admin() as connection:
        assert await connection.fetch(_PLAIN, service) == []


async def append(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "INSERT INTO events (stream_type, stream_id, version, event_id, type, schema_version, data, correlation_id, "
        "recorded_at) VALUES ('x', $1, 1, $1, 'Happened', 1, '{}', $1, now())",
        uuid4(),
    )


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "sql", ["UPDATE events SET type = 'Unhappened'", "DELETE FROM events", "TRUNCATE events", "DROP TABLE events"]
)
async def test_events_are_append_only(server: Server, service: str, sql: str) -> None:
    async with server.role(service, "service") as connection:
        await append(connection)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(sql)
    if sql.startswith("DROP"):
        return
    async with server.admin() as connection:
        with pytest.raises(asyncpg.RaiseError, match="events are append only"):
            await connection.execute(sql.replace("events", f"{service}.events"))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_has_no_way_around_its_limits(server: Server, service: str) -> None:
    async with server.role(service, "service") as connection:
        rights = "rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication"
        assert not any(await connection.fetchrow(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user"))
        own = (await read_tables(connection, service))[0]
        for sql in (
            f"SET ROLE presswork_{service}_owner",
            "SET session_replication_role = replica",
            f"ALTER TABLE {own} DISABLE ROW LEVEL SECURITY",
            f"CREATE POLICY open ON {own} USING (true)",
            f"CREATE TABLE {service}.mine (id integer)",
            "CREATE TABLE public.mine (id integer)",
            "ALTER TABLE events DISABLE TRIGGER events_append_only",
            "INSERT INTO schema_version VALUES ('9999')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)


@pytest.mark.parametrize("service", SERVICES)
async def test_another_services_schema_is_out_of_reach(server: Server, service: str) -> None:
    async with server.role(service, "service") as connection:
        for other in sorted(set(SERVICES) - {service}):
            for sql in (f"SELECT FROM {other}.events", f"INSERT INTO {other}.events DEFAULT VALUES"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"schema {other}"):
                    await connection.execute(sql)


_COLUMNS = """
SELECT attname AS name, format_type(atttypid, NULL) AS type, typtype::text AS kind,
       (SELECT enumlabel FROM pg_enum WHERE enumtypid = atttypid ORDER BY enumsortorder LIMIT 1) AS label,
       (SELECT min(pg_get_constraintdef(con.oid)) FROM pg_constraint con
        WHERE conrelid = attrelid AND contype = 'c' AND attnum = ANY (conkey)) AS check,
       nullif(atttypmod, -1) - 4 AS length
FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
  AND (attnotnull AND NOT atthasdef OR attname IN ('id', 'user_id') OR EXISTS (
      SELECT FROM pg_constraint con WHERE conrelid = attrelid AND contype = 'c' AND attnum = ANY (conkey)))
"""
_SAMPLES: dict[str, Any] = {
    "smallint": 1,
    "smallint[]": [1],
    "integer": 1,
    "bigint": 1,
    "numeric": 1,
    "boolean": True,
    "timestamp with time zone": datetime(2026, 3, 5, tzinfo=UTC),
    "jsonb": "{}",
    "text[]": [],
    "bytea": b"",
}


def sample(column: asyncpg.Record) -> Any:
    """A value that the column takes; texts differ from row to row."""
    if column["kind"] == "e":
        return column["label"]
    if column["type"] == "uuid":
        return uuid4()
    if column["type"] in ("text", "character varying"):
        allowed = re.search(r"'([^']+)'", column["check"] or "")
        return allowed.group(1) if allowed else uuid4().hex[: min(column["length"] or 20, 20)]
    return _SAMPLES[column["type"]]


async def insert(connection: asyncpg.Connection, table: str, user: UUID) -> str:
    """A row of this user's with a value in every column that wants one; returns the column that names the user."""
    columns = await connection.fetch(_COLUMNS, table)
    owner = "user_id" if any(column["name"] == "user_id" for column in columns) else "id"
    row = {column["name"]: sample(column) for column in columns} | {owner: user}
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())
    return owner


async def protected(server: Server, service: str) -> list[str]:
    async with server.admin() as connection:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relrowsecurity "
            "AND NOT relispartition",
            service,
        )
    return [row["relname"] for row in rows]


@pytest.mark.parametrize("service", SERVICES)
async def test_every_read_table_is_protected(server: Server, service: str) -> None:
    async with server.admin() as connection:
        logs = {"publishing": ["webhook_deliveries"]}.get(service, [])  # tables that are protected, but not read tables
        assert sorted(await protected(server, service)) == sorted([*await read_tables(connection, service), *logs])


@pytest.mark.parametrize("service", SERVICES)
async def test_a_user_sees_and_changes_nothing_of_another(server: Server, service: str) -> None:
    ada, bob = uuid4(), uuid4()
    tables = await protected(server, service)
    assert tables
    for table in tables:
        async with server.admin() as connection:
            # Rows alone, without those they refer to.
            await connection.execute(f"SET session_replication_role = replica; SET search_path TO {service}")
            for user in (ada, bob):
                owner = await insert(connection, table, user)
        whose = f"SELECT {owner} FROM {table} WHERE {owner} = ANY ($1::uuid[])"
        async with server.role(service, ada) as connection:
            assert [row[0] for row in await connection.fetch(whose, [ada, bob])] == [ada], table
            for sql in (f"UPDATE {table} SET {owner} = {owner}", f"DELETE FROM {table}"):
                assert await connection.execute(f"{sql} WHERE {owner} = $1", bob) in ("UPDATE 0", "DELETE 0"), table
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await insert(connection, table, bob if owner == "user_id" else uuid4())
        async with server.role(service) as connection:
            assert await connection.fetch(whose, [ada, bob]) == [], f"{table}: nobody sees something"
        async with server.role(service, "service") as connection:
            assert len(await connection.fetch(whose, [ada, bob])) == 2, table


@pytest.mark.parametrize("service", SERVICES)
async def test_views_show_a_user_their_rows_only(server: Server, service: str) -> None:
    async with server.admin() as connection:
        views = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'v' "
            "AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'user_id')",
            service,
        )
    somebody, nobody = uuid4(), uuid4()
    async with server.admin() as connection:
        await connection.execute(f"SET session_replication_role = replica; SET search_path TO {service}")
        for table in await protected(server, service):
            await insert(connection, table, somebody)
    for (view,) in views:
        async with server.role(service, nobody) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {view}") == 0, view
        async with server.role(service, "service") as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {view}") > 0, view
