"""Live progress of one workflow."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse

from services.workflow import queries
from shared.decider import NotFound
from shared.http.live import LastEventId, Live
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1")


@router.get("/workflows/{workflow_id}/events", tags=["workflows"], response_class=EventSourceResponse)
async def stream(
    workflow_id: UUID, request: Request, user: CurrentUser, last_event_id: LastEventId = "0"
) -> EventSourceResponse:
    """The workflow's events as they happen. Each `id` is the event's number in the workflow."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        if not await queries.is_workflow(connection, workflow_id):
            raise NotFound("There is no such workflow; list your workflows to see which there are.")
    live: Live = kit.tools.live
    return live.response(workflow_id, last_event_id)
