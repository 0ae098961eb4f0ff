"""Whole workflows through the gateway: so many users at once, each starting the next when one is completed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from tests.bench.work import main
from tests.bench.work.visitor import Visitor

_LOOK = 0.01  # seconds between looks at the table
_STATUS = "SELECT id::text, status FROM workflow.workflows WHERE id = ANY ($1::uuid[]) AND status <> 'running'"


class Board:
    """Tells when workflows reach a status, by reading their table: the gateway serves the two requests alone."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, tuple[str, asyncio.Future[None]]] = {}

    async def until(self, workflow_id: str, status: str) -> None:
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[workflow_id] = (status, reached)
        await asyncio.wait_for(reached, 60)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            if self._waiting:
                for workflow_id, status in await self._connection.fetch(_STATUS, list(self._waiting)):
                    wanted, reached = self._waiting[workflow_id]
                    if status == wanted:
                        del self._waiting[workflow_id]
                        if not reached.done():
                            reached.set_result(None)
            await asyncio.sleep(_LOOK)


async def measure(
    gateway: str, admin_dsn: str, sweep: Sequence[int], seconds: float, pids: Mapping[str, int], warm: float = 4
) -> dict[str, Any]:
    """Per number of users at once: workflows a second, and milliseconds of CPU a workflow costs each process."""
    connection = await asyncpg.connect(admin_dsn)
    board = Board(connection)
    watching = asyncio.create_task(board.watch())
    try:
        async with Visitor.at(gateway) as visitor:
            await _load(visitor, board, 8, warm, {})
            return {str(users): await _load(visitor, board, users, seconds, pids) for users in sweep}
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await connection.close()


async def _load(visitor: Visitor, board: Board, users: int, seconds: float, pids: Mapping[str, int]) -> dict[str, Any]:
    done = 0
    stop = asyncio.Event()

    async def user() -> None:
        nonlocal done
        while not stop.is_set():
            workflow_id = await visitor.start()
            await board.until(workflow_id, "awaiting_review")
            await visitor.accept(workflow_id)
            await board.until(workflow_id, "completed")
            done += 1

    running = [asyncio.create_task(user()) for _ in range(users)]
    await asyncio.sleep(1)  # until every user is somewhere else in the story
    began, first, before = time.perf_counter(), done, cpu_used(pids)
    await asyncio.sleep(seconds)
    took, finished, after = time.perf_counter() - began, done - first, cpu_used(pids)
    stop.set()
    await asyncio.gather(*running)
    return {
        "rate": finished / took,
        "cpu_ms": {name: (after[name] - before[name]) / max(1, finished) * 1000 for name in after},
    }


def cpu_used(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU used so far by each process (a database server: with its backends), and by this one."""
    families: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        families.setdefault(parent, []).append(int(status.parent.name))
    tick = os.sysconf("SC_CLK_TCK")

    def used(pid: int) -> float:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / tick

    found = {name: sum(used(each) for each in (pid, *families.get(pid, ()))) for name, pid in pids.items()}
    return found | {"load": time.process_time()} if pids else {}


if __name__ == "__main__":
    main(measure)
