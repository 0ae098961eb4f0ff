"""Writing folded row changes: one statement for all rows of the same shape, typed by the table itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from shared.database import PoolConnection
from shared.eventstore.statements import ROWS_DELETE, ROWS_INSERT, ROWS_UPDATE, ROWS_UPSERT
from shared.projection import Folded, RowChange, fold

Columns = tuple[str, ...]


@lru_cache(maxsize=1024)
def _insert_sql(table: str, columns: Columns) -> str:
    return ROWS_INSERT.format(table=table, columns=", ".join(columns))


@lru_cache(maxsize=1024)
def _upsert_sql(table: str, key: Columns, columns: Columns) -> str:
    return ROWS_UPSERT.format(
        table=table,
        columns=", ".join(key + columns),
        key=", ".join(key),
        assignments=", ".join(f"{name} = excluded.{name}" for name in columns),
    )


@lru_cache(maxsize=1024)
def _update_sql(table: str, key: Columns, columns: Columns, counted: Columns) -> str:
    assignments = [f"{name} = new.{name}" for name in columns]
    assignments += [f"{name} = old.{name} + new.{name}" for name in counted]
    return ROWS_UPDATE.format(table=table, assignments=", ".join(assignments), matching=_matching(key))


@lru_cache(maxsize=1024)
def _delete_sql(table: str, key: Columns) -> str:
    return ROWS_DELETE.format(table=table, matching=_matching(key))


def _matching(key: Columns) -> str:
    return " AND ".join(f"old.{name} = new.{name}" for name in key)


def statements(
    changes: Sequence[RowChange], primary_keys: Mapping[str, Columns], rename: Mapping[str, str] | None = None
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The SQL and its rows for these changes. `rename` sends a table's rows to its shadow while it is rebuilt.

    Order: what goes, what comes (tables in order of first appearance), what changes.
    """
    names = rename or {}
    deletes: dict[str, list[dict[str, Any]]] = {}
    inserts: dict[str, list[dict[str, Any]]] = {}
    updates: dict[str, list[dict[str, Any]]] = {}
    for row in fold(changes, primary_keys):
        table = names.get(row.table, row.table)
        if row.deleted:
            deletes.setdefault(_delete_sql(table, tuple(row.key)), []).append(row.key)
        if row.inserted is not None:
            inserts.setdefault(_insert_sql(table, tuple(row.inserted)), []).append(row.inserted)
        elif row.upserted:
            sql = _upsert_sql(table, tuple(row.key), tuple(row.values))
            inserts.setdefault(sql, []).append({**row.key, **row.values})
        elif row.values or row.deltas:
            updates.setdefault(*_update(table, row)).append({**row.key, **row.values, **row.deltas})
    return [*deletes.items(), *inserts.items(), *updates.items()]


def _update(table: str, row: Folded) -> tuple[str, list[dict[str, Any]]]:
    return _update_sql(table, tuple(row.key), tuple(row.values), tuple(row.deltas)), []


def dumps(rows: list[dict[str, Any]]) -> str:
    """Rows as the JSON that `jsonb_populate_recordset` turns into the table's own types."""
    return orjson.dumps(rows, default=_default).decode()


def _default(value: Any) -> Any:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)


async def write(connection: PoolConnection, changes: Sequence[RowChange], primary_keys: Mapping[str, Columns]) -> None:
    """Write all changes. Raises asyncpg's constraint errors as they come."""
    for sql, rows in statements(changes, primary_keys):
        await connection.execute(sql, dumps(rows))
