"""How far a relay has published: its cursor in the database, moved only by the relay whose term it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contracts.envelope import START, Mark
from shared.database import Connection

_TAKE_UP = """
UPDATE relay_cursor SET term = term + 1
RETURNING term, epoch, transaction_id, position, held_transaction_id, held_position, partitions, last_marks, offsets
"""
_MOVE = """
UPDATE relay_cursor
SET epoch = $2, transaction_id = $3, position = $4, held_transaction_id = $5, held_position = $6, partitions = $7,
    last_marks = $8, offsets = $9, moved_at = now()
WHERE term = $1
"""


class LostLeadership(Exception):
    """Another relay of this service took up the cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is published. Every message says which mark came before it in its partition, so that a gap is heard."""

    epoch: int = 0
    mark: Mark = START
    held: Mark = START  # the topic holds, without a gap, what comes after this mark
    partitions: int = 0
    last: Mapping[int, Mark] = field(default_factory=dict)  # by partition: of the last message, if after `held`
    offsets: Mapping[int, int] = field(default_factory=dict)  # by partition: of the last message

    def back_to(self, mark: Mark) -> Cursor:
        """Publish again what comes after `mark`, to a topic that keeps what it has."""
        return replace(self, mark=mark, held=mark, last={})

    def refilling(self, mark: Mark) -> Cursor:
        """Publish what comes after `mark` to an emptied broker."""
        return replace(self.back_to(mark), epoch=self.epoch + 1, offsets={})

    def repartitioned(self, partitions: int) -> Cursor:
        """Streams change places: what comes next follows, in each partition, on all that was published."""
        return replace(self.back_to(self.mark), partitions=partitions, offsets={})


class SavedCursor:
    """The cursor's row. Whoever takes it up stops all who had it before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._term = 0
        self._saved = Cursor()

    async def take_up(self) -> Cursor:
        """Where the last relay was, or a little before."""
        row = await self._connection.fetchrow(_TAKE_UP)
        self._term = row["term"]
        self._saved = Cursor(
            row["epoch"],
            Mark(row["transaction_id"], row["position"]),
            Mark(row["held_transaction_id"], row["held_position"]),
            row["partitions"],
            {int(partition): Mark(*mark) for partition, mark in row["last_marks"].items()},
            {int(partition): offset for partition, offset in row["offsets"].items()},
        )
        return self._saved

    async def save(self, cursor: Cursor) -> None:
        """Raises LostLeadership when another relay has taken it up."""
        if cursor == self._saved:
            return
        moved = await self._connection.execute(
            _MOVE,
            self._term,
            cursor.epoch,
            cursor.mark.transaction_id,
            cursor.mark.position,
            cursor.held.transaction_id,
            cursor.held.position,
            cursor.partitions,
            {str(partition): [mark.transaction_id, mark.position] for partition, mark in cursor.last.items()},
            {str(partition): offset for partition, offset in cursor.offsets.items()},
        )
        if moved != "UPDATE 1":
            raise LostLeadership
        self._saved = cursor
