"""From a commit in one service to the next service hearing of it, with nothing else going on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

from contracts.envelope import Mark
from services.generation.app import service as generation
from services.workflow.app import service as workflow
from shared.bus.inbox import Heard
from shared.bus.marks import Place
from shared.eventstore.store import Cause
from shared.eventstore.unit import Unit
from shared.ids import new_id
from shared.kit import Kit
from tests.bench.figure import latency
from tests.bench.work import main
from tests.bench.work.kits import kit
from tests.bench.work.story import Story

_PAUSE = 0.05  # seconds between commits: whatever one of them stirred up has settled


class Ear:
    """Notes when the other service hears of a stream, and when its own transaction about it is committed."""

    def __init__(self, listening: Kit) -> None:
        self.heard: dict[UUID, float] = {}
        self.effective: dict[UUID, float] = {}
        self.changed = asyncio.Event()
        self._take = listening.inbox.take
        listening.inbox.take = self._hear  # type: ignore[method-assign]
        listening.listeners.append(self._committed)

    async def _hear(self, heard: Sequence[Heard], reached: Mapping[Place, tuple[Mark, int]]) -> None:
        now = time.perf_counter()
        for each in heard:
            self.heard.setdefault(each.wire.meta.stream_id, now)
        await self._take(heard, reached)

    def _committed(self, unit: Unit) -> None:
        now = time.perf_counter()
        for _, cause in unit.tasks.values():
            self.effective.setdefault(cause.correlation_id, now)
        self.changed.set()

    async def until(self, stream_id: UUID) -> None:
        """Wait until the stream's events took effect. Raises TimeoutError."""
        async with asyncio.timeout(20):
            while stream_id not in self.effective:
                self.changed.clear()
                await self.changed.wait()


async def measure(dsns: Mapping[str, str], kafka_url: str, count: int) -> dict[str, Any]:
    """p50 and p99 in ms from the commit of a workflow's start until generation heard, and until it acted upon it."""
    async with AsyncExitStack() as stack:
        speaking = kit(workflow, dsns["workflow"], kafka_url)
        listening = kit(generation, dsns["generation"], kafka_url, engine="instant")
        for each in (speaking, listening):
            await each.database.open()
            stack.push_async_callback(each.database.close)
        ear = Ear(listening)
        running = [asyncio.create_task(speaking.relay.run()), asyncio.create_task(listening.consumer.run())]
        try:
            for _ in range(20):
                await _once(speaking, ear)
            times = [await _once(speaking, ear) for _ in range(count)]
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
    return {"heard": latency([heard for heard, _ in times]), "effective": latency([done for _, done in times])}


async def _once(speaking: Kit, ear: Ear) -> tuple[float, float]:
    story = Story(new_id())
    unit = speaking.unit()
    await unit.handle(next(story.steps())[0], Cause(story.workflow_id, None, story.user_id, None))
    await unit.commit()
    committed = time.perf_counter()
    speaking.made(unit)
    await ear.until(story.workflow_id)
    await asyncio.sleep(_PAUSE)
    return ear.heard[story.workflow_id] - committed, ear.effective[story.workflow_id] - committed


if __name__ == "__main__":
    main(measure)
