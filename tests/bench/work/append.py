"""Events appended with the service's own read rows: real deciders, real projections, many commands a transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from services.workflow.app import service
from shared.eventstore.store import Cause
from shared.ids import new_id
from shared.kit import Kit
from tests.bench.work import main
from tests.bench.work.kits import kit
from tests.bench.work.story import EVENTS, Story

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def append(opened: Kit, stories: Sequence[Story]) -> int:
    """These workflows from start to completion, each step of all of them in one transaction; the number of events."""
    appended = 0
    for step in zip(*(story.steps() for story in stories), strict=True):
        unit = opened.unit()
        await unit.prepare([command for commands in step for command in commands])
        for commands in step:
            cause = Cause(commands[0].workflow_id, new_id(), stories[0].user_id, TRACEPARENT)
            for command in commands:
                await unit.handle(command, cause)
        await unit.commit()
        appended += len(unit.events)
    return appended


async def measure(database_url: str, seconds: float, at_once: int = 60, lanes: int = 3) -> dict[str, Any]:
    """Events a second with `lanes` transactions under way, each about 4 × `at_once` events."""
    opened = kit(service, database_url)
    await opened.database.open()
    user = new_id()
    appended = 0

    async def lane(until: float) -> None:
        nonlocal appended
        while time.perf_counter() < until:
            new = await append(opened, [Story(user) for _ in range(at_once)])
            appended += new

    try:
        await lane(0)
        await asyncio.gather(*(lane(time.perf_counter() + 1) for _ in range(lanes)))
        appended, began, cpu = 0, time.perf_counter(), time.process_time()
        await asyncio.gather(*(lane(began + seconds) for _ in range(lanes)))
        took, used = time.perf_counter() - began, time.process_time() - cpu
    finally:
        await opened.database.close()
    return {"rate": appended / took, "cpu_us": used / appended * 1e6, "events": EVENTS}


if __name__ == "__main__":
    main(measure)
