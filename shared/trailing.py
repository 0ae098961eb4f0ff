"""Read tables that follow at a distance: rows of own events written after their commit, not with them.

For what nobody waits for and what would cost requests dear. It goes on from a mark of its own (in `heard`, under the
service's own name), several processes may run it, and it rests for much longer than it works.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.envelope import START, Mark
from shared.database import UNAVAILABLE, PoolConnection
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

    def __init__(
        self,
        store: EventStore,
        projections: Projections,
        seconds: float,
        keys: Mapping[str, rows.Columns] | None = None,
    ) -> None:
        """`seconds`: how long it waits before it looks again when there was nothing. `keys`: the tables' primary keys,
        by default as the store's database knows them."""
        self._store = store
        self._projections = projections
        self._seconds = seconds
        self._known_keys = keys
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
        async with self._store.database.pool.acquire() as connection:
            return await self.follow_on(connection) or 0

    async def follow_on(self, connection: PoolConnection) -> int | None:
        """The same on a given connection; None when another process did meanwhile."""
        mark = await self._mark(connection)
        found = await self._page(connection, statements.OF_INTEREST, mark)
        if not found:
            return 0
        batches = await self._rows_of(connection, found)
        last = _mark_of(found[-1])
        async with connection.transaction():
            if await connection.execute(_MOVE, self._store.service, *mark, *last) != "UPDATE 1":
                return None
            await _write(connection, batches)
        return len(found)

    async def finish_on(self, connection: PoolConnection) -> None:
        """Write the rows of all that is left, inside the transaction of somebody who keeps writers out.

        The mark stays: an older transaction that waits may still append what sorts before the last of these.
        """
        mark = await self._mark(connection)
        while found := await self._page(connection, statements.OF_INTEREST_UNGATED, mark):
            await _write(connection, await self._rows_of(connection, found))
            mark = _mark_of(found[-1])

    async def _page(self, connection: PoolConnection, sql: str, mark: Mark) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = await connection.fetch(
            sql, str(mark.transaction_id), mark.position, self._passed_by, PAGE
        )
        return found

    async def _rows_of(self, connection: PoolConnection, found: Sequence[Mapping[str, Any]]) -> list[rows.Batch]:
        await self._folding.prepare(connection, found)
        events = [self._store.restore(row) for row in found]
        changes: list[RowChange] = []
        for event, state in zip(events, self._folding.after(events), strict=True):
            changes += self._projections.changes(event, state)
        return [batch for group in _in_turns(changes) for batch in self._batches(group)]

    def _batches(self, group: Sequence[RowChange]) -> list[rows.Batch]:
        keys = self._store.database.primary_keys if self._known_keys is None else self._known_keys
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
        pool = self._store.database.pool
        mark = await self._mark(pool)
        return bool(await pool.fetchval(_BEHIND, str(mark.transaction_id), mark.position, self._followed))

    async def _mark(self, connection: PoolConnection) -> Mark:
        row: Mapping[str, int] | None = await connection.fetchrow(_MARK, self._store.service)
        if row is None:
            await connection.execute(_BEGIN, self._store.service)
            return START
        return _mark_of(row)


async def _write(connection: PoolConnection, batches: Sequence[rows.Batch]) -> None:
    for batch in batches:
        # After a rebuild, which goes to the end, rows are there before the mark comes to them.
        again = " ON CONFLICT DO NOTHING" if batch.verb == "insert" else ""
        await connection.execute(batch.sql() + again, rows.dumps(batch.rows))


def _mark_of(row: Mapping[str, Any]) -> Mark:
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
