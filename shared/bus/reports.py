"""Telling each source how far it was heard, so that a lost broker is refilled with what is missing."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from shared.bus.consumer import Consumer
from shared.database import UNAVAILABLE
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline, DeadlineExceeded
from shared.http.problem import Problem

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds: a gap is reported at once
TELL_EVERY = 3.0  # seconds between reports of marks that only moved on: an older one means more to publish again


class Reports:
    """Reports marks that have moved; the first report also registers this service as a subscriber."""

    def __init__(self, service: str, consumer: Consumer, client: ServiceClient) -> None:
        self._service = service
        self._consumer = consumer
        self._client = client
        self._told: dict[str, list[list[int]]] = {}
        self._told_at: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(*UNAVAILABLE):
                for source, marks in (await self._consumer.heard()).items():
                    missing = self._consumer.misses(source)
                    if missing or (self._told.get(source) != marks and self._is_time(source)):
                        await self._tell(source, marks, missing)
            await asyncio.sleep(LOOK_EVERY)

    def _is_time(self, source: str) -> bool:
        told_at = self._told_at.get(source)
        return told_at is None or time.monotonic() - told_at >= TELL_EVERY

    async def _tell(self, source: str, marks: list[list[int]], missing: bool) -> None:
        try:
            answer = await self._client.request(
                source,
                "PUT",
                f"/internal/subscribers/{self._service}",
                json={"marks": marks, "missing": missing},
                deadline=Deadline.after(5),
            )
        except (Problem, DeadlineExceeded):
            return  # told next time
        if answer.status < 300:
            self._told[source] = marks
            self._told_at[source] = time.monotonic()
            if missing:
                self._consumer.asked(source)
        else:
            logger.warning("%s does not take the report of %s: %d", source, self._service, answer.status)
