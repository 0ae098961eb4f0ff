"""`python -m tests.bench.growth [EVENTS ...] [--minutes N] [--write]`: grow a store, and measure it at each size.

The store lives in a folder of its own and is gone afterwards. It needs about 2 KB of disk an event and 4 GB; it stops
by itself when its time is over, and does not begin when the disk would not hold it.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import report
from tests.bench.ground import REPOSITORY, Failed, Ground, busy, ground, machine, work
from tests.bench.growth.filling import Template, fill, workflows
from tests.bench.work.story import EVENTS

BYTES, RESERVE = 2_000, 4 * 2**30  # of disk, an event and besides
BEGIN, END = "<!-- growth: begin -->", "<!-- growth: end -->"
_READS = {
    "by_id": "workflow and its platforms by id",
    "recent": "a user's 20 newest workflows",
    "stream": "one stream loaded",
    "history": "all that one request caused",
    "commits": "100 events in commit order, from anywhere",
}
console = Console(highlight=False)
problems = Console(stderr=True, highlight=False)


class OutOfTime(Exception):
    """The run took longer than it may."""


class Run:
    """One store that grows, and what was measured at each size."""

    def __init__(self, on: Ground, until: float) -> None:
        self._until = until
        self._on = on
        self._admin_dsn = on.database()
        self._dsn = on.migrated(self._admin_dsn, "workflow")["workflow"]
        self._template: Template | None = None
        self._there = 0
        self.columns: list[dict[str, str]] = []

    def grow(self, events: int) -> None:
        """Fill it up to so many events, and measure. Raises OutOfTime and Failed."""
        began = time.monotonic()
        filled = asyncio.run(self._fill(workflows(events)))
        rate = filled * EVENTS / (time.monotonic() - began)
        column = {"events": f"{events:,}", "filled by COPY, events/s": f"{rate:,.0f}"}
        self.columns.append(column)
        for name, value in self._figures():
            column[name] = value
            console.print(f"[dim]{events:,}: {name}: {value}")

    async def _fill(self, wanted: int) -> int:
        self._template = self._template or await Template.make(self._dsn, self._admin_dsn)
        columns = (TextColumn("filling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bar:
            line = bar.add_task("filling", total=wanted * EVENTS, completed=self._there * EVENTS)

            def told(done: int) -> None:
                bar.update(line, completed=done * EVENTS)
                if time.monotonic() > self._until:
                    raise OutOfTime

            try:
                await fill(self._admin_dsn, self._template, self._there, wanted, told)
            except* OutOfTime:
                raise OutOfTime from None
        added, self._there = wanted - self._there, wanted
        connection = await asyncpg.connect(self._admin_dsn, command_timeout=600)
        for sql in ("CHECKPOINT", "ANALYZE"):
            await connection.execute(sql)
        await connection.close()
        return added

    def _figures(self) -> Any:
        grown = work("grown", database_url=self._dsn, within=self._left())
        for name, what in _READS.items():
            times = grown["reads"][name]
            yield f"{what}, p50 / p99, ms", f"{times['p50']:.2f} / {times['p99']:.2f}"
        size = grown["size"]
        events = self._there * EVENTS
        yield "an event on disk: row + indexes, bytes", f"{size['rows'] / events:.0f} + {size['indexes'] / events:.0f}"
        yield "the whole database", f"{size['all'] / 2**30:.1f} GiB"
        appended = work("append", database_url=self._dsn, seconds=5, at_once=60, lanes=3, within=self._left())
        yield "append + own read rows, events/s", f"{appended['rate']:,.0f}"
        with self._on.tansu() as broker:
            arguments = {"kafka_url": broker.url, "count": 30_000, "tracing": False, "bare": False, "grown": True}
            relayed = work("relay", database_url=self._dsn, within=self._left(), **arguments)
        yield "relay to Tansu, events/s", f"{relayed['rate']:,.0f}"
        seconds = max(5.0, self._left() - 30)
        rebuilt = work(
            "rebuild_grown", database_url=self._dsn, admin_dsn=self._admin_dsn, seconds=seconds, within=seconds + 60
        )
        told = f"{rebuilt['rate']:,.0f}"
        yield "rebuild, events/s", told if rebuilt["complete"] else f"{told} (in {seconds:,.0f} s, not to its end)"
        if rebuilt["complete"]:
            yield "writers waited for the rebuild, ms", f"{rebuilt['locked_ms']:.0f}"

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return left


def _markdown(columns: Sequence[dict[str, str]], share: float) -> str:
    others = f" Others used {share:.0%} of it when the run began." if share > report.CALM else ""
    names = [name for name in max(columns, key=len) if name != "events"]
    heads = " | ".join(f"{column['events']} events" for column in columns)
    lines = [f"Measured on {machine()}.{others}", "", f"| figure | {heads} |", "|---|" + "--:|" * len(columns)]
    lines += [f"| {name} | {' | '.join(column.get(name, '') for column in columns)} |" for name in names]
    return "\n".join(lines)


def main() -> int:
    """The command line. 0: measured; 1: stopped before the end, and why; 2: not begun."""
    parser = argparse.ArgumentParser(prog="make growth", description=__doc__)
    parser.add_argument("events", nargs="*", type=int, default=[1_000_000], help="sizes to measure at")
    parser.add_argument("--minutes", type=float, default=20.0, help="longest time all of it may take")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    chosen = parser.parse_args()
    sizes = sorted(set(chosen.events))
    if sizes[0] < EVENTS or sizes[-1] > 50_000_000:
        parser.error(f"a size lies between {EVENTS} and 50,000,000 events")
    began = time.monotonic()
    share = busy()
    run: Run | None = None
    try:
        with ground() as on:
            if (free := shutil.disk_usage(on.folder).free) < (needed := sizes[-1] * BYTES + RESERVE):
                problems.print(
                    f"[red]{sizes[-1]:,} events need about {needed / 2**30:.0f} GiB of disk at {on.folder.parent}, "
                    f"and {free / 2**30:.0f} GiB are free. Ask for fewer, or set TMPDIR to a place with more."
                )
                return 2
            run = Run(on, began + chosen.minutes * 60)
            for events in sizes:
                run.grow(events)
    except OutOfTime:
        problems.print(
            f"[red]not done after {chosen.minutes:g} minutes; give more by --minutes, or ask for fewer events"
        )
        return 1
    except Failed as failed:
        problems.print(f"[red]{failed}")
        return 1
    finally:
        if run is not None and run.columns:
            console.print(_markdown(run.columns, share))
    if chosen.write:
        report.write(REPOSITORY / "docs" / "performance.md", _markdown(run.columns, share), BEGIN, END)
    return 0


if __name__ == "__main__":
    sys.exit(main())
