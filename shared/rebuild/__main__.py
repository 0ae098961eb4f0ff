"""`python -m shared.rebuild [SERVICE] [TABLE ...]`: fill read tables anew while the old ones serve.

Wants PRESSWORK_POSTGRES_URL (an administrator) and PRESSWORK_<SERVICE>_DATABASE_URL, and what the service itself is
told; services whose events others show in their tables have to run.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import asyncpg
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from shared.database import UNAVAILABLE
from shared.kit import Kit
from shared.operating import OperatorSettings, find_service
from shared.rebuild import Progress as Done
from shared.rebuild import Rebuilt, Refused, Told, rebuild

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """Events a second since the beginning."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time or task.elapsed or 0
        events = int(task.fields["events"])
        rate = f"{events / seconds:,.0f}/s" if seconds else ""
        return Text(f"{events:,} events {rate}", style="progress.data.speed")


def _teller(bar: Progress, line: TaskID, name: str) -> Told:
    def tell(done: Done) -> None:
        bar.update(line, description=f"{name}: {done.stage}", completed=done.share, events=done.events)

    return tell


async def _rebuild_all(services: Sequence[str], tables: Sequence[str], settings: OperatorSettings) -> int:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Rate(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        for name in services:
            service = find_service(name)
            kit = Kit(service, service.settings(database_url=settings.databases()[name]))
            if not kit.read_tables.events:
                continue
            line = bar.add_task(name, total=1.0, events=0)
            try:
                _conclude(name, await rebuild(kit, settings.postgres_url, tables, told=_teller(bar, line, name)))
            except (Refused, LookupError, ValueError) as error:  # the latter two: an event that nobody here can read
                bar.stop()
                problems.print(f"[bold red]{name} was not rebuilt:[/] {escape(str(error))}")
                return 1
            except (*UNAVAILABLE, asyncpg.PostgresError) as error:
                bar.stop()
                said = escape(str(error) or type(error).__name__)
                problems.print(f"[bold red]{name} was not rebuilt;[/] its tables are as they were. PostgreSQL: {said}")
                return 1
    return 0


def _conclude(name: str, done: Rebuilt) -> None:
    rate = done.events / done.seconds if done.seconds else 0
    console.print(
        f"[bold green]{name}[/]: {', '.join(done.tables)} from {done.events:,} events in {done.seconds:.1f} s "
        f"({rate:,.0f}/s); writers waited {done.locked * 1000:.0f} ms"
    )
    if done.left:
        console.print(f"[yellow]{name}: {', '.join(done.left)} left alone: no event writes what stands there[/]")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m shared.rebuild", description=__doc__)
    parser.add_argument("service", nargs="?", help="default: every service")
    parser.add_argument("table", nargs="*", help="default: every read table of the service")
    chosen = parser.parse_args()
    settings = OperatorSettings()
    known = settings.databases()
    if not settings.postgres_url or not known:
        problems.print("Set PRESSWORK_POSTGRES_URL and PRESSWORK_<SERVICE>_DATABASE_URL; `make rebuild` does.")
        return 2
    if chosen.service and chosen.service not in known:
        problems.print(f"no service {escape(repr(chosen.service))}; there are: {', '.join(sorted(known))}")
        return 2
    services = [chosen.service] if chosen.service else sorted(known)
    try:
        return uvloop.run(_rebuild_all(services, chosen.table, settings))
    except (KeyboardInterrupt, asyncio.CancelledError):
        problems.print("[yellow]stopped; the tables are as they were[/]")
        return 130


if __name__ == "__main__":
    sys.exit(main())
