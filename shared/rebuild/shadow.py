"""Shadow tables: made like the ones that serve, filled beside them, and put in their place in one moment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from shared.database import Connection
from shared.rebuild.catalog import describe
from shared.rebuild.indexes import build, renaming
from shared.rebuild.names import SUFFIX, quoted, shadow_of
from shared.rebuild.partitions import check, partitioning, partitions
from shared.rebuild.refusal import Refused

_OLD = "__replaced"

# Everything but indexes, foreign keys and policies, which come when the rows are there.
_LIKE = "CREATE TABLE {shadow} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)"
_DRESS = """
SELECT 1 AS step, format('ALTER TABLE %I ADD CONSTRAINT %I %s', relname || $3, 'rebuild_' || con.oid,
                         pg_get_constraintdef(con.oid)) AS sql
FROM pg_constraint con JOIN pg_class c ON c.oid = conrelid
WHERE c.relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) AND contype = 'p'
      AND conparentid = 0
UNION ALL
SELECT 2, format('ALTER TABLE %I SET (%s)', relname || $3, array_to_string(reloptions, ', '))
FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) AND reloptions IS NOT NULL
UNION ALL
SELECT 3, format('GRANT %s%s ON %I TO %s%s', privilege_type, coalesce(columns, ''), relname || $3,
                 CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                 CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
FROM (SELECT relname, NULL AS columns, acl.* FROM pg_class, aclexplode(relacl) AS acl
      WHERE relnamespace = $1::text::regnamespace
      UNION ALL
      SELECT relname, format(' (%I)', attname), acl.* FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid,
             aclexplode(attacl) AS acl WHERE relnamespace = $1::text::regnamespace AND NOT attisdropped) AS grants
WHERE relname = ANY ($2::text[])
UNION ALL
-- Without a policy yet: until it serves nobody but the owner sees it.
SELECT 3, format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', relname || $3)
FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) AND relrowsecurity
UNION ALL
SELECT 4, format('COMMENT ON TABLE %I IS %L', relname || $3, obj_description(oid, 'pg_class'))
FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) AND obj_description(oid, 'pg_class') <> ''
ORDER BY 1
"""
_TRIGGERS = """
SELECT relname AS table, tgname AS name, pg_get_triggerdef(t.oid) AS sql, tgenabled::text AS enabled
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
WHERE c.relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[]) AND NOT tgisinternal
      AND tgparentid = 0
"""

# Read before the names change, run after: so every name in them means the new table.
_AFTERWARDS = """
WITH old AS (
    SELECT oid, relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[])
)
SELECT 1 AS step, p.oid, format('CREATE POLICY %I ON %I AS %s FOR %s TO %s', polname, coalesce($3, relname),
           CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
           CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                       ELSE 'ALL' END,
           (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
            FROM unnest(polroles) AS role))
       || coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', '')
       || coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', '') AS sql
FROM pg_policy p JOIN old ON old.oid = polrelid
UNION ALL
SELECT 2, p.oid, format('ALTER POLICY %I ON %I', polname, c.relname)
       || coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', '')
       || coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', '')
FROM pg_policy p JOIN pg_class c ON c.oid = polrelid
WHERE polrelid NOT IN (SELECT oid FROM old) AND EXISTS (
    SELECT FROM pg_depend
    WHERE classid = 'pg_policy'::regclass AND objid = p.oid AND refobjid IN (SELECT oid FROM old))
UNION ALL
SELECT 3, v.oid, format('CREATE OR REPLACE VIEW %I%s AS %s', v.relname,
           ' WITH (' || array_to_string(reloptions, ', ') || ')', pg_get_viewdef(v.oid))
FROM pg_class v
WHERE v.relkind = 'v' AND EXISTS (
    SELECT FROM pg_rewrite JOIN pg_depend ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid
    WHERE ev_class = v.oid AND refobjid IN (SELECT oid FROM old))
UNION ALL
SELECT 4, con.oid, format('ALTER TABLE %I ADD CONSTRAINT %I %s NOT VALID', c.relname, conname,
                          replace(pg_get_constraintdef(con.oid), ' NOT VALID', ''))
FROM pg_constraint con JOIN pg_class c ON c.oid = conrelid
WHERE contype = 'f' AND conparentid = 0 AND conrelid IN (SELECT oid FROM old)
UNION ALL
SELECT 5, con.oid, format('COMMENT ON CONSTRAINT %I ON %I IS %L', conname, relname, obj_description(con.oid))
FROM pg_constraint con JOIN old ON old.oid = conrelid
WHERE contype = 'f' AND conparentid = 0 AND obj_description(con.oid, 'pg_constraint') IS NOT NULL
UNION ALL
-- Not earlier: COPY is refused where row-level security binds the owner, too.
SELECT 6, c.oid, format('ALTER TABLE %I %s', coalesce($3, relname), what)
FROM pg_class c, LATERAL (VALUES (relrowsecurity, 'ENABLE ROW LEVEL SECURITY'),
                                 (relforcerowsecurity, 'FORCE ROW LEVEL SECURITY'),
                                 (relreplident = 'f', 'REPLICA IDENTITY FULL')) AS flags (is_set, what)
WHERE c.oid IN (SELECT oid FROM old) AND is_set
ORDER BY 1, 2
"""
_FOREIGN_KEYS = """
SELECT c.relname AS table, conname AS name, convalidated AS valid FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
WHERE contype = 'f' AND conparentid = 0 AND c.relnamespace = $1::text::regnamespace AND relname = ANY ($2::text[])
"""


async def family(connection: Connection, schema: str, tables: Sequence[str]) -> list[str]:
    """These tables and their partitions."""
    return [*tables, *(part.name for part in await partitions(connection, schema, tables))]


async def make(connection: Connection, schema: str, tables: Sequence[str], *, in_parts: bool = True) -> None:
    """Shadows with a primary key, partitions, the triggers and the grants; leftovers of a killed rebuild go first.

    Without `in_parts` that of a partitioned table is a plain one.
    """
    await check(connection, schema, tables)
    await drop(connection, tables)
    parted = await partitioning(connection, schema, tables) if in_parts else {}
    for table in tables:
        by = f" PARTITION BY {parted[table]}" if table in parted else ""
        await connection.execute(_LIKE.format(shadow=quoted(shadow_of(table)), table=quoted(table)) + by)
    for part in await partitions(connection, schema, list(parted)):
        shadow, whole = quoted(shadow_of(part.name)), quoted(shadow_of(part.table))
        await connection.execute(f"CREATE TABLE {shadow} PARTITION OF {whole} {part.bound}")
    of_all = await family(connection, schema, tables) if in_parts else list(tables)
    for row in await connection.fetch(_DRESS, schema, of_all, SUFFIX):
        await connection.execute(row["sql"])
    for row in await connection.fetch(_TRIGGERS, schema, of_all):
        await _copy_trigger(connection, schema, row["table"], row["name"], row["sql"], row["enabled"])


async def _copy_trigger(connection: Connection, schema: str, table: str, name: str, sql: str, enabled: str) -> None:
    place = re.compile(rf' ON ("?{re.escape(schema)}"?\.)?"?{re.escape(table)}"? ')
    shadow = quoted(shadow_of(table))
    await connection.execute(place.sub(lambda _: f" ON {shadow} ", sql, count=1))
    if enabled != "O":
        how = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}[enabled]
        await connection.execute(f"ALTER TABLE {shadow} {how} TRIGGER {quoted(name)}")


async def drop(connection: Connection, tables: Iterable[str]) -> None:
    """Remove the shadows of these tables, if there are any."""
    names = ", ".join(quoted(shadow_of(table)) for table in tables)
    await connection.execute(f"DROP TABLE IF EXISTS {names}")


async def index(connection: Connection, schema: str, tables: Sequence[str], *, in_parts: bool = True) -> None:
    """The other indexes."""
    await build(connection, schema, await family(connection, schema, tables) if in_parts else list(tables))


async def protection(connection: Connection, schema: str, table: str, other: str) -> list[str]:
    """What gives another table of the same make this one's row-level security."""
    rows = await connection.fetch(_AFTERWARDS, schema, [table], other)
    # A policy with a subquery calls its own table's columns by the table's name.
    own = re.compile(rf'(?<![\w."]){re.escape(quoted(table)[1:-1])}\.|(?<![\w.]){re.escape(quoted(table))}\.')
    return [own.sub(lambda _: f"{quoted(other)}.", row["sql"]) for row in rows if row["step"] in (1, 6)]


async def swap(connection: Connection, schema: str, tables: Sequence[str]) -> None:
    """Inside a transaction that holds the tables: the shadows get their names, and the old ones go.

    Raises Refused when the new tables would not look like the old ones in every respect.
    """
    of_all = await family(connection, schema, tables)
    made = await family(connection, schema, [shadow_of(table) for table in tables])
    if {shadow_of(name) for name in of_all} != set(made):
        raise Refused("Meanwhile a table got or lost a partition; nothing was changed. Try again.")
    before = await describe(connection, schema, of_all)
    afterwards = await connection.fetch(_AFTERWARDS, schema, of_all, None)
    locks = ", ".join(quoted(name) for name in (*of_all, *made))
    steps = [f"LOCK TABLE {locks} IN ACCESS EXCLUSIVE MODE"]
    steps += [
        f"ALTER TABLE {quoted(row['table'])} DROP CONSTRAINT {quoted(row['name'])}"
        for row in await connection.fetch(_FOREIGN_KEYS, schema, of_all)
    ]
    for table in of_all:
        steps.append(f"ALTER TABLE {quoted(table)} RENAME TO {quoted(table + _OLD)}")
        steps.append(f"ALTER TABLE {quoted(shadow_of(table))} RENAME TO {quoted(table)}")
    steps += [row["sql"] for row in afterwards if row["step"] <= 3]
    steps.append("DROP TABLE " + ", ".join(quoted(table + _OLD) for table in tables))
    steps += await renaming(connection, schema, of_all)
    steps += [row["sql"] for row in afterwards if row["step"] > 3]
    await connection.execute(";\n".join(steps))
    after = await describe(connection, schema, of_all)
    if different := [table for table in of_all if before[table] != after.get(table)]:
        lines = sorted(set(before[different[0]]) ^ set(after.get(different[0], [])))
        raise Refused(f"The rebuilt {different[0]} does not look like the one that serves: {'; '.join(lines)}.")


async def validate(connection: Connection, schema: str, tables: Sequence[str]) -> None:
    """Check the foreign keys that the swap took over unchecked; reads and writes go on meanwhile."""
    for row in await connection.fetch(_FOREIGN_KEYS, schema, list(tables)):
        if not row["valid"]:
            await connection.execute(f"ALTER TABLE {quoted(row['table'])} VALIDATE CONSTRAINT {quoted(row['name'])}")
