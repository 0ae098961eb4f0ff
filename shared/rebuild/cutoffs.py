"""Rows that went by their age: a rebuild does not bring them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.database import Connection
from shared.projection import Insert, RowChange

_THERE = "SELECT to_regclass('retention_cutoffs') IS NOT NULL"
_READ = """
SELECT DISTINCT ON (table_name) table_name, column_name, before FROM retention_cutoffs
WHERE $1::timestamptz IS NULL OR removed_at <= $1
ORDER BY table_name, before DESC
"""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """By table the column that bears a row's age, and from when on rows are kept."""

    tables: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)

    @classmethod
    async def read(cls, connection: Connection, until: datetime | None) -> Cutoffs:
        """Those in force, or as they were at a moment. They stand while whoever moves one waits for the rebuild."""
        if not await connection.fetchval(_THERE):
            return cls()
        rows = await connection.fetch(_READ, until)
        return cls({row["table_name"]: (row["column_name"], row["before"]) for row in rows})

    def passed(self, change: RowChange) -> bool:
        """Whether the change is of a row that has gone."""
        if change.table not in self.tables:
            return False
        column, before = self.tables[change.table]
        at = (change.row if isinstance(change, Insert) else change.key).get(column)
        return isinstance(at, datetime) and at < before
