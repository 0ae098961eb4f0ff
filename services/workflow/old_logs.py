"""Letting the logs of executions go by their age: parts that are old as a whole are dropped, the rest row by row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.workflow.domain.log_retention import RemoveLogs
from shared.kit import Kit
from shared.retention import Found, Removed
from shared.retention.tables import drop_parts, taken

TABLE = "execution_logs"
BATCH = 1_000  # rows that go in one transaction

_UNFINISHED = """
SELECT min(created_at) FROM executions WHERE status NOT IN ('completed', 'failed', 'cancelled') AND created_at < $1
"""
_COUNT = "SELECT count(*) AS count, min(timestamp) AS oldest FROM execution_logs WHERE timestamp < $1"
# What is not in a part that goes as a whole: of that only so much goes that one run can remove it.
_TOO_MANY = """
SELECT timestamp FROM execution_logs
WHERE timestamp < $1 AND tableoid NOT IN (
    SELECT inhrelid FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'execution_logs'::regclass
      AND substring(pg_get_expr(relpartbound, pg_class.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz <= $1)
ORDER BY timestamp OFFSET $2 LIMIT 1
"""
_DELETE = """
DELETE FROM execution_logs USING (
    SELECT id, timestamp FROM execution_logs WHERE timestamp < $1 ORDER BY timestamp LIMIT $2
) AS old
WHERE execution_logs.id = old.id AND execution_logs.timestamp = old.timestamp
"""


@dataclass(frozen=True, slots=True)
class OldLogs:
    """Whole days. The logs of an execution that has not ended stay, and so does what was logged after its begin."""

    async def find(self, kit: Kit, cutoff: datetime) -> Found:
        before, note = await self._before(kit, cutoff)
        row = await kit.database.pool.fetchrow(_COUNT, before)
        return Found(row["count"], row["oldest"], note)

    async def remove(self, kit: Kit, cutoff: datetime, most: int) -> Removed:
        """The event first: what is older than it says is brought back by no rebuild, removed already or not."""
        pool = kit.database.pool
        async with taken(kit, TABLE):
            before, note = await self._before(kit, cutoff)
            before = await pool.fetchval(_TOO_MANY, before, most) or before
            count = (await pool.fetchrow(_COUNT, before))["count"]
            await kit.handle(RemoveLogs(before), actor=None)
            await drop_parts(kit, TABLE)
            while await pool.execute(_DELETE, before, BATCH) != "DELETE 0":
                pass
        return Removed(count, note)

    async def _before(self, kit: Kit, cutoff: datetime) -> tuple[datetime, str]:
        day = cutoff.replace(hour=0, minute=0, second=0, microsecond=0)
        begun = await kit.database.pool.fetchval(_UNFINISHED, day)
        if begun is None:
            return day, ""
        return begun, f"what was logged since {begun:%Y-%m-%d %H:%M} stays: an execution begun then has not ended"
