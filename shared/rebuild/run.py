"""A rebuild from beginning to end.

The old tables serve all the while. Shadows are filled in many small transactions, indexed, brought up to date, and in
one short transaction that keeps writers out they get the last events and the tables' names.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.database import PRIMARY_KEYS, UNAVAILABLE, Connection
from shared.http.client import ServiceClient
from shared.kit import Kit
from shared.rebuild import copies, shadow, unfinished
from shared.rebuild.catalog import Ties
from shared.rebuild.columns import column_types
from shared.rebuild.comparing import Compared, Difference, conclude, look
from shared.rebuild.cutoffs import Cutoffs
from shared.rebuild.distance import Distance
from shared.rebuild.feed import Feed, over
from shared.rebuild.fingerprint import fingerprint
from shared.rebuild.names import quoted, shadow_of
from shared.rebuild.passes import Passes
from shared.rebuild.refusal import Interrupted, Refused
from shared.rebuild.session import alone, as_owner, choose, clean
from shared.rebuild.unfinished import Record, Unfinished
from shared.rebuild.writing import Writer

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
    """What was done. `left`: tables left alone, for they hold rows that no projection writes; `events` gone through, in
    `seconds` in all, `locked` those in which writers waited; `compared`: what the rebuild changed, table by table;
    `earlier`: events that one which was stopped or killed had gone through, and that were not read again; `dropped`:
    why what one left behind was of no use; `distant`: rows that follow at a distance were so far behind that those
    which had not come yet count as lost."""

    tables: tuple[str, ...]
    left: tuple[str, ...]
    events: int
    seconds: float
    locked: float
    compared: tuple[Compared, ...] = ()
    earlier: int = 0
    dropped: str = ""
    distant: bool = False


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
    fresh: bool = False,
    feed: Feed | None = None,
    told: Told = lambda progress: None,
) -> Rebuilt:
    """Fill read tables of the kit's service anew; with names these and those tied to them by foreign keys, else all.

    `admin_dsn`: of a role that may act as the schema's owner. `fresh`: not from where an earlier one stopped. `feed`:
    other services' events, by default from the addresses in the kit's settings; the kit need not be open. Raises
    Refused, UnknownEvent or UnreadableEvent (an event that nobody here can read) and asyncpg's errors; then nothing was
    changed. When it is cancelled, or Interrupted is raised or one of UNAVAILABLE, the next one goes on from there.
    """
    async with _prepared(kit, admin_dsn, tables, feed, told) as run:
        try:
            return await run.go(frozenset(tables), fresh)
        except (asyncio.CancelledError, Interrupted, *UNAVAILABLE):
            run.keep()
            raise


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
    """A run that has its tables for itself; none of its shadows is there afterwards, unless it keeps them."""
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
        run = _Run(kit, feed, (writing, reading), chosen, ties, told, until)
        try:
            with _rare_collections():
                yield run
        finally:
            if run.owns_shadows:
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
        connections: tuple[Connection, Connection],
        tables: list[str],
        ties: Ties,
        told: Told,
        until: datetime | None,
    ) -> None:
        self._kit = kit
        self._feed = feed
        self._schema = kit.service.name
        self._writing, self._reading = connections
        self._chosen = self._tables = tables
        self._ties = ties
        self._told = told
        self._until = until
        self._record = Record(self._writing, tables)
        self._passes: Passes
        self._earlier = 0  # events
        self._last = 0
        self.owns_shadows = False  # they go with the run

    async def go(self, named: frozenset[str], fresh: bool) -> Rebuilt:
        started = time.monotonic()
        await self._writing.execute("SET synchronous_commit = off")  # a shadow lost in a crash is made again
        self._last = await self._reading.fetchval(_LAST)
        writer = await self._writer()
        dropped = await self._begin(writer, fresh)
        if not self._passes.place.filled:
            self._tell("filling")
            await self._passes.fill()
        left = await self._leave_untouched(writer.touched, named)
        self._tell("indexing")
        await shadow.index(self._writing, self._schema, self._tables)
        for table in self._tables:
            await self._writing.execute(f"VACUUM (ANALYZE) {quoted(shadow_of(table))}")
        self._tell("catching up")
        await self._catch_up()
        distance = Distance(self._kit, self._writing, writer.keys)
        differences = await self._look(writer, distance)
        await self._catch_up()
        await self._writing.execute("RESET synchronous_commit")
        locked, compared = await self._put_in_place(writer, differences, distance)
        self._tell("checking foreign keys")
        await shadow.validate(self._writing, self._schema, self._tables)
        self._tell("done")
        seconds, events = time.monotonic() - started, self._passes.place.events - self._earlier
        return Rebuilt(
            tuple(self._tables),
            tuple(left),
            events,
            seconds,
            locked,
            tuple(compared),
            self._earlier,
            dropped,
            distance.stays,
        )

    async def copy(self, wanted: Sequence[str], at: datetime) -> Copied:
        started = time.monotonic()
        named = sorted(set(wanted)) or self._tables
        await self._writing.execute("SET synchronous_commit = off")
        self._last = await self._reading.fetchval(_LAST)
        for found in await unfinished.find(self._writing, self._chosen):
            await self._drop_if_useless(found)
        self.owns_shadows = True
        await shadow.make(self._writing, self._schema, self._tables, in_parts=False)
        self._passes = self._passes_of(await self._writer(), None)
        self._tell("filling")
        await self._passes.fill()
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
        return Copied(made, self._passes.place.events, time.monotonic() - started)

    def keep(self) -> None:
        """Leave the shadows behind for the next one, if there is anything in them."""
        if self.owns_shadows and self._passes.place.events:
            self.owns_shadows = False

    async def _begin(self, writer: Writer, fresh: bool) -> str:
        """Go on from where one stopped, or make shadows; why what one left behind was of no use."""
        dropped = ""
        now = await fingerprint(self._writing, self._kit.service, self._chosen)
        for found in await unfinished.find(self._writing, self._chosen):
            if fresh:
                await self._let_go(found)
            elif found.tables != tuple(self._chosen):
                await self._drop_if_useless(found)
            elif found.fingerprint != now:
                dropped = "the code, the tables, or from when on rows are kept have changed since then"
                await self._let_go(found)
            elif await self._go_on(writer, found):
                return ""
            else:
                dropped = "its events make other rows by now"
                await self._let_go(found)
        self.owns_shadows = True
        self._passes = self._passes_of(writer, self._record)
        writer.touched.clear()
        async with self._writing.transaction():  # so that no shadow is there without the row
            await shadow.make(self._writing, self._schema, self._tables)
            await self._record.begin(now)
        return dropped

    async def _go_on(self, writer: Writer, found: Unfinished) -> bool:
        self._passes = self._passes_of(writer, self._record)
        self._passes.go_on(found.place)
        self._earlier = found.place.events
        self._tell(f"going on after {found.place.events:,} events, from where one stopped")
        if found.fold is not None and not await self._passes.end(found.fold):
            self._earlier = 0
            return False
        self.owns_shadows = True
        return True

    async def _drop_if_useless(self, found: Unfinished) -> None:
        """Raises Refused when it can be gone on with."""
        if found.fingerprint == await fingerprint(self._writing, self._kit.service, found.tables):
            tables = " ".join(found.tables)
            raise Refused(
                f"A rebuild of {self._schema} that was stopped stands in the way: go on with it (make rebuild "
                f"SERVICE={self._schema} TABLE='{tables}') or let it go (make copies SERVICE={self._schema} "
                f"DROP={shadow_of(found.tables[0])})."
            )
        await self._let_go(found)

    async def _let_go(self, found: Unfinished) -> None:
        await alone(self._writing, self._schema, found.tables)
        await unfinished.drop(self._writing, found.tables)

    async def _writer(self) -> Writer:
        keys = {row["table"]: tuple(row["columns"]) for row in await self._writing.fetch(PRIMARY_KEYS)}
        if keyless := [table for table in self._tables if table not in keys]:
            raise Refused(f"{', '.join(keyless)} has no primary key, so no event finds its row; it is no read table.")
        types = await column_types(self._writing, self._schema, self._tables)
        cutoffs = await Cutoffs.read(self._writing, self._until)
        return Writer(self._kit.read_tables, self._tables, keys, types, self._ties, cutoffs)

    def _passes_of(self, writer: Writer, record: Record | None) -> Passes:
        connections = self._writing, self._reading
        return Passes(self._kit, self._feed, connections, writer, record, self._until, lambda: self._tell("filling"))

    async def _leave_untouched(self, touched: set[str], named: frozenset[str]) -> list[str]:
        """A table with rows that no projection writes is no read table: it is left as it is."""
        left = [
            table
            for table in self._tables
            if table not in touched
            and (
                await self._reading.fetchval(f"SELECT EXISTS (SELECT FROM {quoted(table)})")
                or await self._reading.fetchval("SELECT to_regclass($1) IS NULL", quoted(shadow_of(table)))
            )
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

    async def _catch_up(self) -> None:
        for _ in range(PASSES):
            if await self._passes.follow() < CLOSE:
                return

    async def _look(self, writer: Writer, distance: Distance) -> list[Difference]:
        """Which rows differ from those that serve, once these are all there."""
        self._tell("comparing")
        found = [await look(self._reading, table, writer.keys[table]) for table in self._tables]
        if distance.may_be and any(each.keys for each in found):
            await distance.close()
            await self._catch_up()
            found = [await look(self._reading, table, writer.keys[table]) for table in self._tables]
        return found

    async def _put_in_place(
        self, writer: Writer, found: Sequence[Difference], distance: Distance
    ) -> tuple[float, list[Compared]]:
        """The final transaction, again while somebody is in its way.

        Returns for how many seconds writers waited, and which of the differences `found` were none of moments only.
        """
        differ = any(each.keys for each in found)
        for attempt in range(TRIES):
            place = self._passes.place
            try:
                async with self._writing.transaction():
                    timeout = LOCK_TIMEOUTS[attempt % len(LOCK_TIMEOUTS)]
                    await self._writing.execute(f"SET LOCAL lock_timeout = '{timeout}'")
                    await self._writing.execute(_KEEP_WRITERS_OUT)
                    began = time.monotonic()
                    await self._passes.follow(gated=False)
                    if differ and distance.may_be:
                        await distance.close_for_good()
                    compared = await conclude(self._writing, found, writer.keys)
                    await shadow.swap(self._writing, self._schema, self._tables)
                    await self._record.end()
                self.owns_shadows = False
                return time.monotonic() - began, compared
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                self._passes.place = place
                self._tell("waiting for its turn")
                await asyncio.sleep(0.05 * (attempt + 1))
                await self._catch_up()
                if differ and distance.may_be:
                    await distance.close()
        raise Interrupted(
            f"The tables of {self._schema} were in use without a pause; nothing was changed. Try again when no long "
            "transaction runs."
        )

    def _tell(self, stage: str) -> None:
        place = self._passes.place
        share = min(1.0, place.mark(self._schema).position / self._last) if self._last else 1.0
        self._told(Progress(stage, place.events, share))
