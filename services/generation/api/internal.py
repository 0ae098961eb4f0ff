"""What other services read here, and what those who describe images and summarise posts report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.generation.budget import limits_of, standing
from services.generation.domain.caption import RecordCaption, RecordSummary
from services.generation.domain.caption_task import CompleteCaptionTask, FailCaptionTask, ReportProgress
from services.generation.domain.placeholders import fill
from services.generation.domain.template import NO_TEMPLATE
from services.generation.queries import drafts as queries
from services.generation.queries import templates
from services.generation.schemas.captions import CaptionIn, OutcomeIn, ProgressIn, SummaryIn
from services.generation.schemas.templates import Filled, FillIn
from services.generation.settings import GenerationSettings
from shared.decider import Invalid, NotFound
from shared.http.internal import InternalOnly
from shared.http.responses import RowsResponse
from shared.kit import kit_of

router = APIRouter(prefix="/internal", dependencies=[InternalOnly], include_in_schema=False)

_MOST_DRAFTS = 50
_INSTRUCTION = (
    "{name!r} tells a writer what to do and is no text to make posts of; send `source` as well, "
    "or use a template of your own that is a text."
)
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDS = f"^{_ID}(?:,{_ID})*$"


@router.get("/drafts")
async def read_drafts(
    request: Request, ids: Annotated[str, Query(min_length=36, max_length=37 * _MOST_DRAFTS, pattern=_IDS)]
) -> Response:
    """Drafts by their ids (comma separated, at most 50), whoever owns them; unknown ones are left out."""
    async with kit_of(request).database.reading(None) as connection:
        rows = await queries.drafts_by_id(connection, [UUID(each) for each in ids.split(",")])
    return RowsResponse({"items": [dict(row) for row in rows]})


@router.get("/token-budget")
async def read_token_budget(request: Request, user_id: UUID) -> dict[str, str]:
    """Whether models may be asked for a user now: `closed` says why not, and is empty while they may."""
    kit = kit_of(request)
    assert isinstance(kit.settings, GenerationSettings)
    return {"closed": (await standing(kit.database, limits_of(kit.settings), user_id)).closed()}


@router.post("/templates/{template_id}/fill")
async def fill_template(template_id: UUID, body: FillIn, request: Request) -> Filled:
    """A template of the user's or the platform's, filled. 404 when they may not see it, 422 if it cannot be."""
    async with kit_of(request).database.reading(body.user_id) as connection:
        row = await templates.template(connection, template_id)
    if row is None:
        raise NotFound(NO_TEMPLATE)
    if body.as_source and not row["is_custom"]:
        raise Invalid(_INSTRUCTION.format(name=row["name"]))
    return Filled(name=row["name"], text=fill(row["prompt"], body.given, body.variables))


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
