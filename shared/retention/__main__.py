"""`python -m shared.retention [SERVICE] [--dry-run]`: let go now what is too old, or only show what would.

Wants PRESSWORK_<SERVICE>_DATABASE_URL and what the service itself is told. Exit status 1 when a rule stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.bus.wakes import Wakes
from shared.database import UNAVAILABLE
from shared.http.client import ServiceClient
from shared.kit import Kit
from shared.operating import OperatorSettings, find_service
from shared.retention.run import Busy, Outcome, run

console = Console(highlight=False)
problems = Console(stderr=True, highlight=False, soft_wrap=True)


async def retain(kit: Kit, *, dry: bool) -> list[Outcome]:
    """One run of a service's rules, outside the service's own processes. Raises Busy and one of UNAVAILABLE."""
    await kit.database.open()
    try:
        async with ServiceClient(kit.settings.urls(), kit.settings.internal_token) as client:
            kit.client = client
            outcomes = await run(kit, dry=dry)
        if not dry:
            await Wakes(kit.database, kit.service.name).told()
        return outcomes
    finally:
        await kit.database.close()


def table(outcomes: dict[str, Sequence[Outcome]], *, dry: bool) -> Table:
    """What was found and what became of it, rule by rule."""
    title = "Retention: what would go (nothing was changed)" if dry else "Retention: what went"
    shown = Table(title=title)
    for column in ("service", "rule", "older than", "found", "oldest", *(() if dry else ("gone",)), "note"):
        shown.add_column(column, justify="right" if column in ("found", "gone") else "left", overflow="fold")
    for service, rows in outcomes.items():
        for row in rows:
            note = f"[red]stopped:[/] {escape(row.stopped)}" if row.stopped else escape(row.found.note)
            shown.add_row(
                service,
                row.rule.name,
                f"{row.cutoff:%Y-%m-%d %H:%M}",
                f"{row.found.count:,}",
                f"{row.found.oldest:%Y-%m-%d}" if row.found.oldest else "",
                *(() if dry else (f"{row.removed:,}",)),
                note,
            )
        shown.add_section()
    return shown


async def _all(services: Sequence[str], settings: OperatorSettings, *, dry: bool) -> int:
    outcomes: dict[str, Sequence[Outcome]] = {}
    failed = False
    off: set[str] = set()
    for name in services:
        service = find_service(name)
        kit = Kit(service, service.settings(database_url=settings.databases()[name]))
        off |= {each.strip() for each in kit.settings.retention_off.split(",") if each.strip()}
        try:
            outcomes[name] = await retain(kit, dry=dry)
        except (Busy, *UNAVAILABLE) as error:
            failed = True
            problems.print(f"[bold red]{name}:[/] {escape(str(error) or type(error).__name__)}")
    console.print(table(outcomes, dry=dry))
    known = {rule.name for name in settings.databases() for rule in find_service(name).retention}
    if off:
        console.print(f"not carried out (PRESSWORK_RETENTION_OFF): {escape(', '.join(sorted(off & known)))}")
    if unknown := sorted(off - known):
        console.print(f"[yellow]PRESSWORK_RETENTION_OFF names no rule: {escape(', '.join(unknown))}[/]")
    return 1 if failed or any(row.stopped for rows in outcomes.values() for row in rows) else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m shared.retention", description=__doc__)
    parser.add_argument("service", nargs="?", help="default: every service")
    parser.add_argument("--dry-run", action="store_true", help="only show what would go")
    chosen = parser.parse_args()
    settings = OperatorSettings()
    known = settings.databases()
    if not known:
        problems.print("Set PRESSWORK_<SERVICE>_DATABASE_URL; `make retention` does.")
        return 2
    if chosen.service and chosen.service not in known:
        problems.print(f"no service {escape(repr(chosen.service))}; there are: {', '.join(sorted(known))}")
        return 2
    services = [chosen.service] if chosen.service else sorted(known)
    try:
        return uvloop.run(_all(services, settings, dry=chosen.dry_run))
    except (KeyboardInterrupt, asyncio.CancelledError):
        problems.print("[yellow]stopped; what went has gone, the rest is as it was[/]")
        return 130


if __name__ == "__main__":
    sys.exit(main())
