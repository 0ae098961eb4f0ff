"""A rebuild from beginning to end.

The old tables serve all the while. Shadows are filled in many small transactions, indexed, brought up to date, and in
one short transaction that keeps writers out they get the last events and the tables' names.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.database import PRIMARY_KEYS, Connection
from shared.eventstore.folding import Folding
from shared.http.client import ServiceClient
from shared.kit import Kit
from shared.rebuild import copies, shadow
from shared.rebuild.catalog import Ties
from shared.rebuild.columns import column_types
from shared.rebuild.comparing import Compared, Difference, conclude, look
from shared.rebuild.cutoffs import Cutoffs
from shared.rebuild.feed import Feed, over
from shared.rebuild.heard import Heard
from shared.rebuild.names import quoted, shadow_of
from shared.rebuild.reading import Other, Own, Read, cut, interleaved
from shared.rebuild.refusal import Refused
from shared.rebuild.session import alone, as_owner, choose, clean
from shared.rebuild.writing import Writer

FOLDED = 20_000  # events folded together …
FOLDED_BYTES = 32 * 1024 * 1024  # … unless they are big
CLOSE = 500  # events that may be left for the final transaction
PASSES = 20
TRIES = 20
# Below PostgreSQL's deadlock_timeout (1 s), so that the rebuild gives way, not a request; later above it, because only
# then an autovacuum gives way to the rebuild.
LOCK_TIMEOUTS = ("400ms", "400ms", "400ms", "1500ms")

_LAST = "SELECT coalesce(max(position), 0) FROM events"
# Whatever writes read tables writes one of these as well; in the order in which writers come by.
_KEEP_WRITERS_OUT = "LOCK TABLE heard, events, parked_events IN SHARE MODE"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a rebuild is: events gone through so far, and the share of the service's own (0 to 1)."""

    stage: str
    events: int
    share: float


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done. `left`: tables left alone, for they hold rows that no projection writes; `seconds` in all,
    `locked` those in which writers waited; `compared`: what the rebuild changed, table by table; `again`:
    an earlier one had been killed, and this one began anew."""

    tables: tuple[str, ...]
    left: tuple[str, ...]
    events: int
    seconds: float
    locked: float
    compared: tuple[Compared, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: names of the new tables with their rows, from how many events, in how many seconds."""

    copies: Mapping[str, int]
    events: int
    seconds: float


Told = Callable[[Progress], None]


async def rebuild(
    kit: Kit,
    admin_dsn: str,
    tables: Sequence[str] = (),
    *,
    feed: Feed | None = None,
    told: Told = lambda progress: None,
) -> Rebuilt:
    """Fill read tables of the kit's service anew; with names these and those tied to them by foreign keys, else all.

    `admin_dsn`: of a role that may act as the schema's owner. `feed`: other services' events, by default from the
    addresses in the kit's settings; the kit need not be open. Raises Refused, UnknownEvent or UnreadableEvent (an event
    that nobody here can read) and asyncpg's errors; then nothing was changed.
    """
    async with _prepared(kit, admin_dsn, tables, feed, told) as run:
        return await run.go(frozenset(tables))


async def copy_as_of(
    kit: Kit,
    admin_dsn: str,
    tables: Sequence[str],
    at: datetime,
    *,
    feed: Feed | None = None,
    told: Told = lambda progress: None,
) -> Copied:
    """Write a copy of each named table as it stood at a moment, from the events recorded by then, beside the tables.

    `at` with a time zone. Raises what `rebuild` raises; then there is no copy.
    """
    async with _prepared(kit, admin_dsn, tables, feed, told, at) as run:
        return await run.copy(tables, at)


@asynccontextmanager
async def _prepared(
    kit: Kit, admin_dsn: str, tables: Sequence[str], feed: Feed | None, told: Told, until: datetime | None = None
) -> AsyncIterator[_Run]:
    """A run that has its tables for itself; none of its shadows is there afterwards."""
    schema = kit.service.name
    async with AsyncExitStack() as stack:
        if feed is None:
            settings = kit.settings
            feed = over(await stack.enter_async_context(ServiceClient(settings.urls(), settings.internal_token)))
        writing = await stack.enter_async_context(as_owner(admin_dsn, schema))
        reading = await stack.enter_async_context(as_owner(admin_dsn, schema))
        ties = await Ties.read(writing, schema)
        chosen = await choose(writing, schema, tables, ties)
        if until is not None:
            await copies.check(writing, schema, tables or chosen, until)
        await alone(writing, schema, chosen)
        try:
            with _rare_collections():
                yield _Run(kit, feed, writing, reading, chosen, ties, told, until)
        finally:
            await asyncio.shield(clean(admin_dsn, schema, chosen))


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Events and rows form no cycles, but the collector would walk through the many that wait: 40 % of the time."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Run:
    def __init__(
        self,
        kit: Kit,
        feed: Feed,
        writing: Connection,
        reading: Connection,
        tables: list[str],
        ties: Ties,
        told: Told,
        until: datetime | None,
    ) -> None:
        self._kit = kit
        self._schema = kit.service.name
        self._writing = writing
        self._reading = reading
        self._tables = tables
        self._ties = ties
        self._told = told
        self._until = until
        names: dict[str, set[str]] = {self._schema: set()}
        for event in kit.read_tables.events:
            names.setdefault(event.owner, set()).add(event.__name__)
        known = {event.__name__ for event in kit.store.registry.of(self._schema)}
        folding = Folding(kit.store, kit.read_tables.streams)
        self._own = Own(kit.store, known - names.pop(self._schema), folding, until)
        self._others = [Other(source, kit.store, feed, types, until) for source, types in sorted(names.items())]
        self._heard = Heard()
        self._events = 0
        self._last = 0

    async def go(self, named: frozenset[str]) -> Rebuilt:
        started = time.monotonic()
        await self._writing.execute("SET synchronous_commit = off")  # a shadow lost in a crash is made again
        self._last = await self._reading.fetchval(_LAST)
        again = await shadow.exists(self._writing, self._tables)
        await shadow.make(self._writing, self._schema, self._tables)
        writer = await self._writer()
        self._tell("filling")
        await self._pass(writer.fill)
        left = await self._leave_untouched(writer.touched, named)
        self._tell("indexing")
        await shadow.index(self._writing, self._schema, self._tables)
        for table in self._tables:
            await self._writing.execute(f"VACUUM (ANALYZE) {quoted(shadow_of(table))}")
        self._tell("catching up")
        await self._catch_up(writer)
        self._tell("comparing")
        differences = [await look(self._reading, table, writer.keys[table]) for table in self._tables]
        await self._catch_up(writer)
        await self._writing.execute("RESET synchronous_commit")
        locked, compared = await self._put_in_place(writer, differences)
        self._tell("checking foreign keys")
        await shadow.validate(self._writing, self._schema, self._tables)
        self._tell("done")
        seconds = time.monotonic() - started
        return Rebuilt(tuple(self._tables), tuple(left), self._events, seconds, locked, tuple(compared), again)

    async def copy(self, wanted: Sequence[str], at: datetime) -> Copied:
        started = time.monotonic()
        named = sorted(set(wanted)) or self._tables
        await self._writing.execute("SET synchronous_commit = off")
        self._last = await self._reading.fetchval(_LAST)
        await shadow.make(self._writing, self._schema, self._tables, in_parts=False)
        writer = await self._writer()
        self._tell("filling")
        await self._pass(writer.fill)
        self._tell("indexing")
        await shadow.index(self._writing, self._schema, named, in_parts=False)
        made = {}
        for table in named:
            name = quoted(shadow_of(table))
            await self._writing.execute(f"VACUUM (ANALYZE) {name}")
            made[copies.name_of(table, at)] = await self._writing.fetchval(f"SELECT count(*) FROM {name}")
        await self._writing.execute("RESET synchronous_commit")
        await copies.keep(self._writing, self._schema, named, f"presswork_{self._schema}", at)
        self._tell("done")
        return Copied(made, self._events, time.monotonic() - started)

    async def _writer(self) -> Writer:
        keys = {row["table"]: tuple(row["columns"]) for row in await self._writing.fetch(PRIMARY_KEYS)}
        if keyless := [table for table in self._tables if table not in keys]:
            raise Refused(f"{', '.join(keyless)} has no primary key, so no event finds its row; it is no read table.")
        types = await column_types(self._writing, self._schema, self._tables)
        cutoffs = await Cutoffs.read(self._writing, self._until)
        return Writer(self._kit.read_tables, self._tables, keys, types, self._ties, cutoffs)

    async def _pass(self, write: Callable[[Connection, Sequence[Read]], Awaitable[None]], *, gated: bool = True) -> int:
        """Go through what was appended and heard since the last pass; how many events that were."""
        now = await Heard.now(self._reading)
        before = self._events
        sources = [self._own.pages(self._reading, gated=gated)]
        sources += [other.pages(self._heard, now) for other in self._others]
        reads: list[Read] = []
        size = 0
        async with aclosing(interleaved(sources)) as pages:
            async for page in pages:
                reads += page
                size += sum(read.size for read in page)
                if len(reads) >= FOLDED or size >= FOLDED_BYTES:
                    whole = cut(reads, len(reads) - 1)
                    await write(self._writing, reads[:whole])
                    self._events += whole
                    self._tell("filling")
                    reads = reads[whole:]
                    size = sum(read.size for read in reads)
        if reads:
            await write(self._writing, reads)
            self._events += len(reads)
        self._heard = now
        return self._events - before

    async def _leave_untouched(self, touched: set[str], named: frozenset[str]) -> list[str]:
        """A table with rows that no projection writes is no read table: it is left as it is."""
        left = [
            table
            for table in self._tables
            if table not in touched and await self._reading.fetchval(f"SELECT EXISTS (SELECT FROM {quoted(table)})")
        ]
        if refused := sorted(named.intersection(left)):
            raise Refused(f"{', '.join(refused)} holds rows that no event writes; a rebuild would lose them.")
        if torn := sorted(set(self._ties.tied(left)).difference(left)):
            raise Refused(
                f"{', '.join(torn)} is tied by foreign keys to {', '.join(left)}, which holds rows that no event "
                "writes; a rebuild would lose them."
            )
        if left:
            await shadow.drop(self._writing, left)
            self._tables = [table for table in self._tables if table not in left]
        return left

    async def _catch_up(self, writer: Writer) -> None:
        for _ in range(PASSES):
            if await self._pass(writer.follow) < CLOSE:
                return

    async def _put_in_place(self, writer: Writer, found: Sequence[Difference]) -> tuple[float, list[Compared]]:
        """The final transaction, again while somebody is in its way.

        Returns for how many seconds writers waited, and which of the differences `found` were none of moments only.
        """
        for attempt in range(TRIES):
            marks = self._own.mark, self._heard, self._events, [dict(other.aside) for other in self._others]
            try:
                async with self._writing.transaction():
                    timeout = LOCK_TIMEOUTS[attempt % len(LOCK_TIMEOUTS)]
                    await self._writing.execute(f"SET LOCAL lock_timeout = '{timeout}'")
                    await self._writing.execute(_KEEP_WRITERS_OUT)
                    began = time.monotonic()
                    await self._pass(writer.follow, gated=False)
                    compared = await conclude(self._writing, found, writer.keys)
                    await shadow.swap(self._writing, self._schema, self._tables)
                return time.monotonic() - began, compared
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                self._own.mark, self._heard, self._events, asides = marks
                for other, aside in zip(self._others, asides, strict=True):
                    other.aside = aside
                self._tell("waiting for its turn")
                await asyncio.sleep(0.05 * (attempt + 1))
                await self._catch_up(writer)
        raise Refused(
            f"The tables of {self._schema} were in use without a pause; nothing was changed. Try again when no long "
            "transaction runs."
        )

    def _tell(self, stage: str) -> None:
        share = min(1.0, self._own.mark.position / self._last) if self._last else 1.0
        self._told(Progress(stage, self._events, share))
