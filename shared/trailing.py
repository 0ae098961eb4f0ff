"""Read tables that follow at a distance: rows of own events written after their commit, not with them.

For what nobody waits for and what would cost requests dear. It goes on from a mark of its own (in `heard`, under the
service's own name), several processes may run it, and it rests for much longer than it works.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence

from contracts.envelope import Mark
from shared.database import UNAVAILABLE
from shared.eventstore import rows, statements
from shared.eventstore.folding import Folding
from shared.eventstore.store import EventStore
from shared.projection import Delete, Insert, Projections, RowChange

logger = logging.getLogger(__name__)

PAGE = 100  # events a transaction follows: requests wait for the work, every relay for the oldest open transaction
RESTS = 4  # times as long as it worked

_BEGIN = "INSERT INTO heard (source, partitions, partition) VALUES ($1, 1, 0) ON CONFLICT DO NOTHING"
_MARK = "SELECT transaction_id, position FROM heard WHERE source = $1 AND partitions = 1 AND partition = 0"
_MOVE = """
UPDATE heard SET transaction_id = $4, position = $5
WHERE source = $1 AND partitions = 1 AND partition = 0 AND transaction_id = $2 AND position = $3
"""
_BEHIND = """
SELECT EXISTS (SELECT FROM events WHERE (transaction_id, position) > ($1::text::xid8, $2) AND type = ANY ($3::text[]))
"""


class Trailing:
    """Follows the service's own events with these projections."""

    def __init__(self, store: EventStore, projections: Projections, seconds: float) -> None:
        """`seconds`: how long it waits before it looks again when there was nothing."""
        self._store = store
        self._projections = projections
        self._seconds = seconds
        self._folding = Folding(store, projections.streams)
        self._followed = sorted(event.__name__ for event in projections.events)
        known = {event.__name__ for event in store.registry.of(store.service)} if self._followed else set()
        self._passed_by = sorted(known.difference(self._followed))

    @property
    def follows(self) -> bool:
        """Whether there is anything to do at all."""
        return bool(self._followed)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = time.monotonic()
            try:
                followed = await self.follow()
            except UNAVAILABLE as error:
                logger.warning("the tables that follow at a distance wait for the database: %s", error)
                followed = 0
            worked = time.monotonic() - began
            await asyncio.sleep(worked * RESTS if followed == PAGE else self._seconds)

    async def follow(self) -> int:
        """Write the rows of the next events that no open transaction can precede; how many events that were."""
        pool = self._store.database.pool
        mark = await self._mark()
        async with pool.acquire() as connection:
            found = await connection.fetch(
                statements.OF_INTEREST, str(mark.transaction_id), mark.position, self._passed_by, PAGE
            )
            if not found:
                return 0
            await self._folding.prepare(connection, found)
            events = [self._store.restore(row) for row in found]
            changes: list[RowChange] = []
            for event, state in zip(events, self._folding.after(events), strict=True):
                changes += self._projections.changes(event, state)
            batches = [batch for group in _in_turns(changes) for batch in self._batches(group)]
            last = found[-1]
            async with connection.transaction():
                moved = await connection.execute(
                    _MOVE,
                    self._store.service,
                    mark.transaction_id,
                    mark.position,
                    last["transaction_id"],
                    last["position"],
                )
                if moved != "UPDATE 1":
                    return 0  # another process follows
                for batch in batches:
                    # After a rebuild, which goes to the end, rows are there before the mark comes to them.
                    again = " ON CONFLICT DO NOTHING" if batch.verb == "insert" else ""
                    await connection.execute(batch.sql() + again, rows.dumps(batch.rows))
        return len(found)

    def _batches(self, group: Sequence[RowChange]) -> list[rows.Batch]:
        keys = self._store.database.primary_keys
        if not all(isinstance(change, Insert) for change in group):
            return rows.batches(group, keys)
        # New rows alone, which is the rule, need not be folded: that would cost as much as all the rest.
        found: dict[tuple[str, ...], rows.Batch] = {}
        for change in group:
            assert isinstance(change, Insert)
            columns = tuple(change.row)
            batch = found.setdefault(
                (change.table, *columns), rows.Batch("insert", change.table, keys[change.table], columns)
            )
            batch.rows.append(change.row)
        return list(found.values())

    async def behind(self) -> bool:
        """Whether events are committed that it has not followed yet."""
        mark = await self._mark()
        pool = self._store.database.pool
        return bool(await pool.fetchval(_BEHIND, str(mark.transaction_id), mark.position, self._followed))

    async def _mark(self) -> Mark:
        pool = self._store.database.pool
        row: Mapping[str, int] | None = await pool.fetchrow(_MARK, self._store.service)
        if row is None:
            await pool.execute(_BEGIN, self._store.service)
            return Mark(0, 0)
        return Mark(row["transaction_id"], row["position"])


def _in_turns(changes: Sequence[RowChange]) -> Iterator[list[RowChange]]:
    """Parted where rows go, for with them goes what refers to them, which may have come just before."""
    group: list[RowChange] = []
    for change in changes:
        if group and isinstance(change, Delete) != isinstance(group[-1], Delete):
            yield group
            group = []
        group.append(change)
    if group:
        yield group
