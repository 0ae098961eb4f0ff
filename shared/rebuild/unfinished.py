"""What rebuilds left behind that were stopped or killed: shadow tables, and a row that says how far they are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.envelope import Mark
from shared.database import Connection
from shared.rebuild import shadow
from shared.rebuild.names import SUFFIX, shadow_of
from shared.rebuild.place import Marks, Place, marks_told

_FIND = "SELECT * FROM rebuilds WHERE tables && $1::text[] ORDER BY started_at"
_ALL = """
SELECT tables, started_at, events,
       (SELECT coalesce(sum(pg_total_relation_size(to_regclass(quote_ident(name || $1)))), 0)::bigint
        FROM (SELECT unnest(tables) UNION
              SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
              WHERE inhparent = ANY (SELECT to_regclass(quote_ident(t)) FROM unnest(tables) AS t)) AS found (name))
       AS size
FROM rebuilds ORDER BY started_at
"""
_BEGIN = "INSERT INTO rebuilds (tables, fingerprint, place) VALUES ($1, $2, $3)"
_SAVE = """
UPDATE rebuilds SET place = $2, events = $3, folding = NULL, steps = 0, moved_at = now() WHERE tables = $1
"""
_FOLD = "UPDATE rebuilds SET folding = $2, steps = 0, moved_at = now() WHERE tables = $1"
_STEP = "UPDATE rebuilds SET steps = $2 WHERE tables = $1"
_DROP = "DELETE FROM rebuilds WHERE tables = $1"


@dataclass(frozen=True, slots=True)
class Fold:
    """What was being written: events of each source up to a mark, in steps, of which some are written."""

    to: Marks
    plan: str  # tells whether the steps made of the same events again are the same
    steps: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One that was left behind, as far as it came."""

    tables: tuple[str, ...]
    started_at: datetime
    fingerprint: str
    place: Place
    fold: Fold | None


@dataclass(frozen=True, slots=True)
class Listed:
    """The same for people; `size` of the shadows in bytes with their indexes."""

    service: str
    tables: tuple[str, ...]
    started_at: datetime
    events: int
    size: int

    @property
    def name(self) -> str:
        """By which it is dropped."""
        return shadow_of(self.tables[0])


class Record:
    """The row of the rebuild that goes on."""

    def __init__(self, connection: Connection, tables: Sequence[str]) -> None:
        self._connection = connection
        self._tables = list(tables)

    async def begin(self, fingerprint: str) -> None:
        """With nothing filled yet."""
        await self._connection.execute(_BEGIN, self._tables, fingerprint, Place().told())

    async def save(self, place: Place) -> None:
        """The shadows are filled up to here."""
        await self._connection.execute(_SAVE, self._tables, place.told(), place.events)

    async def fold(self, to: Marks, plan: str) -> None:
        """What is going to be written."""
        await self._connection.execute(_FOLD, self._tables, {"to": marks_told(to), "plan": plan})

    async def step(self, steps: int) -> None:
        """So many of its steps are written: to be said in the transaction of the last of them."""
        await self._connection.execute(_STEP, self._tables, steps)

    async def end(self) -> None:
        """There is nothing to go on with."""
        await self._connection.execute(_DROP, self._tables)


async def find(connection: Connection, tables: Sequence[str]) -> list[Unfinished]:
    """Those that have to do with one of these tables."""
    return [_unfinished(row) for row in await connection.fetch(_FIND, list(tables))]


def _unfinished(row: Mapping[str, Any]) -> Unfinished:
    told = row["folding"]
    fold = None
    if told is not None:
        fold = Fold({source: Mark(*mark) for source, mark in told["to"].items()}, told["plan"], row["steps"])
    place = Place.read(row["events"], row["place"])
    return Unfinished(tuple(row["tables"]), row["started_at"], row["fingerprint"], place, fold)


async def drop(connection: Connection, tables: Sequence[str]) -> None:
    """Let one go, and its shadows."""
    async with connection.transaction():
        await shadow.drop(connection, tables)
        await connection.execute(_DROP, list(tables))


async def listed(connection: Connection, service: str) -> list[Listed]:
    """All of a schema, in the order in which they began."""
    rows = await connection.fetch(_ALL, SUFFIX)
    return [Listed(service, tuple(row["tables"]), row["started_at"], row["events"], row["size"]) for row in rows]
