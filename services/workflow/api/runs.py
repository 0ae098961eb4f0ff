"""Processing runs: batches of posts whose images get captions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.workflow import queries
from services.workflow.domain.run import FinishRun, StartRun
from services.workflow.schemas import In, Text
from shared.decider import Conflict, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/processing-runs", tags=["processing runs"])

RunStatus = Literal["running", "completed", "failed", "cancelled"]


class NewRun(In):
    """A batch that is to be gone through."""

    batch_id: Annotated[Text, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Your name for the batch; each batch is gone through once per connection."
    )
    connection_id: UUID | None = None
    platform_type: Annotated[Text, Field(max_length=50)] | None = Field(None, examples=["mastodon"])
    instance_url: Annotated[Text, Field(max_length=500)] | None = Field(None, examples=["https://mastodon.example"])


class Run(BaseModel):
    """A batch and how far it has come; figures are counted from its start, times are in seconds."""

    id: UUID
    batch_id: str | None
    status: RunStatus
    platform_connection_id: UUID | None
    platform_type: str | None
    instance_url: str | None
    posts_processed: int
    images_processed: int
    captions_generated: int
    errors_count: int
    retry_attempts: int
    retry_successes: int
    retry_failures: int
    retry_total_time: int
    retry_stats: dict[str, Any] | None
    started_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> Run:
        """The view of a row of `processing_runs`."""
        columns = dict(row)
        stats = columns.pop("retry_stats_json")
        return cls(**columns, started_at=columns["created_at"], retry_stats=orjson.loads(stats) if stats else None)


@router.post("", status_code=201)
async def start_run(body: NewRun, request: Request, user: CurrentUser, idempotency: Idempotency) -> Run:
    """Begin a processing run."""
    run_id = idempotency.id()
    command = StartRun(run_id, user.user_id, body.batch_id, body.connection_id, body.platform_type, body.instance_url)
    try:
        await idempotency.handle(command, actor=user.user_id)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "uq_batch_platform":
            raise
        raise Conflict("This batch was begun for this connection before; name another `batch_id`.") from None
    return await _run(request, user.user_id, run_id)


@router.get("")
async def list_runs(
    request: Request, user: CurrentUser, page: PageQuery, status: Annotated[RunStatus | None, Query()] = None
) -> Page[Run]:
    """Your processing runs, newest first."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        rows = await queries.runs(connection, user.user_id, page, status)
    return page.page(rows, Run.of)


@router.get("/{run_id}")
async def read_run(run_id: UUID, request: Request, user: CurrentUser) -> Run:
    """One processing run."""
    return await _run(request, user.user_id, run_id)


@router.post("/{run_id}/cancel")
async def cancel_run(run_id: UUID, request: Request, user: CurrentUser) -> Run:
    """Call a running batch off; what it has done stays."""
    kit = kit_of(request)
    await kit.handle(FinishRun(run_id, "cancelled", user.user_id), actor=user.user_id)
    return await _run(request, user.user_id, run_id)


async def _run(request: Request, user_id: UUID, run_id: UUID) -> Run:
    kit = kit_of(request)
    async with kit.database.reading(user_id) as connection:
        row = await queries.run(connection, run_id)
    if row is None:
        raise NotFound("There is no such processing run; list your processing runs to see which there are.")
    return Run.of(row)
