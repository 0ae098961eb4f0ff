"""The indexes of shadows: built when the rows are there, and called like the old ones when those are gone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from shared.database import Connection
from shared.rebuild.names import SUFFIX, literal, quoted, shadow_of

# `part_of`: the index of the partitioned table that an index of a partition belongs to.
_INDEXES = """
SELECT c.relname AS table, 'rebuild_' || i.oid AS shadow, i.relname AS name, pg_get_indexdef(i.oid) AS sql,
       con.contype::text AS constraint, con.condeferrable AS deferrable, con.condeferred AS deferred,
       pg_get_constraintdef(con.oid) AS constraint_sql, obj_description(i.oid, 'pg_class') AS comment,
       obj_description(con.oid, 'pg_constraint') AS constraint_comment, 'rebuild_' || con.oid AS shadow_constraint,
       c.relkind = 'p' AS in_parts, inhparent AS part_of,
       CASE WHEN con.contype = 'p' THEN 'rebuild_' || parent.oid ELSE 'rebuild_' || inhparent END AS shadow_part_of
FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class c ON c.oid = indrelid
LEFT JOIN pg_inherits ON inhrelid = i.oid
LEFT JOIN pg_constraint con ON con.conindid = i.oid AND con.conrelid = c.oid AND con.contype IN ('p', 'u', 'x')
LEFT JOIN pg_constraint parent ON parent.oid = con.conparentid
WHERE c.relnamespace = $1::text::regnamespace AND c.relname = ANY ($2::text[])
ORDER BY inhparent NULLS FIRST, i.oid
"""
_OF_PARTS = """
SELECT c.relname AS table, parent.relname AS part_of, i.relname AS name
FROM pg_inherits JOIN pg_class i ON i.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
JOIN pg_index ON indexrelid = i.oid JOIN pg_class c ON c.oid = indrelid
WHERE c.relnamespace = $1::text::regnamespace AND c.relname = ANY ($2::text[])
"""
_MADE = """
SELECT i.relname AS name, indisvalid AS valid,
       EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid AND conname = i.relname) AS constrains
FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class c ON c.oid = indrelid
WHERE c.relnamespace = $1::text::regnamespace AND c.relname = ANY ($2::text[])
"""
_USING = re.compile(r" USING .*$", re.DOTALL)


async def build(connection: Connection, schema: str, tables: Sequence[str]) -> None:
    """All but primary keys, each in one sweep; concurrently, because that keeps no transaction open meanwhile.

    `tables`: those whose shadows get them, and their partitions. An index of a partitioned table is made without its
    parts first, which are built one by one and attached. Those that are there are left, unless they were broken off.
    """
    shadows = [shadow_of(table) for table in tables]
    made = {row["name"]: row for row in await connection.fetch(_MADE, schema, shadows)}
    for row in await connection.fetch(_INDEXES, schema, list(tables)):
        table, name, there = quoted(shadow_of(row["table"])), quoted(row["shadow"]), made.get(row["shadow"])
        if row["constraint"] == "p" or (row["constraint"] == "x" and row["part_of"]):
            continue
        if row["constraint"] == "x" or (row["in_parts"] and row["constraint"] == "u"):
            only = "ONLY " if row["in_parts"] and row["constraint"] == "u" else ""
            if there is None:
                await connection.execute(f"ALTER TABLE {only}{table} ADD CONSTRAINT {name} {row['constraint_sql']}")
        else:
            await _build(connection, row, table, name, there)


async def _build(connection: Connection, row: Any, table: str, name: str, there: Any) -> None:
    # Without all of its parts that of a partitioned table is not valid, and need not be.
    if there is not None and not there["valid"] and not row["in_parts"]:
        await connection.execute(f"DROP INDEX {name}")
        there = None
    if there is None:
        unique = "UNIQUE " if row["sql"].startswith("CREATE UNIQUE") else ""
        place = f"{name} ON ONLY {table}" if row["in_parts"] else f"CONCURRENTLY {name} ON {table}"
        using = _USING.search(row["sql"])
        assert using is not None
        await connection.execute(f"CREATE {unique}INDEX {place}{using.group()}")
    if row["constraint"] == "u" and not (there is not None and there["constrains"]):
        deferral = " DEFERRABLE" if row["deferrable"] else ""
        deferral += " INITIALLY DEFERRED" if row["deferred"] else ""
        await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}{deferral}")
    if row["part_of"]:
        await connection.execute(f"ALTER INDEX {quoted(row['shadow_part_of'])} ATTACH PARTITION {name}")


async def renaming(connection: Connection, schema: str, tables: Sequence[str]) -> list[str]:
    """What gives the shadows' indexes the names and comments of the old ones, once those are gone; to be asked for
    while both are there."""
    of_parts = {
        (row["table"], row["part_of"]): row["name"]
        for row in await connection.fetch(_OF_PARTS, schema, [shadow_of(table) for table in tables])
    }
    steps = []
    for row in await connection.fetch(_INDEXES, schema, list(tables)):
        made = row["shadow_constraint"] if row["constraint"] == "p" else row["shadow"]
        if row["part_of"]:
            made = of_parts[row["table"] + SUFFIX, row["shadow_part_of"]]
        steps.append(f"ALTER INDEX {quoted(made)} RENAME TO {quoted(row['name'])}")
        if row["comment"] is not None:
            steps.append(f"COMMENT ON INDEX {quoted(row['name'])} IS {literal(row['comment'])}")
        if row["constraint_comment"] is not None:
            place = f"{quoted(row['name'])} ON {quoted(row['table'])}"
            steps.append(f"COMMENT ON CONSTRAINT {place} IS {literal(row['constraint_comment'])}")
    return steps
