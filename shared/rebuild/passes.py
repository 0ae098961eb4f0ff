"""Going through the events: in passes from where the last one ended, in folds, noting after each how far it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime

from contracts.envelope import Mark
from shared.database import Connection
from shared.eventstore.folding import Folding
from shared.kit import Kit
from shared.rebuild.feed import Feed
from shared.rebuild.heard import Heard
from shared.rebuild.place import Marks, Place, reached
from shared.rebuild.reading import FOREVER, Other, Own, Read, cut, interleaved
from shared.rebuild.unfinished import Fold, Record
from shared.rebuild.writing import Step, Writer, named

FOLDED = 20_000  # events folded together …
FOLDED_BYTES = 32 * 1024 * 1024  # … unless they are big

Write = Callable[[Sequence[Read]], Awaitable[None]]


class Passes:
    """`place` says where it is; going back to an earlier one, after its transaction failed, is to put that there."""

    def __init__(
        self,
        kit: Kit,
        feed: Feed,
        connections: tuple[Connection, Connection],
        writer: Writer,
        record: Record | None,
        until: datetime | None,
        told: Callable[[], None],
    ) -> None:
        """`connections`: one to write and one to read. Without a `record` nobody can go on later."""
        self._schema = kit.service.name
        self._writing, self._reading = connections
        self._writer = writer
        self._record = record
        self._told = told
        names: dict[str, set[str]] = {self._schema: set()}
        for event in kit.read_tables.events:
            names.setdefault(event.owner, set()).add(event.__name__)
        known = {event.__name__ for event in kit.store.registry.of(self._schema)}
        folding = Folding(kit.store, kit.read_tables.streams)
        self._own = Own(kit.store, known - names.pop(self._schema), folding, until)
        self._others = [Other(source, kit.store, feed, types, until) for source, types in sorted(names.items())]
        self.place = Place()

    def go_on(self, place: Place) -> None:
        """From there, instead of from the beginning."""
        self.place = place
        self._writer.touched = set(place.touched)
        self._take_aside()

    async def fill(self) -> None:
        """The first pass, or what is left of it."""
        await self._pass(self._fill)

    async def follow(self, *, gated: bool = True) -> int:
        """A later pass; how many events it went through."""
        before = self.place.events
        await self._pass(self._follow, gated=gated)
        return self.place.events - before

    async def end(self, fold: Fold) -> bool:
        """Write the rest of a fold that was broken off. False when its events make other steps by now."""
        reads: list[Read] = []
        async with aclosing(interleaved(self._sources(fold.to))) as pages:
            async for page in pages:
                reads += page
        steps = self._writer.plan(reads)
        if named(steps) != fold.plan:
            return False
        await self._write(steps, fold.steps)
        await self._note(reads)
        return True

    async def _pass(self, write: Write, *, gated: bool = True) -> None:
        if self.place.now is None:
            self.place = replace(self.place, now=await Heard.now(self._reading))
            if self._record is not None:
                await self._record.save(self.place)
        self._take_aside()
        reads: list[Read] = []
        size = 0
        async with aclosing(interleaved(self._sources(gated=gated))) as pages:
            async for page in pages:
                reads += page
                size += sum(read.size for read in page)
                if len(reads) >= FOLDED or size >= FOLDED_BYTES:
                    whole = cut(reads, len(reads) - 1)
                    await write(reads[:whole])
                    self._told()
                    reads = reads[whole:]
                    size = sum(read.size for read in reads)
        if reads:
            await write(reads)
        self.place = self.place.passed(self._schema, self._own.seen)
        if self._record is not None:
            await self._record.save(self.place)

    def _take_aside(self) -> None:
        for other in self._others:
            other.aside = {wire.mark: wire for wire in self.place.aside.get(other.source, ())}

    def _sources(self, to: Marks | None = None, *, gated: bool = True) -> list[AsyncGenerator[list[Read], None]]:
        """What the pass has still to go through, or of it what comes up to these marks."""
        place, now = self.place, self.place.now
        assert now is not None

        def end(source: str) -> Mark:
            return FOREVER if to is None else to.get(source, place.mark(source))

        return [
            self._own.pages(self._reading, place.mark(self._schema), end(self._schema), gated=gated),
            *(o.pages(place.before, now, place.mark(o.source), end(o.source)) for o in self._others),
        ]

    async def _fill(self, reads: Sequence[Read]) -> None:
        steps = self._writer.plan(reads)
        if self._record is not None:
            await self._record.fold(reached(reads), named(steps))
        await self._write(steps)
        await self._note(reads)

    async def _write(self, steps: Sequence[Step], written: int = 0) -> None:
        """Each in a transaction of its own: relays everywhere wait for the oldest open one, so none stays long."""
        for number, step in enumerate(steps[written:], written + 1):
            if self._record is None:
                await step.write(self._writing)
                continue
            async with self._writing.transaction():
                await step.write(self._writing)
                await self._record.step(number)

    async def _follow(self, reads: Sequence[Read]) -> None:
        await self._writer.follow(self._writing, reads, self._note)

    async def _note(self, reads: Sequence[Read]) -> None:
        """They are written."""
        written = {(read.source, read.mark) for read in reads} if any(o.aside for o in self._others) else ()
        for other in self._others:
            other.aside = {mark: wire for mark, wire in other.aside.items() if (other.source, mark) not in written}
        aside = {other.source: list(other.aside.values()) for other in self._others}
        self.place = self.place.after(reads, aside, frozenset(self._writer.touched))
        if self._record is not None:
            await self._record.save(self.place)
