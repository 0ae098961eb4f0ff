"""Executions over HTTP: begin, follow, cancel."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from services.workflow import queries
from services.workflow.api.execution_models import (
    ActiveExecution,
    Artifact,
    Execution,
    ExecutionDetails,
    ExecutionStatus,
    LogLevel,
    LogLine,
    NewExecution,
    Statistics,
)
from services.workflow.domain.execution import CancelExecution, PlanExecution
from services.workflow.tools import Tools
from shared.decider import NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery, PageRequest
from shared.http.problem import Problem
from shared.http.user import CurrentUser, Moderator
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/executions", tags=["executions"])

_NEWEST = PageRequest(limit=100)
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "input_type": {"type": "string", "enum": ["pdf", "code", "url", "youtube", "text"]},
        "input_value": {"type": "string"},
        "file": {"type": "string", "format": "binary"},
        "file_id": {"type": "string", "format": "uuid"},
        "auto_correct": {"type": "boolean", "default": True},
        "max_retries": {"type": "integer", "default": 3},
    },
    "required": ["input_type"],
}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": _FORM},
        "application/json": {"schema": NewExecution.model_json_schema()},
    },
}


async def _fields(request: Request) -> tuple[dict[str, Any], UploadFile | None]:
    """The members of a JSON body or of a form, and the form's file. Raises a 415 Problem for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        form = await request.form()
        fields: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
        sent = form.get("file")
        return fields, sent if isinstance(sent, UploadFile) else None
    if kind != "application/json":
        detail = "Send the execution as `multipart/form-data` or as `application/json`."
        raise Problem(415, "unsupported-media-type", "Unsupported media type", detail)
    try:
        found = await request.json()
    except ValueError:
        raise RequestValidationError([_error("json_invalid", "The body is no JSON.")]) from None
    if not isinstance(found, dict):
        raise RequestValidationError([_error("dict_type", "Send one JSON object.")])
    return found, None


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": kind, "loc": ("body",), "msg": message, "input": None}


Fields = Annotated[tuple[dict[str, Any], UploadFile | None], Depends(_fields)]


@router.post("", status_code=201, openapi_extra={"requestBody": _BODY})
async def begin_execution(request: Request, user: CurrentUser, fields: Fields, idempotency: Idempotency) -> Execution:
    """Plan an execution: four to six steps by the kind of input. A file is kept among your files."""
    kit = kit_of(request)
    tools: Tools = kit.tools
    execution_id = idempotency.id()
    if not idempotency.replayed:
        values, upload = fields
        authorization = request.headers["authorization"]
        placeholder = {"file_id": execution_id} if upload is not None else {}
        try:
            asked = NewExecution.model_validate({**values, **placeholder})
        except ValidationError as error:
            raise RequestValidationError(
                [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
            ) from None
        file: Any = None
        if upload is not None:
            name, mime_type = upload.filename or "file", upload.content_type or "application/octet-stream"
            file = await tools.sources.upload(await upload.read(), name, mime_type, authorization)
        elif asked.file_id is not None:
            file = await tools.sources.file(asked.file_id, authorization)
        command = PlanExecution(
            execution_id=execution_id,
            user_id=user.user_id,
            input_type=asked.input_type,
            input_value=(asked.input_value or "").strip() or file["name"],
            input_file_id=None if file is None else UUID(file["id"]),
            input_file_url=None if file is None else f"/api/v1/files/{file['id']}",
            auto_correct=asked.auto_correct,
            max_retries=asked.max_retries,
        )
        await idempotency.handle(command, actor=user.user_id)
    return await _execution(request, user.user_id, execution_id)


@router.get("")
async def list_executions(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    status: Annotated[ExecutionStatus | None, Query()] = None,
    active: Annotated[bool, Query(description="Only those begun within the hour that have not ended.")] = False,
) -> Page[Execution]:
    """Your executions, newest first."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        if active:
            rows = await queries.active_executions(connection, user.user_id, page)
        else:
            rows = await queries.executions(connection, user.user_id, page, status)
    return page.page(rows, lambda row: Execution(**row))


@router.get("/statistics")
async def read_statistics(request: Request, user: CurrentUser) -> Statistics:
    """How many executions you had, and how they went."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        return Statistics(**await queries.statistics(connection, user.user_id))


@router.get("/active")
async def list_active_executions(request: Request, user: Moderator, page: PageQuery) -> Page[ActiveExecution]:
    """Everybody's executions begun within the hour that have not ended, the longest under way first."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id, user.role) as connection:
        rows = await queries.active_everywhere(connection, page)
    return page.page(rows, lambda row: ActiveExecution(**row), by="started_at")


@router.get("/{execution_id}")
async def read_execution(execution_id: UUID, request: Request, user: CurrentUser) -> ExecutionDetails:
    """One execution with its newest log lines and artifacts."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        row = await _found(connection, execution_id)
        logs = await queries.logs(connection, execution_id, _NEWEST, None)
        artifacts = await queries.artifacts(connection, execution_id, _NEWEST)
    return ExecutionDetails(
        **row,
        logs=[LogLine.of(line) for line in logs[: _NEWEST.limit]],
        artifacts=[Artifact(**artifact) for artifact in artifacts[: _NEWEST.limit]],
    )


@router.delete("/{execution_id}")
async def cancel_execution(execution_id: UUID, request: Request, user: CurrentUser) -> Execution:
    """Call an execution off; what it has made so far stays."""
    kit = kit_of(request)
    await kit.handle(CancelExecution(execution_id, user.user_id), actor=user.user_id)
    return await _execution(request, user.user_id, execution_id)


@router.get("/{execution_id}/logs")
async def list_logs(
    execution_id: UUID,
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    level: Annotated[list[LogLevel] | None, Query(description="Only lines of these levels.")] = None,
) -> Page[LogLine]:
    """The execution's log, newest first."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        await _found(connection, execution_id)
        rows = await queries.logs(connection, execution_id, page, level)
    return page.page(rows, LogLine.of)


@router.get("/{execution_id}/artifacts")
async def list_artifacts(execution_id: UUID, request: Request, user: CurrentUser, page: PageQuery) -> Page[Artifact]:
    """What came out of the execution, newest first."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        await _found(connection, execution_id)
        rows = await queries.artifacts(connection, execution_id, page)
    return page.page(rows, lambda row: Artifact(**row))


async def _execution(request: Request, user_id: UUID, execution_id: UUID) -> Execution:
    kit = kit_of(request)
    async with kit.database.reading(user_id) as connection:
        return Execution(**await _found(connection, execution_id))


async def _found(connection: Any, execution_id: UUID) -> Any:
    row = await queries.execution(connection, execution_id)
    if row is None:
        raise NotFound("There is no such execution; list your executions to see which there are.")
    return row
