"""A rebuild of a store that is there, or as much of it as its time allows."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from services.workflow.app import service
from shared.rebuild import Progress, rebuild
from tests.bench.work import main
from tests.bench.work.kits import kit


async def measure(database_url: str, admin_dsn: str, seconds: float) -> dict[str, Any]:
    """Events a second; `complete`: whether it came to its end, with how long writers waited in the end, in ms."""
    events = 0

    def told(progress: Progress) -> None:
        nonlocal events
        events = progress.events

    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            done = await rebuild(kit(service, database_url), admin_dsn, ["workflows", "platform_states"], told=told)
    except TimeoutError:
        return {"rate": events / (time.perf_counter() - began), "complete": False}
    return {"rate": done.events / done.seconds, "complete": True, "locked_ms": done.locked * 1000}


if __name__ == "__main__":
    main(measure)
