"""The history of a workflow: the events of all services, causes before effects."""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.gateway.composition import Services, pass_back, user_headers
from shared.http.client import ServiceClient
from shared.http.deadline import Deadline, RequestDeadline
from shared.http.problem import Problem
from shared.http.responses import RowsResponse

router = APIRouter(tags=["workflows"])

Recorded = dict[str, Any]


class HistoryEvent(BaseModel):
    """One recorded fact."""

    event_id: UUID
    service: str
    type: str
    stream_type: str
    stream_id: UUID
    version: int = Field(ge=1, description="Place of the event in its stream.")
    recorded_at: datetime
    causation_id: UUID | None = Field(description="The event that led to this one.")
    actor: UUID | None = Field(description="The user on whose behalf it happened.")
    data: dict[str, Any]


class History(BaseModel):
    """Everything that happened, causes before effects."""

    items: list[HistoryEvent]
    unavailable: list[str] = Field(description="Services whose events could not be read now.")


@router.get("/api/v1/workflows/{workflow_id}/history", response_model=History)
async def read_history(workflow_id: UUID, request: Request, services: Services, deadline: RequestDeadline) -> Response:
    """Every event of the workflow in every service. A service that is down is named in `unavailable`."""
    # The events are read with the platform's own right, so the owner is made sure of first.
    owned = await services.request(
        "workflow", "GET", f"/api/v1/workflows/{workflow_id}", headers=user_headers(request), deadline=deadline
    )
    if owned.status != 200:
        return pass_back(owned)
    names = services.services
    patience = Deadline.after(min(deadline.remaining() * 0.8, 3600.0))
    told = await asyncio.gather(*(_told_by(services, name, workflow_id, patience) for name in names))
    found = dict(zip(names, told, strict=True))
    events = [event for events in found.values() for event in events or ()]
    unavailable = [name for name, events in found.items() if events is None]
    return RowsResponse({"items": in_causal_order(events), "unavailable": unavailable})


async def _told_by(
    services: ServiceClient, service: str, correlation_id: UUID, deadline: Deadline
) -> list[Recorded] | None:
    try:
        answer = await services.request(service, "GET", f"/internal/history/{correlation_id}", deadline=deadline)
        return list(answer.json()) if answer.status == 200 else None
    except (Problem, ValueError, TypeError):
        return None


def in_causal_order(events: Iterable[Recorded]) -> list[Recorded]:
    """By time, but never an effect before its cause nor a stream out of its order, however the clocks differ."""
    by_id = {str(event["event_id"]): event for event in events}
    streams: dict[tuple[str, str], list[Recorded]] = defaultdict(list)
    for event in by_id.values():
        streams[event["service"], str(event["stream_id"])].append(event)
    following: dict[str, list[str]] = defaultdict(list)
    waiting: dict[str, int] = dict.fromkeys(by_id, 0)

    def after(first: str, then: str) -> None:
        following[first].append(then)
        waiting[then] += 1

    for stream in streams.values():
        stream.sort(key=lambda event: event["version"])
        for earlier, later in pairwise(stream):
            after(str(earlier["event_id"]), str(later["event_id"]))
    for event_id, event in by_id.items():
        if (cause := str(event.get("causation_id"))) in by_id and cause != event_id:
            after(cause, event_id)

    def rank(event_id: str) -> tuple[datetime, str, int, str]:
        event = by_id[event_id]
        return datetime.fromisoformat(event["recorded_at"]), event["service"], event["version"], event_id

    ready = [rank(event_id) for event_id, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    ordered: dict[str, Recorded] = {}
    while ready:
        event_id = heapq.heappop(ready)[-1]
        ordered[event_id] = by_id[event_id]
        for then in following[event_id]:
            waiting[then] -= 1
            if waiting[then] == 0:
                heapq.heappush(ready, rank(then))
    # Only records that cause each other in a circle remain: they are told by time alone.
    circular = sorted((rank(event_id) for event_id in by_id if event_id not in ordered), key=lambda found: found[0])
    return [*ordered.values(), *(by_id[found[-1]] for found in circular)]
