"""Row changes into shadows: folded over many events, so that most rows are written once, and new rows by COPY."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import asyncpg

from shared.database import Connection
from shared.eventstore.rows import Batch, Columns, batches, dumps
from shared.projection import Delete, Insert, Projections, Row, RowChange, Upsert
from shared.rebuild.catalog import Tie, Ties
from shared.rebuild.columns import Types, converters, records
from shared.rebuild.cutoffs import Cutoffs
from shared.rebuild.names import quoted, shadow_of
from shared.rebuild.reading import Read, cut

SLICE = 2_000  # rows a statement writes: relays everywhere wait for the oldest open transaction, so none stays long

Identity = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of work for one transaction."""

    what: str
    write: Callable[[Connection], Awaitable[None]]


def named(steps: Sequence[Step]) -> str:
    """Tells whether two plans are the same."""
    return sha256("\n".join(step.what for step in steps).encode()).hexdigest()


class Writer:
    """Writes what the projections make of events into the shadows of some tables."""

    def __init__(
        self,
        projections: Projections,
        tables: Iterable[str],
        primary_keys: Mapping[str, Columns],
        types: Types,
        ties: Ties,
        cutoffs: Cutoffs,
    ) -> None:
        self._projections = projections
        self._tables = frozenset(tables)
        self.keys = primary_keys
        self._types = types
        self._ties = ties
        self._cutoffs = cutoffs
        self.touched: set[str] = set()

    def plan(self, reads: Sequence[Read]) -> list[Step]:
        """What to do, in order, in shadows that bear no unique index but the primary key; each step is small."""
        steps = []
        for pending, gone in self._groups(self._changes(reads)):
            for batch in batches(pending, self.keys):
                what = f"{batch.verb} {batch.table} {batch.columns} {batch.counted}"
                for start in range(0, len(batch.rows), SLICE):
                    rows = batch.rows[start : start + SLICE]
                    steps.append(Step(f"{what} {len(rows)}", partial(self._write, batch, rows)))
            for table, keys in gone.items():
                steps.append(Step(f"remove {table} {len(keys)}", partial(self._remove, table, keys)))
        return steps

    async def follow(
        self, connection: Connection, reads: Sequence[Read], note: Callable[[Sequence[Read]], Awaitable[None]]
    ) -> None:
        """Into shadows that are complete: one transaction, or smaller ones where folding would meet a unique index.

        (A row may take over what another one just gave up; folded, the order between the two is lost.) `note`: what
        else belongs to a transaction that writes these.
        """
        try:
            async with connection.transaction():
                for step in self.plan(reads):
                    await step.write(connection)
                await note(reads)
        except asyncpg.UniqueViolationError:
            middle = cut(reads, len(reads) // 2)
            if middle == len(reads):
                raise
            await self.follow(connection, reads[:middle], note)
            await self.follow(connection, reads[middle:], note)

    def _changes(self, reads: Sequence[Read]) -> Iterator[RowChange]:
        for read in reads:
            for change in self._projections.changes(read.event, read.state):
                if change.table in self._tables:
                    self.touched.add(change.table)
                    if not self._cutoffs.passed(change):
                        yield change

    def _groups(self, changes: Iterable[RowChange]) -> Iterator[tuple[list[RowChange], dict[str, list[Row]]]]:
        """What to fold, and the rows to remove after it with all that hangs on them.

        A row that others refer to goes last: then those inserted before it went are found and go with it.
        """
        pending: list[RowChange] = []
        gone: dict[Identity, Row] = {}
        for change in changes:
            if change.table in self._ties.parents and (gone or isinstance(change, Delete)):
                identity = self._identity(change)
                if identity in gone:
                    if not isinstance(change, Insert | Upsert):
                        continue  # nothing is left to change
                    yield pending, _by_table(gone)
                    pending, gone = [], {}
                elif isinstance(change, Delete):
                    gone[identity] = change.key
                    continue
            pending.append(change)
        yield pending, _by_table(gone)

    def _identity(self, change: RowChange) -> Identity:
        row = change.row if isinstance(change, Insert) else change.key
        return change.table, tuple(row[name] for name in self.keys[change.table])

    async def _write(self, batch: Batch, rows: list[Row], connection: Connection) -> None:
        shadow = shadow_of(batch.table)
        convert = converters(self._types[batch.table], batch.columns) if batch.verb == "insert" else None
        if convert is None:
            await connection.execute(batch.sql(quoted(shadow)), dumps(rows))
        else:
            await connection.copy_records_to_table(
                shadow, columns=batch.columns, records=records(rows, batch.columns, convert)
            )

    async def _remove(self, table: str, keys: Sequence[Row], connection: Connection) -> None:
        """Rows, and what their foreign keys take along; the shadows bear none while they are filled."""
        for tie in self._ties.acting:
            if tie.parent != table:
                continue
            if tie.action == "c":
                sql = f"SELECT {_listed('child', self.keys[tie.child])} FROM {self._joined(tie)}"
                if found := await connection.fetch(sql, dumps(list(keys))):
                    await self._remove(tie.child, [dict(row) for row in found], connection)
            else:
                value = "NULL" if tie.action == "n" else "DEFAULT"
                assignments = ", ".join(f"{name} = {value}" for name in tie.columns)
                own = " AND ".join(f"target.{name} = child.{name}" for name in self.keys[tie.child])
                sql = f"UPDATE {quoted(shadow_of(tie.child))} AS target SET {assignments} FROM {self._joined(tie)}"
                await connection.execute(f"{sql} AND {own}", dumps(list(keys)))
        batch = Batch("delete", table, self.keys[table], ())
        await connection.execute(batch.sql(quoted(shadow_of(table))), dumps(list(keys)))

    def _joined(self, tie: Tie) -> str:
        """The children of parents whose keys are $1."""
        parent, child = quoted(shadow_of(tie.parent)), quoted(shadow_of(tie.child))
        same = [f"parent.{name} = gone.{name}" for name in self.keys[tie.parent]]
        same += [f"child.{name} = parent.{other}" for name, other in zip(tie.columns, tie.referenced, strict=True)]
        if tie.parent == tie.child:  # a row that refers to itself takes nothing else along
            same.append(f"({_listed('child', self.keys[tie.child])}) <> ({_listed('parent', self.keys[tie.parent])})")
        return (
            f"jsonb_populate_recordset(NULL::{parent}, $1::text::jsonb) AS gone, {parent} AS parent, "
            f"{child} AS child WHERE {' AND '.join(same)}"
        )


def _by_table(gone: Mapping[Identity, Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for (table, _), key in gone.items():
        found.setdefault(table, []).append(key)
    return found


def _listed(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in columns)
