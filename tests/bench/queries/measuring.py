"""Every documented read, many times, over rows of all ages and users of all sizes."""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from shared.database import Database
from tests.bench.queries import filling
from tests.bench.queries.plans import Explaining, Plan
from tests.bench.queries.reads import READS, Read

_READERS = 3  # of which one reads


@dataclass(frozen=True, slots=True)
class Measured:
    """The server's median in ms, of all statements of a read together, and the plans of its last turn."""

    read: Read
    milliseconds: float
    plans: Sequence[Plan]

    def read_whole(self, least: int) -> set[str]:
        """Tables, or partitions of them, of at least so many rows that were read from end to end."""
        return {table for plan in self.plans for table in plan.read_whole(least)}

    def steps(self) -> str:
        """What the server did, in words."""
        return "; ".join(", ".join(plan.steps()) for plan in self.plans)


async def measured(admin_dsn: str, dsns: Mapping[str, str], rows: int, times: int) -> AsyncIterator[Measured]:
    """All reads on filled tables, as the services' own roles. Raises AssertionError when one finds nothing."""
    rows_of_all = await filling.samples(admin_dsn, times, rows)
    busiest = await filling.busiest(admin_dsn)
    async with AsyncExitStack() as open_ones:
        databases: dict[str, Database] = {}
        for service, dsn in dsns.items():
            databases[service] = Database(dsn, size=_READERS)
            await databases[service].open()
            open_ones.push_async_callback(databases[service].close)
        prepared: dict[str, dict[str, str]] = {service: {} for service in dsns}
        for read in READS:
            taken = []
            plans: list[Plan] = []
            for row in rows_of_all:
                sample = replace(row, user_id=busiest) if read.of_busiest else row
                plans = []
                for service, ask in read.parts:
                    reader = None if read.of_nobody else sample.user_id
                    async with databases[service].reading(reader, read.role) as connection:
                        explaining = Explaining(connection, prepared[service])
                        assert await ask(explaining, sample), f"{read.what}: nothing was found"
                        plans += explaining.plans
                taken.append(sum(plan.milliseconds for plan in plans))
            yield Measured(read, statistics.median(taken), plans)
