"""How far other services were heard: one mark a partition, moved with the effects.

When a topic gets another number of partitions, streams change places. The marks of the old number are closed then: they
still tell what was heard, but move no more; those of the new number begin where all of the old ones had come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from contracts.envelope import START, Mark, Wire
from shared.bus.broker import partition_of
from shared.database import Database
from shared.eventstore import statements
from shared.eventstore.unit import Fenced, MarkMove, mark_columns

Place = tuple[str, int, int]  # source, partitions, partition
Reached = Mapping[Place, tuple[Mark, int]]  # mark and epoch

_ALL = "SELECT source, partitions, partition, transaction_id, position, epoch, closed FROM heard"
_LOCK = f"{_ALL} WHERE source = $1 FOR UPDATE"
_CLOSE = "UPDATE heard SET closed = true WHERE source = $1 AND partitions <> $2"
_OPEN = """
INSERT INTO heard (source, partitions, partition, transaction_id, position)
SELECT $1, $2, partition, $3, $4 FROM generate_series(0, $2 - 1) AS partition ON CONFLICT DO NOTHING
"""


class Marks:
    """Marks in memory, as they are in the database or will be with the next flush."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._marks: dict[Place, Mark] = {}
        self._epochs: dict[Place, int] = {}
        self._open: dict[str, int] = {}  # source → its number of partitions
        self._closed: dict[str, set[int]] = {}  # source → earlier numbers
        self._owed: dict[Place, MarkMove] = {}

    async def load(self) -> None:
        """What the database says; moves that were not flushed are forgotten, and heard again."""
        rows = await self._database.pool.fetch(_ALL)
        self._owed, self._marks, self._epochs, self._open, self._closed = {}, {}, {}, {}, {}
        for row in rows:
            source, partitions = row["source"], row["partitions"]
            place = (source, partitions, row["partition"])
            self._marks[place] = Mark(row["transaction_id"], row["position"])
            self._epochs[place] = row["epoch"]
            if row["closed"]:
                self._closed.setdefault(source, set()).add(partitions)
            else:
                self._open[source] = partitions

    def knows(self, source: str, partitions: int) -> bool:
        """Whether there are marks for this number of partitions."""
        return self._open.get(source) == partitions or partitions in self._closed.get(source, ())

    def is_closed(self, source: str, partitions: int) -> bool:
        """Whether the topic has another number of partitions by now: what comes from there comes again."""
        return partitions in self._closed.get(source, ())

    async def open(self, source: str, partitions: int) -> bool:
        """Make marks for a number of partitions not known yet. True when those of another number are closed by it."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_LOCK, source)
            old = [row for row in rows if row["partitions"] != partitions]
            heard = low_water(
                (row["partitions"], row["partition"], row["transaction_id"], row["position"]) for row in old
            )
            await connection.execute(_CLOSE, source, partitions)
            await connection.execute(_OPEN, source, partitions, heard.transaction_id, heard.position)
        if not old:
            self._open[source] = partitions
        return bool(old)

    def of(self, place: Place) -> Mark:
        """Up to where everything of this partition was heard."""
        return self._marks.get(place, START)

    def was_heard_elsewhere(self, source: str, wire: Wire) -> bool:
        """Whether the event was heard when its stream had its place in another number of partitions."""
        stream_id = wire.meta.stream_id
        return any(
            wire.mark <= self._marks[source, partitions, partition_of(stream_id, partitions)]
            for partitions in self._closed.get(source, ())
        )

    def is_new_epoch(self, place: Place, epoch: int) -> bool:
        return epoch > self._epochs.get(place, 0)

    def begin_epoch(self, place: Place, epoch: int) -> None:
        self._epochs[place] = epoch

    def moves(self, reached: Reached) -> list[MarkMove]:
        """What has to be written for having heard up to there."""
        found = []
        for place, (mark, epoch) in reached.items():
            owed = self._owed.get(place)
            old = owed.old if owed else self._marks.get(place, START)
            found.append(MarkMove(*place, old=old, new=mark, epoch=epoch))
        return found

    def moved(self, moves: Sequence[MarkMove]) -> None:
        """The moves are committed."""
        for move in moves:
            self._owed.pop(self._put(move), None)

    def owe(self, moves: Sequence[MarkMove]) -> None:
        """Nothing heard was of interest: remember it now, write it with the next effects or the next flush."""
        for move in moves:
            self._owed[self._put(move)] = move

    def _put(self, move: MarkMove) -> Place:
        place = (move.source, move.partitions, move.partition)
        self._marks[place], self._epochs[place] = move.new, move.epoch
        return place

    async def flush(self) -> None:
        """Write the marks that had no effects. Raises Fenced when another consumer moved them."""
        moves = list(self._owed.values())
        if not moves:
            return
        status = await self._database.pool.execute(statements.MOVE_MARKS, *mark_columns(moves))
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


def low_water(marks: Iterable[Sequence[int]]) -> Mark:
    """What was surely heard of every stream; marks are [partitions, partition, transaction, position].

    Where the number of partitions changed, marks of both say something about a stream; the higher one holds.
    """
    heard: dict[int, dict[int, Mark]] = {}
    for partitions, partition, transaction_id, position in marks:
        heard.setdefault(partitions, {})[partition] = Mark(transaction_id, position)
    complete = [
        min(places.get(partition, START) for partition in range(partitions)) for partitions, places in heard.items()
    ]
    return max(complete, default=START)
