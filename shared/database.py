"""PostgreSQL for one service: a pool on its own schema and role, and what its tables look like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.roles import ROLES

Connection = Any  # asyncpg.Connection, which bears no types
PoolConnection = Any  # the proxy of one that the pool hands out

SERVICE = "service"  # app.user_id of the service's own transactions; row-level security lets it pass

# A lost or restarting server: the same work succeeds later.
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # on a connection that the server is about to close
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
# Two transactions in each other's way: the same work succeeds at once.
IN_THE_WAY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

PRIMARY_KEYS = """
SELECT c.relname AS table, array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum)) AS columns
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND c.relnamespace = current_schema()::regnamespace
GROUP BY c.relname
"""

SEVERAL_KEYS = """
SELECT DISTINCT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE (i.indisunique OR i.indisexclusion) AND NOT i.indisprimary
  AND c.relnamespace = current_schema()::regnamespace
"""


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


async def set_codecs(connection: Connection) -> None:
    """JSON columns as Python values."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=_dump, decoder=orjson.loads, schema="pg_catalog", format="text")


class Reader(asyncpg.Connection):  # type: ignore[misc]
    """A session that reads for one user after another, and knows for whom."""

    reads_as: tuple[UUID, str] | None = None

    async def read_as(self, user_id: UUID, role: str) -> None:
        """From here on it sees what this user may see. Whoever reads once often reads again: then it does already."""
        wanted = user_id, role if role in ROLES else ""
        if self.reads_as == wanted:
            return
        self.reads_as = None  # until the server has said so
        # For the session, not for a transaction, which would take a round trip more. A UUID cannot carry SQL.
        await self.execute(f"SET app.user_id = '{UUID(str(user_id))}'; SET app.user_role = '{wanted[1]}'")
        self.reads_as = wanted


class Database:
    """A service's connections. `schema` comes from the role's search_path.

    `size`: most of them, a third of which only ever read, each time as one user.
    """

    def __init__(self, dsn: str, *, size: int = 8, application: str = "presswork") -> None:
        self._dsn = dsn
        self._readers = max(1, size // 3)
        self._writers = max(2, size - self._readers)
        self._application = application
        self._pool: asyncpg.Pool | None = None
        self._reading: asyncpg.Pool | None = None
        self.primary_keys: dict[str, tuple[str, ...]] = {}
        self.several_keys: frozenset[str] = frozenset()  # tables with a unique index beside the primary key

    async def open(self) -> None:
        """Connect. Raises one of UNAVAILABLE when the server cannot be reached."""
        # Statements that write differ in how many rows they get, never in how they find them: planning each time for
        # that number cost more than many of them take.
        writing = {"app.user_id": SERVICE, "plan_cache_mode": "force_generic_plan"}
        self._pool = await self._connected(self._writers, asyncpg.Connection, writing)
        # Who reads is set for each use; until then nobody does, who sees no rows.
        self._reading = await self._connected(
            self._readers,
            Reader,
            {"app.user_id": "", "app.user_role": "", "default_transaction_read_only": "on"},
        )
        rows = await self.pool.fetch(PRIMARY_KEYS)
        self.primary_keys = {row["table"]: tuple(row["columns"]) for row in rows}
        self.several_keys = frozenset(row["relname"] for row in await self.pool.fetch(SEVERAL_KEYS))

    async def _connected(self, most: int, kind: type[asyncpg.Connection], settings: dict[str, str]) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._dsn,
            min_size=1,
            max_size=most,
            connection_class=kind,
            init=set_codecs,
            reset=_keep_session,  # sessions hold nothing between uses, so the round trip is saved
            command_timeout=60,
            server_settings={"application_name": self._application, "jit": "off", **settings},
        )

    async def close(self) -> None:
        for pool in (self._reading, self._pool):
            if pool is not None:
                await pool.close()

    @property
    def pool(self) -> asyncpg.Pool:
        if self._pool is None:
            raise RuntimeError("The database is not open yet: call open() first.")
        return self._pool

    async def connect(self) -> Connection:
        """A connection of one's own, outside the pool."""
        connection = await asyncpg.connect(
            self._dsn, server_settings={"application_name": self._application, "app.user_id": SERVICE, "jit": "off"}
        )
        await set_codecs(connection)
        return connection

    @asynccontextmanager
    async def reading(self, user_id: UUID | None, role: str = "") -> AsyncIterator[PoolConnection]:
        """A connection that reads what this user may see; None sees what the service may.

        With the `role` of the user's token it also shows what that role may see of others; without, their own rows.
        """
        if user_id is None:
            async with self.pool.acquire() as connection:
                yield connection
            return
        if self._reading is None:
            raise RuntimeError("The database is not open yet: call open() first.")
        async with self._reading.acquire() as connection:
            await connection.read_as(user_id, role)
            yield connection

    async def ready(self) -> None:
        """Raises when the server does not answer."""
        await self.pool.fetchval("SELECT 1", timeout=2)


async def _keep_session(connection: Connection) -> None:
    return None
