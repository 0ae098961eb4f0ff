"""`python -m shared.parked [list|retry] [--service S] [--stream ID|--all]`: events that failed, and their retry.

Wants PRESSWORK_<SERVICE>_DATABASE_URL. An event that keeps failing is set aside with the later ones of its stream; once
the cause is mended, a retry lets the running service take them up in order.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.database import UNAVAILABLE, Connection
from shared.operating import OperatorSettings

PATIENCE = 5.0  # seconds within which a running service has tried what is retried

console = Console(highlight=False)
problems = Console(stderr=True, highlight=False, soft_wrap=True)

# The first of each stream failed; the others wait for it.
_LIST = """
SELECT DISTINCT ON (source, stream_id) source, stream_id, type, event_id, attempts, error, next_attempt_at, parked_at,
       count(*) OVER (PARTITION BY source, stream_id) - 1 AS behind
FROM parked_events ORDER BY source, stream_id, transaction_id, position
"""
_RETRY = """
UPDATE parked_events SET attempts = 0, next_attempt_at = now()
FROM (SELECT DISTINCT ON (source, stream_id) source, transaction_id, position FROM parked_events
      WHERE $1::uuid IS NULL OR stream_id = $1
      ORDER BY source, stream_id, transaction_id, position) AS head
WHERE (parked_events.source, parked_events.transaction_id, parked_events.position)
    = (head.source, head.transaction_id, head.position)
RETURNING parked_events.event_id
"""
_STILL = "SELECT event_id, attempts, error FROM parked_events WHERE event_id = ANY ($1::uuid[])"
_RUNNING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1)"


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream that waits: its first event failed, `behind` later ones wait for it."""

    service: str  # that cannot take the event
    source: str  # whose event it is
    stream_id: UUID
    event_type: str
    event_id: UUID
    attempts: int
    error: str
    next_attempt_at: datetime | None  # None: when an operator says so
    since: datetime
    behind: int


@dataclass(frozen=True, slots=True)
class Retried:
    """How a retry went, by the first events of the streams; the ones behind them follow by themselves."""

    service: str
    streams: int
    done: int
    failed: tuple[str, ...]  # what they said this time
    running: bool

    @property
    def waiting(self) -> int:
        return self.streams - self.done - len(self.failed)


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "presswork-parked"})
    try:
        yield connection
    finally:
        await connection.close(timeout=2)


async def parked(service: str, dsn: str) -> list[Stream]:
    """The streams that wait in a service. Raises one of UNAVAILABLE."""
    async with _connected(dsn) as connection:
        rows = await connection.fetch(_LIST)
    return [
        Stream(
            service,
            row["source"],
            row["stream_id"],
            row["type"],
            row["event_id"],
            row["attempts"],
            row["error"] or "",
            row["next_attempt_at"],
            row["parked_at"],
            row["behind"],
        )
        for row in rows
    ]


async def retry(service: str, dsn: str, stream_id: UUID | None = None, *, patience: float = PATIENCE) -> Retried:
    """Have one stream or all tried again now, and wait up to `patience` seconds to tell how it went."""
    async with _connected(dsn) as connection:
        events = [row["event_id"] for row in await connection.fetch(_RETRY, stream_id)]
        running = bool(await connection.fetchval(_RUNNING, f"presswork-{service}"))
        deadline = asyncio.get_running_loop().time() + (patience if running else 0)
        while True:
            left: dict[UUID, Any] = {row["event_id"]: row for row in await connection.fetch(_STILL, events)}
            failed = tuple(row["error"] or "" for row in left.values() if row["attempts"])
            if len(failed) == len(left) or asyncio.get_running_loop().time() >= deadline:
                return Retried(service, len(events), len(events) - len(left), failed, running)
            await asyncio.sleep(0.1)


def _age(since: datetime) -> str:
    seconds = int((datetime.now(UTC) - since).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _table(streams: list[Stream]) -> Table:
    table = Table(title="Parked: the first event of each stream failed, later ones wait behind it", show_lines=True)
    for column in ("service", "event", "stream", "attempts", "error", "since", "behind"):
        table.add_column(column, justify="right" if column in ("attempts", "behind") else "left")
    for stream in streams:
        again = "" if stream.next_attempt_at else " (an operator's turn)"
        table.add_row(
            stream.service,
            f"{stream.event_type}\n[dim]of {stream.source}[/]",
            str(stream.stream_id),
            f"{stream.attempts}{again}",
            escape(stream.error),
            f"{_age(stream.since)} ago",
            str(stream.behind),
        )
    return table


async def _list(databases: Mapping[str, str]) -> int:
    streams = [stream for name, dsn in databases.items() for stream in await parked(name, dsn)]
    if not streams:
        console.print("[green]nothing is parked[/]")
        return 0
    console.print(_table(streams))
    console.print("Mend the cause, then retry: `make parked RETRY=all`, or RETRY=<stream id>.", soft_wrap=True)
    return 0


async def _retry(databases: Mapping[str, str], stream_id: UUID | None) -> int:
    results = [await retry(name, dsn, stream_id) for name, dsn in databases.items()]
    found = [result for result in results if result.streams]
    if not found:
        console.print("nothing is parked" + (f" of stream {stream_id}" if stream_id else ""))
        return 0 if stream_id is None else 1
    for result in found:
        console.print(f"{result.service}: {result.streams} retried, {result.done} done", soft_wrap=True)
        for error in result.failed:
            console.print(f"  [red]failed again:[/] {escape(error)}", soft_wrap=True)
        if result.waiting and not result.running:
            console.print(f"  [yellow]{result.service} does not run: they are tried as soon as it does[/]")
        elif result.waiting:
            console.print(f"  [yellow]{result.waiting} not tried yet: `make parked` tells how they fare[/]")
    return 1 if any(result.failed for result in found) else 0


def main() -> int:
    """The command line; exit code 1 when something failed again or is not there."""
    parser = argparse.ArgumentParser(prog="python -m shared.parked", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("list", "retry"), default="list")
    parser.add_argument("--service", help="only this one")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--stream", type=UUID, help="retry this stream")
    which.add_argument("--all", action="store_true", help="retry every stream")
    chosen = parser.parse_args()
    if chosen.what == "retry" and not (chosen.all or chosen.stream):
        parser.error("say what to retry: --all or --stream ID")
    databases = OperatorSettings().databases()
    if chosen.service:
        if chosen.service not in databases:
            parser.error(f"no service {chosen.service!r}; there are: {', '.join(sorted(databases)) or 'none'}")
        databases = {chosen.service: databases[chosen.service]}
    if not databases:
        problems.print("Set PRESSWORK_<SERVICE>_DATABASE_URL; `make parked` does.")
        return 2
    work = _list(databases) if chosen.what == "list" else _retry(databases, chosen.stream)
    try:
        return uvloop.run(work)
    except UNAVAILABLE as error:
        problems.print(f"[red]the database cannot be reached:[/] {escape(str(error) or type(error).__name__)}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
