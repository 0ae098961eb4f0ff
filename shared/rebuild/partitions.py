"""Tables in parts: which parts there are, and which tables cannot be rebuilt because of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.database import Connection
from shared.rebuild.refusal import Refused

_UNSUITABLE = """
SELECT relname FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[])
  AND (relkind NOT IN ('r', 'p') OR relispartition OR EXISTS (
      SELECT FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
      WHERE inhparent = pg_class.oid AND (child.relkind <> 'r' OR child.relnamespace <> pg_class.relnamespace)))
"""
_PARTITIONED = """
SELECT relname AS table, pg_get_partkeydef(oid) AS by FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) AND relkind = 'p'
"""
_PARTITIONS = """
SELECT child.relname AS name, parent.relname AS table, pg_get_expr(child.relpartbound, child.oid) AS bound
FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
WHERE parent.relnamespace = $1::text::regnamespace AND parent.relname = ANY ($2::text[]) AND parent.relkind = 'p'
ORDER BY parent.relname, child.relname
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One part of a table, and which rows go there: `FOR VALUES FROM … TO …`, or `DEFAULT`."""

    name: str
    table: str
    bound: str


async def check(connection: Connection, schema: str, tables: Sequence[str]) -> None:
    """Raises Refused for what is neither a plain table nor one parted once, within its schema."""
    if found := [row["relname"] for row in await connection.fetch(_UNSUITABLE, schema, list(tables))]:
        raise Refused(
            f"{', '.join(found)} cannot be rebuilt: only tables can, plain ones or parted once; no partition alone, "
            "and no view."
        )


async def partitioning(connection: Connection, schema: str, tables: Sequence[str]) -> dict[str, str]:
    """Which of these tables are in parts, and by what: `RANGE (created_at)`."""
    return {row["table"]: row["by"] for row in await connection.fetch(_PARTITIONED, schema, list(tables))}


async def partitions(connection: Connection, schema: str, tables: Sequence[str]) -> list[Partition]:
    """The parts of these tables."""
    rows = await connection.fetch(_PARTITIONS, schema, list(tables))
    return [Partition(row["name"], row["table"], row["bound"]) for row in rows]
