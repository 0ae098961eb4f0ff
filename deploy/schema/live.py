"""What a live database holds, read from its catalog: any role that may connect can read it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlglot
from sqlglot import exp

from deploy.schema import words
from deploy.schema.model import Check, Column, ForeignKey, Index, Policy, Schema, Table, Trigger
from deploy.schema.ownership import OWNED

_TABLES = """
SELECT c.oid, relname AS name, relkind::text AS kind, relrowsecurity AS row_security,
       CASE WHEN relkind = 'v' THEN pg_get_viewdef(c.oid) END AS definition
FROM pg_class c WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
ORDER BY relname
"""
_COLUMNS = """
SELECT attrelid AS oid, attname AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable,
       attgenerated <> '' AS generated, pg_get_expr(adbin, adrelid) AS default
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum
"""
_INDEXES = """
SELECT indrelid AS oid, relname AS name, indisunique AS unique, indisprimary AS primary, indisvalid AS valid,
       pg_get_expr(indpred, indrelid) AS where,
       ARRAY(SELECT pg_get_indexdef(indexrelid, n, false) || CASE WHEN indoption[n - 1] & 1 = 1 THEN ' DESC' ELSE '' END
             FROM generate_series(1, indnkeyatts) AS n ORDER BY n) AS columns
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = ANY ($1::oid[]) ORDER BY indrelid, relname
"""
_CONSTRAINTS = """
SELECT conrelid AS oid, conname AS name, contype::text AS type, confrelid::regclass::text AS parent,
       confdeltype::text AS on_delete, pg_get_constraintdef(con.oid) AS text,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (num, place)
             JOIN pg_attribute ON attrelid = conrelid AND attnum = num ORDER BY place) AS columns,
       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k (num, place)
             JOIN pg_attribute ON attrelid = confrelid AND attnum = num ORDER BY place) AS referenced
FROM pg_constraint con WHERE conrelid = ANY ($1::oid[]) AND contype IN ('c', 'f') ORDER BY conrelid, conname
"""
_TRIGGERS = """
SELECT tgrelid AS oid, tgname AS name, tgenabled IN ('O', 'A') AS enabled, proname AS function
FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE tgrelid = ANY ($1::oid[]) AND NOT tgisinternal ORDER BY tgrelid, tgname
"""
_POLICIES = """
SELECT polrelid AS oid, polname AS name,
       CASE polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete'
                   ELSE 'all' END AS command
FROM pg_policy WHERE polrelid = ANY ($1::oid[]) ORDER BY polrelid, polname
"""
_ENUMS = """
SELECT typname AS name,
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels
FROM pg_type t WHERE typnamespace = $1::text::regnamespace AND typtype = 'e' ORDER BY typname
"""
_FUNCTIONS = "SELECT DISTINCT proname AS name FROM pg_proc WHERE pronamespace = $1::text::regnamespace ORDER BY 1"
_EXTENSIONS = "SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
_ON_DELETE = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)(?![\w.])")

Rows = dict[int, list[asyncpg.Record]]


async def read_all(dsn: str) -> dict[str, Schema]:
    """The schemas of all services that are there, as of one moment. Raises asyncpg's errors and OSError."""
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "presswork-schema"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = {service: await read(connection, service) for service in OWNED}
    finally:
        await connection.close()
    return {service: schema for service, schema in found.items() if schema is not None}


async def read(connection: asyncpg.Connection, service: str) -> Schema | None:
    """The schema of one service as it is; None where there is none. Raises asyncpg's errors."""
    if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", service):
        return None
    tables = await connection.fetch(_TABLES, service)
    oids = [row["oid"] for row in tables]

    async def of(sql: str) -> Rows:
        found: Rows = defaultdict(list)
        for row in await connection.fetch(sql, oids):
            found[row["oid"]].append(row)
        return found

    parts = [await of(sql) for sql in (_COLUMNS, _INDEXES, _CONSTRAINTS, _TRIGGERS, _POLICIES)]
    return Schema(
        name=service,
        tables={row["name"]: _table(row, [rows[row["oid"]] for rows in parts]) for row in tables},
        enums={row["name"]: tuple(row["labels"]) for row in await connection.fetch(_ENUMS, service)},
        functions=tuple(row["name"] for row in await connection.fetch(_FUNCTIONS, service)),
        extensions=tuple(row["name"] for row in await connection.fetch(_EXTENSIONS)),
        revision=await _revision(connection, service),
    )


async def _revision(connection: asyncpg.Connection, service: str) -> str | None:
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{service}.schema_version"):
        return None
    found: str | None = await connection.fetchval(f"SELECT version_num FROM {service}.schema_version")
    return found


def _table(row: asyncpg.Record, parts: Sequence[list[asyncpg.Record]]) -> Table:
    columns, indexes, constraints, triggers, policies = parts
    source, sources = _behind(row["definition"]) if row["definition"] else (None, {})
    return Table(
        name=row["name"],
        columns={column["name"]: _column(column) for column in columns},
        indexes=tuple(_index(index) for index in indexes),
        foreign_keys=tuple(
            ForeignKey(
                columns=tuple(each["columns"]),
                table=each["parent"].rpartition(".")[2],
                referenced=tuple(each["referenced"]),
                on_delete=_ON_DELETE[each["on_delete"]],
            )
            for each in constraints
            if each["type"] == "f"
        ),
        checks=tuple(
            Check(
                name=each["name"], columns=tuple(each["columns"]), literals=_literals(each["text"]), text=each["text"]
            )
            for each in constraints
            if each["type"] == "c"
        ),
        triggers=tuple(Trigger(name=t["name"], function=t["function"], enabled=t["enabled"]) for t in triggers),
        policies=tuple(Policy(name=policy["name"], command=policy["command"]) for policy in policies),
        row_security=row["row_security"],
        source=source,
        sources=sources,
    )


def _column(row: asyncpg.Record) -> Column:
    return Column(
        name=row["name"],
        type=words.type_name(row["type"]),
        nullable=row["nullable"],
        default=None if row["generated"] else words.default(row["default"]),
        generated=row["generated"],
    )


def _index(row: asyncpg.Record) -> Index:
    return Index(
        name=row["name"],
        columns=tuple(column.replace('"', "") for column in row["columns"]),  # "timestamp" is quoted
        unique=row["unique"],
        primary=row["primary"],
        where=row["where"].strip("()").lower() if row["where"] else None,
        valid=row["valid"],
    )


def _literals(text: str) -> tuple[str, ...]:
    return tuple(word or number for word, number in _LITERAL.findall(text))


def _behind(definition: str) -> tuple[str | None, dict[str, str]]:
    """The table a view shows and, by column, the one column of it that the view's column is made of."""
    query = sqlglot.parse_one(definition, dialect="postgres")
    table = query.find(exp.Table)
    sources: dict[str, str] = {}
    for selected in getattr(query, "selects", []):
        made_of: set[Any] = {column.name for column in selected.find_all(exp.Column)}
        if len(made_of) == 1:
            sources[selected.alias_or_name] = made_of.pop()
    return (table.name if table else None), sources
