"""From a request to the gateway until its drafts await review, with nothing else going on."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.bench.figure import latency
from tests.bench.work import main
from tests.bench.work.visitor import PLATFORMS, Visitor

_PAUSE = 0.05


async def measure(gateway: str, count: int) -> dict[str, Any]:
    """p50 and p99 in ms from POST until the live stream has told that all platforms are ready; the POST's alone."""
    async with Visitor.at(gateway) as visitor:
        for _ in range(20):
            await _once(visitor)
        times = [await _once(visitor) for _ in range(count)]
    return {"ready": latency([ready for ready, _ in times]), "post": latency([post for _, post in times])}


async def _once(visitor: Visitor) -> tuple[float, float]:
    began = time.perf_counter()
    workflow_id = await visitor.start()
    answered = time.perf_counter()
    await visitor.until(workflow_id, "PlatformReadyForReview", len(PLATFORMS))
    ready = time.perf_counter()
    await asyncio.sleep(_PAUSE)
    return ready - began, answered - began


if __name__ == "__main__":
    main(measure)
