"""Figures of the documented queries on tables of a million rows."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence

from tests.bench.figure import Figure
from tests.bench.ground import Failed, Ground
from tests.bench.queries import filling
from tests.bench.queries.measuring import Measured, measured

ROWS, TIMES = 1_000_000, 40
PLANS = ("<!-- plans: begin -->", "<!-- plans: end -->")  # their place in the document
_LARGE = ROWS // 100  # a partition of fewer rows may be read whole
_RESERVE = 2 * 2**30


def queries(ground: Ground) -> Iterator[Figure]:
    """What the server needs for each documented read, planning included. Raises Failed when the disk would not hold the
    tables, and when a large one is read from end to end."""
    needed = ROWS * filling.BYTES + _RESERVE
    if (free := shutil.disk_usage(ground.folder).free) < needed:
        raise Failed(
            f"tables of {ROWS:,} rows need about {needed / 2**30:.0f} GiB of disk at {ground.folder.parent}, and "
            f"{free / 2**30:.0f} GiB are free: set TMPDIR to a place with more"
        )
    admin_dsn = ground.database()
    dsns = ground.migrated(admin_dsn, *filling.SERVICES)
    asyncio.run(filling.fill(admin_dsn, ROWS))
    try:
        for each in asyncio.run(_all(admin_dsn, dsns)):
            if whole := each.read_whole(_LARGE):
                raise Failed(f"{each.read.what}: {', '.join(sorted(whole))} is read from end to end")
            yield Figure(
                each.read.what,
                "ms",
                each.milliseconds,
                better="lower",
                target=each.read.target,
                plan=each.steps(),
            )
    finally:
        ground.drop(admin_dsn)


def plans(figures: Sequence[Figure]) -> str:
    """How the server went about it, for a document."""
    lines = ["| read | ms | expected below | plan |", "|---|--:|--:|---|"]
    lines += [f"| {f.what} | {f.ours:.2f} | {f.target:g} | {f.plan} |" for f in figures if f.plan]
    return "\n".join(lines)


async def _all(admin_dsn: str, dsns: dict[str, str]) -> list[Measured]:
    return [each async for each in measured(admin_dsn, dsns, ROWS, TIMES)]
