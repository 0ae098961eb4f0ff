"""Copies of read tables as they stood at some moment: made from the events up to then, beside the tables that serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.database import Connection
from shared.rebuild import shadow
from shared.rebuild.catalog import COPIES
from shared.rebuild.names import literal, quoted, shadow_of
from shared.rebuild.refusal import Refused

_LONGEST = 58  # PostgreSQL takes 63; the indexes need a number more
_NOW = "SELECT now()"
_COPIES = """
SELECT relname AS name, obj_description(oid, 'pg_class') AS comment, pg_total_relation_size(oid) AS size
FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'r' AND relname ~ $2 ORDER BY relname
"""
_INDEXES = """
SELECT i.relname FROM pg_index JOIN pg_class i ON i.oid = indexrelid
WHERE indrelid = $1::text::regclass ORDER BY indisprimary DESC, i.relname
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy; `size` in bytes with its indexes."""

    service: str
    name: str
    comment: str
    size: int


def name_of(table: str, at: datetime) -> str:
    """How the copy of a table as it stood at a moment is called; in SQL it needs no quotes, however it is spelt.

    Raises Refused when PostgreSQL allows no such name.
    """
    name = f"{table}_as_of_{at.astimezone(UTC):%Y%m%dt%H%M%Sz}"
    if len(name) > _LONGEST:
        raise Refused(f"{name} would be too long for the name of a table.")
    return name


async def check(connection: Connection, schema: str, tables: Sequence[str], at: datetime) -> None:
    """Raises Refused for a moment that is still to come, and for a copy that is there already."""
    now = await connection.fetchval(_NOW)
    if at > now:
        raise Refused(f"{at.isoformat()} lies in the future; it is {now.isoformat(timespec='seconds')} now.")
    there = {copy.name for copy in await listed(connection, schema)}
    if known := sorted(there.intersection(name_of(table, at) for table in tables)):
        raise Refused(f"{', '.join(known)} is there already: drop it (make copies SERVICE={schema} DROP={known[0]}).")


async def keep(connection: Connection, schema: str, tables: Sequence[str], role: str, at: datetime) -> None:
    """The shadows of these tables become copies: protected as the tables are, to be read only."""
    steps = []
    for table in tables:
        name = name_of(table, at)
        copy = quoted(name)
        protection = await shadow.protection(connection, schema, table, name)
        indexes = [row["relname"] for row in await connection.fetch(_INDEXES, quoted(shadow_of(table)))]
        steps.append(f"ALTER TABLE {quoted(shadow_of(table))} RENAME TO {copy}")
        steps += [f"ALTER INDEX {quoted(each)} RENAME TO {quoted(f'{name}_{n}')}" for n, each in enumerate(indexes)]
        steps += protection
        steps.append(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {copy} FROM {quoted(role)}")
        steps.append(f"COMMENT ON TABLE {copy} IS {literal(f'{table} as it stood at {at.isoformat()}')}")
    async with connection.transaction():
        await connection.execute(";\n".join(steps))


async def listed(connection: Connection, schema: str) -> list[Copy]:
    """The copies in a schema, by name."""
    rows = await connection.fetch(_COPIES, schema, COPIES)
    return [Copy(schema, row["name"], row["comment"] or "", row["size"]) for row in rows]


async def drop(connection: Connection, schema: str, name: str) -> None:
    """Remove one copy. Raises Refused for what is none."""
    known = [copy.name for copy in await listed(connection, schema)]
    name = name.lower()
    if name not in known:
        raise Refused(f"{schema} has no copy {name}; there are: {', '.join(known) or 'none'}.")
    await connection.execute(f"DROP TABLE {quoted(name)}")
