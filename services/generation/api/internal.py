"""What those who describe images and summarise posts report, in other services or beside this one."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.generation.api.common import kit_of
from services.generation.domain.caption import RecordCaption, RecordSummary
from services.generation.domain.caption_task import CompleteCaptionTask, FailCaptionTask, ReportProgress
from services.generation.schemas.captions import CaptionIn, OutcomeIn, ProgressIn, SummaryIn
from shared.http.internal import InternalOnly

router = APIRouter(prefix="/internal", dependencies=[InternalOnly], include_in_schema=False)


@router.put("/caption-tasks/{task_id}/progress", status_code=204)
async def report_progress(task_id: UUID, body: ProgressIn, request: Request) -> Response:
    """How far a task is. 409 when it has ended, as by being called off: then stop."""
    command = ReportProgress(task_id, body.progress_percent, body.current_step, datetime.now(UTC))
    await kit_of(request).handle(command, actor=None)
    return Response(status_code=204)


@router.put("/caption-tasks/{task_id}/outcome", status_code=204)
async def report_outcome(task_id: UUID, body: OutcomeIn, request: Request) -> Response:
    """How a task ended; said twice is said once."""
    now = datetime.now(UTC)
    ended = (
        CompleteCaptionTask(task_id, body.results, now)
        if body.reason is None
        else FailCaptionTask(task_id, body.reason, now)
    )
    await kit_of(request).handle(ended, actor=None)
    return Response(status_code=204)


@router.post("/captions", status_code=204)
async def keep_caption(body: CaptionIn, request: Request) -> Response:
    """Keep a description of an image; the same one twice is kept once."""
    await kit_of(request).handle(RecordCaption(**body.model_dump()), actor=None)
    return Response(status_code=204)


@router.post("/summaries", status_code=204)
async def keep_summary(body: SummaryIn, request: Request) -> Response:
    """Keep a summary of a collected post; the same one twice is kept once."""
    await kit_of(request).handle(RecordSummary(**body.model_dump()), actor=None)
    return Response(status_code=204)
