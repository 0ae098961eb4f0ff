"""How far other services were heard: one mark a partition, moved with the effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.envelope import START, Mark
from shared.bus.broker import partition_of
from shared.database import Database
from shared.eventstore import statements
from shared.eventstore.unit import Fenced, MarkMove

Place = tuple[str, int, int]  # source, partitions, partition

_ALL = "SELECT source, partitions, partition, transaction_id, position, epoch FROM heard"
_FIRST = """
INSERT INTO heard (source, partitions, partition)
SELECT * FROM unnest($1::text[], $2::int[], $3::int[]) ON CONFLICT DO NOTHING
"""


class Marks:
    """Marks in memory, as they are in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._marks: dict[Place, Mark] = {}
        self._epochs: dict[Place, int] = {}
        self._owed: dict[Place, MarkMove] = {}

    async def load(self) -> None:
        rows = await self._database.pool.fetch(_ALL)
        self._owed = {}
        self._marks, self._epochs = {}, {}
        for row in rows:
            place = (row["source"], row["partitions"], row["partition"])
            self._marks[place] = Mark(row["transaction_id"], row["position"])
            self._epochs[place] = row["epoch"]

    def of(self, source: str, stream_id: UUID) -> Mark:
        """How far a stream's events were heard; rows of an earlier number of partitions still count."""
        return max(
            (
                mark
                for (name, partitions, partition), mark in self._marks.items()
                if name == source and partition_of(stream_id, partitions) == partition
            ),
            default=START,
        )

    def is_new_epoch(self, source: str, partitions: int, partition: int, epoch: int) -> bool:
        return epoch > self._epochs.get((source, partitions, partition), 0)

    def begin_epoch(self, source: str, partitions: int, partition: int, epoch: int) -> None:
        self._epochs[(source, partitions, partition)] = epoch

    def moves(self, reached: Mapping[Place, tuple[Mark, int]]) -> list[MarkMove]:
        """What has to be written for having heard up to there."""
        found = []
        for place, (mark, epoch) in reached.items():
            owed = self._owed.get(place)
            old = owed.old if owed else self._marks.get(place, START)
            found.append(MarkMove(*place, old=old, new=mark, epoch=epoch))
        return found

    async def ensure(self, moves: Sequence[MarkMove]) -> None:
        """Make the rows that a first move needs."""
        new = [move for move in moves if move.old == START]
        if new:
            await self._database.pool.execute(
                _FIRST,
                [move.source for move in new],
                [move.partitions for move in new],
                [move.partition for move in new],
            )

    def moved(self, moves: Sequence[MarkMove]) -> None:
        """The moves are committed."""
        for move in moves:
            place = (move.source, move.partitions, move.partition)
            self._marks[place] = move.new
            self._owed.pop(place, None)

    def owe(self, moves: Sequence[MarkMove]) -> None:
        """Nothing heard was of interest: remember it now, write it with the next effects or the next flush."""
        for move in moves:
            place = (move.source, move.partitions, move.partition)
            self._marks[place] = move.new
            self._owed[place] = move

    async def flush(self) -> None:
        """Write the marks that had no effects. Raises Fenced when another consumer moved them."""
        moves = list(self._owed.values())
        if not moves:
            return
        await self.ensure(moves)
        status = await self._database.pool.execute(
            statements.MOVE_MARKS,
            [move.source for move in moves],
            [move.partitions for move in moves],
            [move.partition for move in moves],
            [move.old.transaction_id for move in moves],
            [move.old.position for move in moves],
            [move.new.transaction_id for move in moves],
            [move.new.position for move in moves],
            [move.epoch for move in moves],
        )
        if status != f"UPDATE {len(moves)}":
            raise Fenced("Another consumer of the group has moved on from here.")
        self.moved(moves)

    async def report(self, sources: Sequence[str]) -> dict[str, list[list[int]]]:
        """[partitions, partition, transaction, position] of each source, from the database."""
        found: dict[str, list[list[int]]] = {source: [] for source in sources}
        for row in await self._database.pool.fetch(_ALL):
            if row["source"] in found:
                found[row["source"]].append(
                    [row["partitions"], row["partition"], row["transaction_id"], row["position"]]
                )
        return found
