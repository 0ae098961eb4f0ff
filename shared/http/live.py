"""Live progress of one stream: its events as server-sent events, from any point on."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Header
from sse_starlette import EventSourceResponse, ServerSentEvent

from contracts.envelope import Event
from shared.decider import Invalid
from shared.eventstore.unit import Unit
from shared.kit import Kit

_LOOK_AGAIN = 1.0  # seconds; a commit in another process wakes nobody here
_HEARTBEAT = 15  # seconds


LastEventId = Annotated[str, Header(description="Number of the last event you got; 0: from the start.")]


class Live:
    """Wakes who reads a stream when this process commits one of its events."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._waiting: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        kit.listeners.append(self._committed)

    def response(
        self, stream_id: UUID, last_event_id: str, *, last: tuple[type[Event], ...] = ()
    ) -> EventSourceResponse:
        """The events after `last_event_id` and those to come, without their private fields; one of `last` ends it.

        Raises Invalid when it is no number.
        """
        if not (last_event_id.isascii() and last_event_id.isdecimal()) or len(last_event_id) > 9:
            raise Invalid("Send `Last-Event-ID` as you received it, or leave it out to begin at the first event.")
        return EventSourceResponse(self.events(stream_id, int(last_event_id), last), ping=_HEARTBEAT)

    async def events(
        self, stream_id: UUID, version: int, last: tuple[type[Event], ...] = ()
    ) -> AsyncIterator[ServerSentEvent]:
        """Each event's `id` is its version in the stream."""
        with self._watching(stream_id) as signal:
            while True:
                signal.clear()  # before it is read: what is committed meanwhile is read next
                for event in await self._kit.store.after(stream_id, version):
                    version = event.meta.version
                    yield _told(event)
                    if isinstance(event, last):
                        return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AGAIN):
                        await signal.wait()

    def _committed(self, unit: Unit) -> None:
        if not self._waiting:
            return
        for event in unit.events:
            for waiting in self._waiting.get(event.meta.stream_id, ()):
                waiting.set()

    @contextmanager
    def _watching(self, stream_id: UUID) -> Iterator[asyncio.Event]:
        """What is set whenever something of the stream is committed, as long as the block lasts."""
        signal = asyncio.Event()
        self._waiting[stream_id].add(signal)
        try:
            yield signal
        finally:
            self._waiting[stream_id].discard(signal)
            if not self._waiting[stream_id]:
                del self._waiting[stream_id]


def _told(event: Event) -> ServerSentEvent:
    name, data = type(event).__name__, event.model_dump(mode="json", exclude=set(event.private_fields))
    body = orjson.dumps({"type": name, "recorded_at": event.meta.recorded_at, "data": data})
    return ServerSentEvent(body.decode(), id=str(event.meta.version), event=name)
