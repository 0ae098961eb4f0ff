"""What PostgreSQL knows about tables: read to make a shadow alike, and compared before it takes the table's place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.database import Connection
from shared.rebuild.names import SUFFIX

_DESCRIPTION = """
WITH wanted AS (
    SELECT c.* FROM pg_class c WHERE c.relnamespace = $1::text::regnamespace AND c.relname = ANY ($2::text[])
)
SELECT relname AS table, format(
           'column %s %s %s null=%s default=%s generated=%s identity=%s collation=%s storage=%s grants=%s comment=%s',
           row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname, format_type(atttypid, atttypmod),
           NOT attnotnull, pg_get_expr(adbin, adrelid), attgenerated, attidentity, attcollation, attstorage,
           (SELECT array_agg(entry::text ORDER BY entry::text) FROM unnest(attacl) AS entry),
           col_description(attrelid, attnum)) AS line
FROM wanted JOIN pg_attribute ON attrelid = wanted.oid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT relname, format('table kind=%s owner=%s rls=%s forced=%s identity=%s options=%s parts=%s grants=%s comment=%s',
           relkind, pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity, relreplident, reloptions,
           CASE WHEN relkind = 'p' THEN pg_get_partkeydef(oid) ELSE pg_get_expr(relpartbound, oid) END,
           (SELECT array_agg(entry::text ORDER BY entry::text) FROM unnest(relacl) AS entry),
           obj_description(oid, 'pg_class'))
FROM wanted
UNION ALL
-- A constraint that is not validated yet is the same constraint; a partition's foreign keys are its table's.
SELECT relname, format('constraint %s %s comment=%s', conname, replace(pg_get_constraintdef(con.oid), ' NOT VALID', ''),
           obj_description(con.oid, 'pg_constraint'))
FROM wanted JOIN pg_constraint con ON conrelid = wanted.oid WHERE contype <> 'f' OR conparentid = 0
UNION ALL
SELECT relname, format('index %s comment=%s', pg_get_indexdef(indexrelid), obj_description(indexrelid, 'pg_class'))
FROM wanted JOIN pg_index ON indrelid = wanted.oid
UNION ALL
SELECT relname, format('trigger %s enabled=%s', pg_get_triggerdef(t.oid), tgenabled)
FROM wanted JOIN pg_trigger t ON tgrelid = wanted.oid WHERE NOT tgisinternal
UNION ALL
SELECT relname, format('policy %s for=%s permissive=%s to=%s using=%s check=%s', polname, polcmd, polpermissive,
           polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
FROM wanted JOIN pg_policy ON polrelid = wanted.oid
UNION ALL
SELECT relname, format('view %s', pg_get_viewdef(oid)) FROM wanted WHERE relkind IN ('v', 'm')
ORDER BY 1, 2
"""

Description = Mapping[str, list[str]]


async def describe(connection: Connection, schema: str, tables: Sequence[str]) -> Description:
    """Columns, constraints, indexes, triggers, policies, grants and comments of each table or view, one line each."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch(_DESCRIPTION, schema, list(tables)):
        found[row["table"]].append(row["line"])
    return dict(found)


_READABLE = """
SELECT relname FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND coalesce(obj_description(oid, 'pg_class'), '') NOT LIKE 'No read table:%'
ORDER BY relname
"""

COPIES = r"_as_of_[0-9]{8}t[0-9]{6}z$"  # how tables are called that show another one as it stood at some moment
# What the kit and the migrations keep beside the read tables.
KIT_TABLES = frozenset(
    {
        "events",
        "streams",
        "private_keys",
        "tasks",
        "heard",
        "parked_events",
        "subscribers",
        "relay_cursor",
        "idempotency_keys",
        "rebuilds",
        "retention_cutoffs",
        "schema_version",
    }
)


async def read_tables(connection: Connection, schema: str) -> list[str]:
    """The tables of a schema that are not the kit's; neither partitions, which are parts of them, nor copies, nor what
    a rebuild fills, nor what says of itself, in its comment, that it is no read table."""
    names = [row["relname"] for row in await connection.fetch(_READABLE, schema)]
    return [name for name in names if name not in KIT_TABLES and is_live(name)]


def is_live(table: str) -> bool:
    """Whether the name is that of a table in use: of no copy, and of none that a rebuild fills."""
    return not re.search(COPIES, table) and not table.endswith(SUFFIX)


_TIES = """
SELECT child.relname AS child, parent.relname AS parent, confdeltype::text AS action,
       (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS k (num, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = num) AS columns,
       (SELECT array_agg(attname::text ORDER BY place) FROM unnest(confkey) WITH ORDINALITY AS k (num, place)
        JOIN pg_attribute ON attrelid = confrelid AND attnum = num) AS referenced
FROM pg_constraint
JOIN pg_class child ON child.oid = conrelid
JOIN pg_class parent ON parent.oid = confrelid
WHERE contype = 'f' AND conparentid = 0 AND child.relnamespace = $1::text::regnamespace
"""


@dataclass(frozen=True, slots=True)
class Tie:
    """A foreign key that acts on the child's rows when the parent's go; action c: deletes, n: nulls, d: defaults."""

    child: str
    parent: str
    action: str
    columns: tuple[str, ...]
    referenced: tuple[str, ...]


class Ties:
    """The foreign keys of a schema."""

    def __init__(self, ties: Sequence[Tie]) -> None:
        self._ties = ties
        self.acting = [tie for tie in ties if tie.action in "cnd"]
        self.parents = frozenset(tie.parent for tie in self.acting)

    @classmethod
    async def read(cls, connection: Connection, schema: str) -> Ties:
        rows = await connection.fetch(_TIES, schema)
        return cls(
            [
                Tie(row["child"], row["parent"], row["action"], tuple(row["columns"]), tuple(row["referenced"]))
                for row in rows
            ]
        )

    def tied(self, tables: Iterable[str]) -> list[str]:
        """These tables and all that are tied to them, in either direction."""
        found = set(tables)
        while more := {
            name
            for tie in self._ties
            for name in (tie.child, tie.parent)
            if {tie.child, tie.parent} & found and name not in found
        }:
            found |= more
        return sorted(found)
