"""Tables in memory that take row changes as PostgreSQL does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from shared.eventstore.rows import Batch, batches
from shared.projection import RowChange

Keys = Mapping[str, tuple[str, ...]]
Tables = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


def after(
    changes: Sequence[RowChange], keys: Keys, cuts: Iterable[int], defaults: Mapping[str, Any] | None = None
) -> Tables:
    """The rows after these changes, folded from cut to cut; `defaults` by column."""
    tables: Tables = {table: {} for table in keys}
    places = sorted({0, len(changes), *(cut % (len(changes) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        for batch in batches(changes[start:end], keys):
            _write(tables, batch, dict(defaults or {}))
    return tables


def _write(tables: Tables, batch: Batch, defaults: dict[str, Any]) -> None:
    rows = tables[batch.table]
    for row in batch.rows:
        key = tuple(row[name] for name in batch.key)
        match batch.verb:
            case "delete":
                rows.pop(key, None)
            case "insert":
                assert key not in rows, f"{key} is in {batch.table} already"
                rows[key] = defaults | row
            case "upsert":
                rows[key] = rows.get(key, defaults) | row
            case "update" if key in rows:
                rows[key] |= {name: row[name] for name in batch.columns}
                for name in batch.counted:
                    rows[key][name] = None if rows[key][name] is None else rows[key][name] + row[name]
