"""The events a rebuild goes through: own ones and heard ones, each source in its own order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from contracts.envelope import START, Event, Mark, Wire
from shared.database import Connection
from shared.eventstore import statements
from shared.eventstore.folding import Folding
from shared.eventstore.store import EventStore
from shared.rebuild.feed import Feed
from shared.rebuild.heard import Heard

PAGE = 2_000  # events read at once
FOREVER = Mark(2**63, 0)


class Read(NamedTuple):
    """One event and where it stands in its source's order; `size` is about what it holds, in bytes; `state` of its
    stream after it, where it is asked for."""

    event: Event
    source: str
    mark: Mark
    size: int
    state: Any = None

    @property
    def at(self) -> datetime:
        return self.event.meta.recorded_at


def cut(reads: Sequence[Read], wanted: int) -> int:
    """Where to part them: not within what was recorded at one moment, for that was folded when it was live, too.

    (Written in two steps, the second update would bring no new `updated_at`, and the table's trigger would take the
    clock's.) The place before `wanted` where that is possible, else the one after it.
    """
    places = [*range(wanted, 0, -1), *range(wanted + 1, len(reads))]
    return next((place for place in places if reads[place - 1].at != reads[place].at), len(reads))


class Own:
    """The service's own events. `gated`: only what no open transaction can precede; else all there are, for whoever
    keeps writers out. `until`: only what was recorded by then."""

    def __init__(
        self, store: EventStore, passed_by: Collection[str], folding: Folding, until: datetime | None = None
    ) -> None:
        self._store = store
        self._folding = folding
        self._until = until
        # Not "all that is wanted": whether an event that nobody here knows matters cannot be told, so it must be met.
        self._passed_by = sorted(passed_by)
        self.seen = START  # nothing of interest is left up to here

    async def pages(
        self, connection: Connection, after: Mark, end: Mark = FOREVER, *, gated: bool
    ) -> AsyncGenerator[list[Read], None]:
        """Pages after one mark and up to another."""
        sql = statements.OF_INTEREST if gated else statements.OF_INTEREST_UNGATED
        source = self._store.service
        mark = self.seen = after
        reading = asyncio.create_task(self._fetch(connection, sql, mark))
        try:
            while rows := await reading:
                last = rows[-1]
                mark = _mark(last)
                wanted = [row for row in rows if self._until is None or row["recorded_at"] <= self._until]
                if mark > end:
                    wanted = [row for row in wanted if _mark(row) <= end]
                await self._folding.prepare(connection, wanted)
                more = len(rows) == PAGE and mark < end
                if more:  # read on while this page is worked on
                    reading = asyncio.create_task(self._fetch(connection, sql, mark))
                    await asyncio.sleep(0)
                events = [self._store.restore(row) for row in wanted]
                states = self._folding.after(events)
                yield [
                    Read(event, source, _mark(row), len(row["data"]), state)
                    for event, row, state in zip(events, wanted, states, strict=True)
                ]
                self.seen = mark
                if not more:
                    return
        finally:
            if not reading.done():
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading

    async def _fetch(self, connection: Connection, sql: str, mark: Mark) -> Sequence[Any]:
        rows: Sequence[Any] = await connection.fetch(
            sql, str(mark.transaction_id), mark.position, self._passed_by, PAGE
        )
        return rows


@dataclass(slots=True)
class Other:
    """Another service's events, as far as they were heard; those set aside are kept until they are written."""

    source: str
    store: EventStore
    feed: Feed
    types: Collection[str]
    until: datetime | None = None  # only what was recorded by then
    aside: dict[Mark, Wire] = field(default_factory=dict)

    async def pages(
        self, before: Heard, now: Heard, after: Mark, end: Mark = FOREVER
    ) -> AsyncGenerator[list[Read], None]:
        """Pages of what was heard since `before`, and comes after one mark and not after another."""
        taken_up = [mark for mark in self.aside if (self.source, mark) not in now.parked]
        page = [self._read(self.aside[mark]) for mark in sorted(taken_up)]
        low, end = max(before.surely(self.source), after), min(now.nothing_beyond(self.source), end)
        if low < end:
            surely = now.surely(self.source)
            already = before.nothing_beyond(self.source)
            async for wire in self.feed(self.source, low, self.types):
                if wire.mark > end:
                    break
                if wire.mark > surely and wire.mark > now.of(self.source, wire.meta.stream_id):
                    continue  # not heard yet
                if wire.mark <= already and wire.mark <= before.of(self.source, wire.meta.stream_id):
                    continue  # taken before
                if self.until is not None and wire.meta.recorded_at > self.until:
                    continue
                if (self.source, wire.mark) in now.parked:
                    self.aside[wire.mark] = wire
                    continue
                page.append(self._read(wire))
                if len(page) >= PAGE:
                    yield page
                    page = []
        if page:
            yield page

    def _read(self, wire: Wire) -> Read:
        return Read(self.store.registry.decode(wire), self.source, wire.mark, len(wire.data))


async def interleaved(sources: Sequence[AsyncGenerator[list[Read], None]]) -> AsyncGenerator[list[Read], None]:
    """One order of all: each source keeps its own, and between sources the earlier recorded goes first."""
    buffers: list[deque[Read]] = [deque() for _ in sources]
    open_sources = set(range(len(sources)))
    try:
        while True:
            for number in sorted(open_sources):
                try:
                    while not buffers[number]:  # a page may hold nothing of what is wanted
                        buffers[number].extend(await anext(sources[number]))
                except StopAsyncIteration:
                    open_sources.discard(number)
            filled = [buffer for buffer in buffers if buffer]
            if not filled:
                return
            if len(filled) == 1:
                page = list(filled[0])
                filled[0].clear()
            else:
                page = []
                while all(filled):
                    page.append(min(filled, key=_recorded).popleft())
            yield page
    finally:
        for source in sources:
            await source.aclose()


def _recorded(buffer: deque[Read]) -> datetime:
    return buffer[0].at


def _mark(row: Mapping[str, Any]) -> Mark:
    return Mark(row["transaction_id"], row["position"])
