"""How many posts a platform and an account bear, counted in the database: what began there is what every process sees.

Who begins jobs holds a lock of the database while it counts and records, so that no two processes take the same room.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

WINDOW: Final = timedelta(minutes=15)
_LOCK: Final = 0x70_75_62_6C_69_73_68  # of the beginnings of all processes

_RUNNING = """
SELECT platform, count(*) AS running FROM publishing_jobs
WHERE status = 'publishing' AND platform = ANY ($1::text[]) AND started_at > $2 AND id <> ALL ($3::uuid[])
GROUP BY platform
"""

# The last beginnings of each account, newest first, as many as it may have.
_LATELY = """
SELECT account.id, ARRAY(
    SELECT started_at FROM publishing_jobs WHERE used_connection_id = account.id AND started_at > $3
    ORDER BY started_at DESC LIMIT account.most
) AS began
FROM unnest($1::uuid[], $2::int[]) AS account (id, most)
"""


class AccountRests(Exception):
    """The platform takes no more from this account until then; nothing was sent."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"The platform takes no more posts from this account until {until:%H:%M:%S} UTC.")
        self.until = until


class PlatformBusy(Exception):
    """As many posts as the platform bears are on their way, from whichever process."""


@dataclass(frozen=True, slots=True)
class Limits:
    """By platform: `at_once` are posts on their way to it, `in_a_window` those of one account begun in 15 minutes."""

    at_once: Mapping[str, int]
    in_a_window: Mapping[str, int]
    call: timedelta  # how long a publication may take: what began longer ago is over

    def concern(self, platforms: set[str]) -> bool:
        """Whether any of these platforms has a limit."""
        return bool(platforms & (self.at_once.keys() | self.in_a_window.keys()))

    async def refusals(self, pool: Any, briefs: Sequence[Any], now: datetime) -> dict[UUID, Exception]:
        """Which of these jobs may not begin now, and why; never one that may be out already and has to be looked up."""
        waiting = [brief for brief in briefs if brief["status"] != "publishing" and brief["id"] is not None]
        running = await self._running(pool, briefs, now)
        began = await self._began(pool, waiting, now)
        refused: dict[UUID, Exception] = {}
        for brief in waiting:
            platform, account = brief["platform"], brief["id"]
            if brief["paused_until"] is not None and brief["paused_until"] > now:
                refused[brief["job_id"]] = AccountRests(brief["paused_until"])
            elif (most := self.in_a_window.get(platform)) is not None and len(began[account]) >= most:
                # The one that began longest ago makes room first; who waits for it as well waits for the next.
                refused[brief["job_id"]] = AccountRests(began[account].pop() + WINDOW)
                began[account].insert(0, now)
            elif (room := self.at_once.get(platform)) is not None and running[platform] >= room:
                refused[brief["job_id"]] = PlatformBusy(f"{room} posts are on their way to {platform} already.")
            else:
                running[platform] += 1
                if most is not None:
                    began[account].insert(0, now)
        return refused

    async def _running(self, pool: Any, briefs: Sequence[Any], now: datetime) -> Counter[str]:
        platforms = sorted({brief["platform"] for brief in briefs} & self.at_once.keys())
        mine = [brief["job_id"] for brief in briefs]
        rows = await pool.fetch(_RUNNING, platforms, now - self.call, mine) if platforms else []
        return Counter({row["platform"]: row["running"] for row in rows})

    async def _began(self, pool: Any, waiting: Sequence[Any], now: datetime) -> dict[UUID, list[datetime]]:
        most = {b["id"]: self.in_a_window[b["platform"]] for b in waiting if b["platform"] in self.in_a_window}
        rows = await pool.fetch(_LATELY, list(most), list(most.values()), now - WINDOW) if most else []
        return defaultdict(list, {row["id"]: list(row["began"]) for row in rows})


@asynccontextmanager
async def alone(pool: Any) -> AsyncIterator[None]:
    """No other process begins limited jobs meanwhile. Ends with the connection, if not before."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        yield
