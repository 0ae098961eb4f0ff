"""`python -m shared.rebuild [SERVICE] [TABLE ...]`: fill read tables anew while the old ones serve.

One that was stopped or killed is gone on with, unless --fresh says to begin anew. With --as-of write copies beside
them, as they stood then; --copies lists those, and what rebuilds left behind, --drop removes one. Wants
PRESSWORK_POSTGRES_URL (an administrator) and PRESSWORK_<SERVICE>_DATABASE_URL, and what the service itself is told;
services whose events others show in their tables have to run.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import uvloop
from rich.console import Console
from rich.markup import escape

from shared.database import UNAVAILABLE
from shared.kit import Kit
from shared.operating import OperatorSettings, find_service
from shared.rebuild import Interrupted, Rebuilt, Refused, copies, copy_as_of, rebuild, unfinished
from shared.rebuild.comparing import Compared
from shared.rebuild.names import SUFFIX
from shared.rebuild.session import as_owner, drop_unfinished
from shared.rebuild.telling import telling
from shared.rebuild.unfinished import Listed

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)


KEPT = (
    "\nThe same command goes on from where the rebuild stopped; with FRESH=1 it begins anew. "
    "`make copies` lists what is left of it, and drops it."
)


class Wrong(Exception):
    """What was asked for cannot be done; the sentence says why."""


async def _guarded(name: str, what: str, work: Awaitable[None]) -> bool:
    """Do it, and say what is wrong when it fails."""
    try:
        await work
    except Interrupted as error:
        problems.print(f"[bold red]{name} was not {what}:[/] {escape(str(error))}{KEPT}")
    except (Refused, LookupError, ValueError) as error:  # the latter two: an event that nobody here can read
        problems.print(f"[bold red]{name} was not {what}:[/] {escape(str(error))}")
    except asyncpg.DiskFullError as error:
        problems.print(
            f"[bold red]{name} was not {what};[/] its tables are as they were. The disk of PostgreSQL is full "
            f"({escape(str(error))}): a rebuild needs as much room again as its tables and their indexes take. "
            "What it had written is gone. Make room and try again."
        )
    except UNAVAILABLE as error:
        said = escape(str(error) or type(error).__name__)
        problems.print(f"[bold red]{name} was not {what};[/] its tables are as they were. PostgreSQL: {said}{KEPT}")
    except asyncpg.PostgresError as error:
        said = escape(str(error) or type(error).__name__)
        problems.print(f"[bold red]{name} was not {what};[/] its tables are as they were. PostgreSQL: {said}")
    else:
        return True
    return False


async def _each(settings: OperatorSettings, services: Sequence[str], what: str, work: _Work) -> int:
    """For one service after the other, until one fails."""
    for name in services:
        service = find_service(name)
        kit = Kit(service, service.settings(database_url=settings.databases()[name]))
        if kit.read_tables.events and not await _guarded(name, what, work(kit)):
            return 1
    return 0


_Work = Callable[[Kit], Awaitable[None]]


def _rebuilding(settings: OperatorSettings, tables: Sequence[str], fresh: bool) -> _Work:
    async def work(kit: Kit) -> None:
        with telling(console, kit.service.name) as told:
            done = await rebuild(kit, settings.postgres_url, tables, fresh=fresh, told=told)
        _conclude(kit.service.name, done)

    return work


def _copying(settings: OperatorSettings, tables: Sequence[str], at: datetime) -> _Work:
    async def work(kit: Kit) -> None:
        with telling(console, kit.service.name) as told:
            done = await copy_as_of(kit, settings.postgres_url, tables, at, told=told)
        for copy, rows in done.copies.items():
            console.print(f"[bold green]{kit.service.name}.{copy}[/]: {rows:,} rows")

    return work


def _conclude(name: str, done: Rebuilt) -> None:
    rate = done.events / done.seconds if done.seconds else 0
    if done.dropped:
        console.print(f"[yellow]{name}: began anew, not from where one stopped: {done.dropped}[/]")
    if done.earlier:
        console.print(f"{name}: went on from where one stopped, after {done.earlier:,} events")
    console.print(
        f"[bold green]{name}[/]: {', '.join(done.tables)} from {done.events:,} events in {done.seconds:.1f} s "
        f"({rate:,.0f}/s); writers waited {done.locked * 1000:.0f} ms"
    )
    for compared in done.compared:
        console.print(f"  {compared.table}: {compared.rows:,} rows, {_changes(compared)}")
    if done.distant:
        console.print(f"[yellow]{name}: rows that follow at a distance are far behind; those to come count as lost[/]")
    if done.left:
        console.print(f"[yellow]{name}: {', '.join(done.left)} left alone: no event writes what stands there[/]")


def _changes(compared: Compared) -> str:
    if compared.same:
        return "each as it was"
    told = [
        (compared.lost, "had been lost"),
        (compared.surplus, "should not have been"),
        (compared.changed, "differed"),
    ]
    least = "at least " if compared.at_least else ""
    return f"[yellow]of which {least}[/]" + ", ".join(f"[yellow]{count:,} {what}[/]" for count, what in told if count)


async def _list(settings: OperatorSettings, services: Sequence[str]) -> int:
    found = []
    for name in services:
        async with as_owner(settings.postgres_url, name) as connection:
            found += [
                f"{name}.{copy.name}  {copy.size / 2**20:,.1f} MiB  {escape(copy.comment)}"
                for copy in await copies.listed(connection, name)
            ]
            found += [_left(left) for left in await unfinished.listed(connection, name)]
    for line in found:
        console.print(line)
    if not found:
        console.print("there are no copies")
    return 0


def _left(left: Listed) -> str:
    return (
        f"{left.service}.{left.name}  {left.size / 2**20:,.1f} MiB  a rebuild of {', '.join(left.tables)} that stopped "
        f"after {left.events:,} events, begun at {left.started_at:%Y-%m-%d %H:%MZ}"
    )


async def _drop(settings: OperatorSettings, service: str, copy: str) -> int:
    async def work() -> None:
        async with as_owner(settings.postgres_url, service) as connection:
            if copy.lower().endswith(SUFFIX):
                await drop_unfinished(connection, service, copy.lower())
            else:
                await copies.drop(connection, service, copy)
        console.print(f"{service}.{copy} is gone")

    return 0 if await _guarded(f"{service}.{copy}", "dropped", work()) else 1


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"{text!r} is no time; write it as 2026-01-01T00:00Z.") from None
    if at.tzinfo is None:
        raise Wrong(f"{text!r} names no time zone; write {text}Z for UTC.")
    return at


def _asked(chosen: argparse.Namespace, settings: OperatorSettings) -> Coroutine[Any, Any, int]:
    known = settings.databases()
    if chosen.service and chosen.service not in known:
        raise Wrong(f"no service {chosen.service!r}; there are: {', '.join(sorted(known))}")
    services = [chosen.service] if chosen.service else sorted(known)
    if chosen.drop:
        if not chosen.service:
            raise Wrong("say whose: make copies SERVICE=... DROP=...")
        return _drop(settings, chosen.service, chosen.drop)
    if chosen.copies:
        return _list(settings, services)
    if chosen.as_of is not None:
        return _each(settings, services, "copied", _copying(settings, chosen.table, _moment(chosen.as_of)))
    return _each(settings, services, "rebuilt", _rebuilding(settings, chosen.table, chosen.fresh))


def main() -> int:
    """The command line. 0: done; 1: not, and why; 2: not set up; 130: stopped."""
    parser = argparse.ArgumentParser(prog="python -m shared.rebuild", description=__doc__)
    parser.add_argument("service", nargs="?", help="default: every service")
    parser.add_argument("table", nargs="*", help="default: every read table of the service")
    parser.add_argument("--as-of", metavar="TIME", help="write copies as they stood then, such as 2026-01-01T00:00Z")
    parser.add_argument("--fresh", action="store_true", help="begin anew, not from where an earlier one stopped")
    parser.add_argument(
        "--copies", action="store_true", help="list the copies there are, and what rebuilds left behind"
    )
    parser.add_argument("--drop", metavar="COPY", help="remove a copy")
    chosen = parser.parse_args()
    settings = OperatorSettings()
    if not settings.postgres_url or not settings.databases():
        problems.print("Set PRESSWORK_POSTGRES_URL and PRESSWORK_<SERVICE>_DATABASE_URL; `make rebuild` does.")
        return 2
    try:
        return uvloop.run(_asked(chosen, settings))
    except Wrong as wrong:
        problems.print(escape(str(wrong)))
        return 1
    except UNAVAILABLE as error:
        problems.print(f"PostgreSQL cannot be reached: {escape(str(error) or type(error).__name__)}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        problems.print(f"[yellow]stopped; the tables are as they were[/]{'' if chosen.as_of else KEPT}")
        return 130


if __name__ == "__main__":
    sys.exit(main())
