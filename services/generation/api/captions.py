"""Caption tasks and caption settings over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request

from services.generation.domain.caption_settings import CaptionChoices, ChangeCaptionSettings
from services.generation.domain.caption_task import NO_TASK, CancelCaptionTask, StartCaptionTask
from services.generation.queries import captions as queries
from services.generation.schemas.captions import (
    CaptionChoicesIn,
    CaptionSettings,
    CaptionTask,
    NewCaptionTask,
    TaskStatus,
)
from services.generation.settings import GenerationSettings
from shared.decider import Conflict, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.problem import Problem
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1", tags=["captions"])


@router.post("/caption-tasks", status_code=201)
async def start_task(
    body: NewCaptionTask, request: Request, user: CurrentUser, idempotency: Idempotency
) -> CaptionTask:
    """Have the images of an account described. One task at a time: a second gets 409 with the first one's id."""
    kit = kit_of(request)
    task_id = idempotency.id()
    if not idempotency.replayed:
        async with kit.database.reading(user.user_id) as connection:
            chosen = await queries.settings(connection, user.user_id, body.connection_id)
            started = await queries.started_of_late(connection, user.user_id)
        assert isinstance(kit.settings, GenerationSettings)
        _refuse_too_many(started, kit.settings.caption_tasks_per_hour)
        settings = asdict(CaptionChoices()) if chosen is None else _choices(chosen)
        command = StartCaptionTask(task_id, user.user_id, body.connection_id, settings)
        try:
            await idempotency.handle(command, actor=user.user_id)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "uq_caption_task_active":
                raise
            async with kit.database.reading(user.user_id) as connection:
                active = await queries.active_task(connection, user.user_id)
            raise Conflict(
                "Another caption task of yours is under way; wait for its end or cancel it.",
                task_id=None if active is None else active["id"],
            ) from error
    return await _task(request, user.user_id, task_id)


@router.get("/caption-tasks")
async def list_tasks(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    status: Annotated[TaskStatus | None, Query(description="Only tasks in this state.")] = None,
) -> Page[CaptionTask]:
    """Your caption tasks, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.tasks(connection, user.user_id, page, status)
    return page.page(rows, _task_view)


@router.get("/caption-tasks/{task_id}")
async def read_task(task_id: UUID, request: Request, user: CurrentUser) -> CaptionTask:
    """One caption task with its progress."""
    return await _task(request, user.user_id, task_id)


@router.post("/caption-tasks/{task_id}/cancel")
async def cancel_task(task_id: UUID, request: Request, user: CurrentUser) -> CaptionTask:
    """Call a task off. What was described already stays."""
    command = CancelCaptionTask(task_id, user.user_id, datetime.now(UTC))
    await kit_of(request).handle(command, actor=user.user_id)
    return await _task(request, user.user_id, task_id)


@router.get("/caption-settings")
async def list_settings(request: Request, user: CurrentUser, page: PageQuery) -> Page[CaptionSettings]:
    """What you chose for your accounts, newest first; an account that is not named has the documented values."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.all_settings(connection, user.user_id, page)
    return page.page(rows, lambda row: CaptionSettings.model_validate(dict(row)))


@router.get("/caption-settings/{connection_id}")
async def read_settings(connection_id: UUID, request: Request, user: CurrentUser) -> CaptionSettings:
    """How the images of one account are described."""
    return await _settings(request, user.user_id, connection_id)


@router.put("/caption-settings/{connection_id}")
async def change_settings(
    connection_id: UUID, body: CaptionChoicesIn, request: Request, user: CurrentUser
) -> CaptionSettings:
    """Say how the images of one account are to be described, from the next task on."""
    command = ChangeCaptionSettings(user.user_id, connection_id, body.choices(), datetime.now(UTC))
    await kit_of(request).handle(command, actor=user.user_id)
    return await _settings(request, user.user_id, connection_id)


def _refuse_too_many(started: int, most: int) -> None:
    if started >= most:
        detail = f"You started {started} caption tasks within the last hour; at most {most} are allowed. Wait a while."
        raise Problem(429, "rate-limited", "Too many requests", detail, headers={"Retry-After": "600"})


async def _task(request: Request, user_id: UUID, task_id: UUID) -> CaptionTask:
    async with kit_of(request).database.reading(user_id) as connection:
        row = await queries.task(connection, task_id)
    if row is None:
        raise NotFound(NO_TASK)
    return _task_view(row)


def _task_view(row: Mapping[str, Any]) -> CaptionTask:
    written = {"settings": row["settings_json"], "results": row["results_json"]}
    read = {name: None if text is None else orjson.loads(text) for name, text in written.items()}
    return CaptionTask.model_validate(dict(row) | read)


async def _settings(request: Request, user_id: UUID, connection_id: UUID) -> CaptionSettings:
    async with kit_of(request).database.reading(user_id) as connection:
        row = await queries.settings(connection, user_id, connection_id)
    if row is None:
        return CaptionSettings(connection_id=connection_id, **asdict(CaptionChoices()))
    return CaptionSettings.model_validate(dict(row))


def _choices(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in asdict(CaptionChoices())}
