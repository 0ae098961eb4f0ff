"""Figures of the schedule: many jobs due at once, and what looking for missed ones costs."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.ground import Ground, work

_JOBS, _FINISHED = 10_000, 1_000_000


def schedule(ground: Ground) -> Iterator[Figure]:
    """One process, a connector that answers at once."""
    dsn = ground.schemas("publishing")["publishing"]
    found = work("schedule", within=600, database_url=dsn, jobs=_JOBS, finished=_FINISHED)
    what = f"{_JOBS:,} jobs due at one moment, the last one begins after"
    yield Figure(what, "s", found["last"], better="lower", target=60.0)
    yield Figure(
        f"sweep for missed jobs with {_FINISHED:,} done",
        "ms",
        found["many"] * 1000,
        better="lower",
        peer=f"the same with {_JOBS:,} done",
        theirs=found["few"] * 1000,
    )
