"""Live progress of one workflow: its events as server-sent events, from any point on."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.workflow import queries
from shared.decider import Invalid, NotFound
from shared.eventstore.unit import Unit
from shared.http.user import CurrentUser
from shared.kit import Kit

router = APIRouter(prefix="/api/v1")

_LOOK_AGAIN = 1.0  # seconds; a commit in another process wakes nobody here
_HEARTBEAT = 15  # seconds


class Live:
    """Wakes the streams of a workflow when this process commits one of its events."""

    def __init__(self, kit: Kit) -> None:
        self._waiting: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        kit.listeners.append(self._committed)

    def _committed(self, unit: Unit) -> None:
        if not self._waiting:
            return
        for event in unit.events:
            for waiting in self._waiting.get(event.meta.stream_id, ()):
                waiting.set()

    @contextmanager
    def watching(self, workflow_id: UUID) -> Iterator[asyncio.Event]:
        """What is set whenever something of the workflow is committed, as long as the block lasts."""
        signal = asyncio.Event()
        self._waiting[workflow_id].add(signal)
        try:
            yield signal
        finally:
            self._waiting[workflow_id].discard(signal)
            if not self._waiting[workflow_id]:
                del self._waiting[workflow_id]


@router.get("/workflows/{workflow_id}/events", tags=["workflows"], response_class=EventSourceResponse)
async def stream(
    workflow_id: UUID,
    request: Request,
    user: CurrentUser,
    last_event_id: Annotated[str, Header(description="Number of the last event you got; 0: from the start.")] = "0",
) -> EventSourceResponse:
    """The workflow's events as they happen. Each `id` is the event's number in the workflow."""
    kit: Kit = request.app.state.kit
    if not last_event_id.isdecimal() or len(last_event_id) > 9:
        raise Invalid("Send `Last-Event-ID` as you received it, or leave it out to begin at the first event.")
    async with kit.database.reading(user.user_id) as connection:
        if not await queries.is_workflow(connection, workflow_id):
            raise NotFound("There is no such workflow; list your workflows to see which there are.")
    return EventSourceResponse(_events(kit, kit.tools.live, workflow_id, int(last_event_id)), ping=_HEARTBEAT)


async def _events(kit: Kit, live: Live, workflow_id: UUID, version: int) -> AsyncIterator[ServerSentEvent]:
    with live.watching(workflow_id) as signal:
        while True:
            signal.clear()  # before it is read: what is committed meanwhile is read next
            for event in await kit.store.after(workflow_id, version):
                version = event.meta.version
                name, data = type(event).__name__, event.model_dump(mode="json", exclude=set(event.private_fields))
                body = orjson.dumps({"type": name, "recorded_at": event.meta.recorded_at, "data": data})
                yield ServerSentEvent(body.decode(), id=str(version), event=name)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN):
                    await signal.wait()
