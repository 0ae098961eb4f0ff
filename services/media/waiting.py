"""Waiting for the outcome of an extraction: told at its commit if it happens here, looked up now and then if not."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from contracts.events.media import ExtractionFailed, FileDeleted, TextExtracted
from shared.eventstore.unit import Unit

LOOK_AGAIN = 1.0  # seconds; the worker may be another process

T = TypeVar("T")


class Outcomes:
    """Who waits for which file. `heard` is a listener of the kit."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[asyncio.Event]] = defaultdict(set)

    def heard(self, unit: Unit) -> None:
        """A unit was committed: wake whoever waits for a file that it settles."""
        for event in unit.events:
            if isinstance(event, TextExtracted | ExtractionFailed | FileDeleted):
                for waiter in self._waiting.get(event.file_id, ()):
                    waiter.set()

    async def until(
        self, file_id: UUID, look: Callable[[], Awaitable[T]], settled: Callable[[T], bool], seconds: float
    ) -> T:
        """What `look` finds as soon as it is `settled`, or when `seconds` are over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        waiter = asyncio.Event()
        self._waiting[file_id].add(waiter)
        try:
            found = await look()
            while not settled(found) and (left := end - loop.time()) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, LOOK_AGAIN)):
                        await waiter.wait()
                waiter.clear()
                found = await look()
            return found
        finally:
            self._waiting[file_id].discard(waiter)
            if not self._waiting[file_id]:
                del self._waiting[file_id]
