"""Retention of rows that no event tells of: the kit's own bookkeeping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.retention.rule import Found, Removed

if TYPE_CHECKING:
    from shared.kit import Kit

BATCH = 1_000  # rows that go in one transaction

_COUNT = "SELECT count(*) AS count, min({age}) AS oldest FROM {table} WHERE {age} < $1 AND {where}"
_DELETE = """
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE {age} < $1 AND {where} LIMIT {limit} FOR UPDATE SKIP LOCKED
))
"""


@dataclass(frozen=True, slots=True)
class OldRows:
    """Rows of a table whose column `age` is below the cutoff; `where` may ask for more, `$2` being `given(kit)`."""

    table: str
    age: str
    where: str = "true"
    given: Callable[[Kit], Any] | None = None

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        row = await kit.database.pool.fetchrow(self._sql(_COUNT), cutoff, *self._given(kit))
        return Found(row["count"], row["oldest"])

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        removed = 0
        while removed < most:
            sql = self._sql(_DELETE, limit=min(BATCH, most - removed))
            count = int((await kit.database.pool.execute(sql, cutoff, *self._given(kit))).rpartition(" ")[2])
            removed += count
            if not count:
                break
        return Removed(removed)

    def _given(self, kit: Kit) -> list[Any]:
        return [] if self.given is None else [self.given(kit)]

    def _sql(self, sql: str, **more: int) -> str:
        return sql.format(table=self.table, age=self.age, where=self.where, **more)
