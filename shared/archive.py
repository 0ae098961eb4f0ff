"""What a service keeps of one user, for the archive of an account: each row of each protected table, as lines of JSON.

Which tables those are the database says, so a new one is in the archive without anybody thinking of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from shared.database import Database, PoolConnection
from shared.decider import NotFound
from shared.http.internal import InternalOnly
from shared.kit import kit_of
from shared.rebuild.catalog import is_live
from shared.rebuild.names import quoted

router = APIRouter(prefix="/internal/archive", dependencies=[InternalOnly], include_in_schema=False)

PAGE = 100  # rows of 60 kB at most, so that a page stays small

# Tables with row-level security, whose rows are, by `user_id` or, where that is missing, by the key itself; and the
# columns of their primary keys with types.
_TABLES = """
SELECT relname AS name, keys.names, keys.types,
       CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'user_id' AND NOT attisdropped)
            THEN 'user_id' ELSE 'id' END AS owner
FROM pg_class c
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
CROSS JOIN LATERAL (
    SELECT array_agg(attname::text ORDER BY place) AS names,
           array_agg(format_type(atttypid, atttypmod) ORDER BY place) AS types
    FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, place)
    JOIN pg_attribute ON attrelid = c.oid AND attnum = num
) AS keys
WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""


class Kept(BaseModel):
    """The tables that hold something of users."""

    tables: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """How the rows of a user are read from a table, in the order of its key and a page at a time."""

    name: str
    first: str  # $1: the user, $2: columns to leave out, $3: how many
    following: str  # beside these the key of the last row, as texts

    @classmethod
    def of(cls, row: Any) -> Table:
        """The statements for a row of the catalog; every name in them is quoted."""
        name, owner = quoted(row["name"]), quoted(row["owner"])
        key = ", ".join(map(quoted, row["names"]))
        last = ", ".join(f"${number}::text::{kind}" for number, kind in enumerate(row["types"], start=4))
        texts = ", ".join(f"{quoted(each)}::text" for each in row["names"])
        head = (
            f"SELECT ARRAY[{texts}] AS key, (to_jsonb({name}) - $2::text[])::text AS line FROM {name} "
            f"WHERE {owner} = $1"
        )
        tail = f"ORDER BY {key} LIMIT $3"
        return cls(row["name"], f"{head} {tail}", f"{head} AND ({key}) > ({last}) {tail}")


async def tables(connection: PoolConnection) -> dict[str, Table]:
    """The tables whose rows are users', by name; copies that a rebuild makes are none."""
    rows = await connection.fetch(_TABLES)
    return {row["name"]: Table.of(row) for row in rows if is_live(row["name"])}


async def lines(database: Database, table: Table, user_id: UUID, secrets: frozenset[str]) -> AsyncIterator[bytes]:
    """The user's rows, an object a line, without the columns of `secrets`.

    Each page is a statement of its own: no transaction stays open while somebody downloads slowly.
    """
    statement = table.first
    key: list[str] = []
    while True:
        async with database.reading(user_id) as connection:
            rows = await connection.fetch(statement, user_id, sorted(secrets), PAGE, *key)
        if not rows:
            return
        yield "".join(f"{row['line']}\n" for row in rows).encode()
        statement, key = table.following, rows[-1]["key"]


@router.get("/{user_id}")
async def list_tables(user_id: UUID, request: Request) -> Kept:
    """Which tables there are to ask for."""
    async with kit_of(request).database.reading(user_id) as connection:
        return Kept(tables=list(await tables(connection)))


@router.get("/{user_id}/{table}")
async def read_rows(user_id: UUID, table: str, request: Request) -> StreamingResponse:
    """The user's rows of a table as JSON Lines; nothing that opens anything is among their columns."""
    kit = kit_of(request)
    async with kit.database.reading(user_id) as connection:
        found = (await tables(connection)).get(table)
    if found is None:
        raise NotFound("There is no such table; list the tables to see which there are.")
    rows = lines(kit.database, found, user_id, kit.service.secrets.get(table, frozenset()))
    return StreamingResponse(rows, media_type="application/x-ndjson")
