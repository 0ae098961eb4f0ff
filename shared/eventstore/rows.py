"""Writing folded row changes: one statement for all rows of the same shape, typed by the table itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import orjson

from shared.database import PoolConnection
from shared.eventstore.statements import ROWS_DELETE, ROWS_INSERT, ROWS_UPDATE, ROWS_UPSERT
from shared.projection import Folded, Row, RowChange, fold

Columns = tuple[str, ...]


@lru_cache(maxsize=1024)
def _insert_sql(table: str, columns: Columns) -> str:
    return ROWS_INSERT.format(table=table, columns=", ".join(columns))


@lru_cache(maxsize=1024)
def _upsert_sql(table: str, key: Columns, columns: Columns) -> str:
    assignments = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return ROWS_UPSERT.format(
        table=table,
        columns=", ".join(key + columns),
        key=", ".join(key),
        action=f"DO UPDATE SET {assignments}" if columns else "DO NOTHING",
    )


@lru_cache(maxsize=1024)
def _update_sql(table: str, key: Columns, columns: Columns, counted: Columns) -> str:
    assignments = [f"{name} = new.{name}" for name in columns]
    assignments += [f"{name} = old.{name} + new.{name}" for name in counted]
    return ROWS_UPDATE.format(table=table, assignments=", ".join(assignments), matching=matching(key), first=key[0])


@lru_cache(maxsize=1024)
def _delete_sql(table: str, key: Columns) -> str:
    return ROWS_DELETE.format(table=table, matching=matching(key), first=key[0])


def matching(key: Columns) -> str:
    """The condition that finds a row (`old`) by the key of another (`new`)."""
    return " AND ".join(f"old.{name} = new.{name}" for name in key)


Verb = Literal["delete", "insert", "upsert", "update"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table that the same statement writes."""

    verb: Verb
    table: str
    key: Columns
    columns: Columns  # insert: of the whole row; else the ones beside the key
    counted: Columns = ()  # of an update: columns that are added to
    rows: list[Row] = field(default_factory=list, compare=False)

    def sql(self, table: str | None = None) -> str:
        """The statement; `table` instead of the batch's own when rows go to its shadow."""
        name = table or self.table
        match self.verb:
            case "delete":
                return _delete_sql(name, self.key)
            case "insert":
                return _insert_sql(name, self.columns)
            case "upsert":
                return _upsert_sql(name, self.key, self.columns)
            case "update":
                return _update_sql(name, self.key, self.columns, self.counted)


def batches(changes: Iterable[RowChange], primary_keys: Mapping[str, Columns]) -> list[Batch]:
    """These changes folded per row, as few statements as their shapes allow.

    Order: what goes, what an upsert finds changed, what comes (tables in order of first appearance), what changes.
    """
    deletes: dict[Batch, Batch] = {}
    found: dict[Batch, Batch] = {}
    comes: dict[Batch, Batch] = {}
    updates: dict[Batch, Batch] = {}

    def put(into: dict[Batch, Batch], batch: Batch, row: Row) -> None:
        into.setdefault(batch, batch).rows.append(row)

    def change(into: dict[Batch, Batch], row: Folded, values: Row, deltas: Row) -> None:
        batch = Batch("update", row.table, tuple(row.key), tuple(sorted(values)), tuple(sorted(deltas)))
        put(into, batch, {**row.key, **values, **deltas})

    for row in fold(changes, primary_keys):
        key = tuple(row.key)
        if row.deleted:
            put(deletes, Batch("delete", row.table, key, ()), row.key)
        if row.before is not None:
            change(found, row, *row.before)
        if row.inserted is not None:
            put(comes, Batch("insert", row.table, key, tuple(sorted(row.inserted))), row.inserted)
        elif row.upserted:
            put(comes, Batch("upsert", row.table, key, tuple(sorted(row.values))), {**row.key, **row.values})
        elif row.values:
            change(updates, row, row.values, row.deltas)
            continue
        if row.deltas:
            change(updates, row, {}, row.deltas)
    return [*deletes, *found, *comes, *updates]


def independent(found: Sequence[Batch], several_keys: Collection[str]) -> bool:
    """Whether these may be written in any order, or at once: no row is written twice, and none comes to a table of
    `several_keys` (it has a unique index beside its primary key) from which another goes, whose place it may take."""
    goes = {batch.table for batch in found if batch.verb == "delete"}
    if any(batch.table in goes and batch.table in several_keys for batch in found if batch.verb != "delete"):
        return False
    written = [(batch.table, *(row[name] for name in batch.key)) for batch in found for row in batch.rows]
    return len(set(written)) == len(written)


def dumps(rows: list[dict[str, Any]]) -> str:
    """Rows as the JSON that `jsonb_populate_recordset` turns into the table's own types."""
    return orjson.dumps(rows, default=_default).decode()


def _default(value: Any) -> Any:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)


async def write(connection: PoolConnection, found: Sequence[Batch]) -> None:
    """Write all of them in order. Raises asyncpg's constraint errors as they come."""
    for batch in found:
        await connection.execute(batch.sql(), dumps(batch.rows))
