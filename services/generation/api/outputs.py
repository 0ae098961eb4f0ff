"""Outputs over HTTP: asking for them, looking at them, changing them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sse_starlette import EventSourceResponse

from contracts.events.generation import OutputDeleted, OutputKind, TemplateType
from services.generation.domain.output import (
    NO_OUTPUT,
    ArchiveOutput,
    CopyOutput,
    DeleteOutput,
    EditOutput,
    RequestOutput,
    RetryOutput,
)
from services.generation.domain.placeholders import fill
from services.generation.domain.template import NO_TEMPLATE
from services.generation.queries import outputs as queries
from services.generation.queries import templates
from services.generation.schemas.outputs import Generate, Output, OutputChange, OutputStatus, WatchedOutput
from services.generation.tools import Tools
from shared.decider import Conflict, Invalid, NotFound
from shared.http.idempotency import Idempotency
from shared.http.live import LastEventId
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser, Moderator
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1", tags=["outputs"])

# Which template is for what: the kind of output, and where it goes.
_FOR: Final[Mapping[TemplateType, tuple[OutputKind, str]]] = {
    "blog": ("blog", "blog"),
    "email": ("email", "email"),
    "linkedin": ("social", "linkedin"),
    "twitter": ("social", "x"),
    "instagram": ("social", "instagram"),
}
_LENGTHS: Final = {"blog": 1500, "email": 300, "linkedin": 200, "x": 40, "instagram": 120}
_INLINE: Final = 20_000  # characters; a longer text travels as a file


@router.post("/projects/{project_id}/generate/{kind}", status_code=202)
async def generate(
    project_id: UUID,
    kind: OutputKind,
    body: Generate,
    request: Request,
    response: Response,
    user: CurrentUser,
    idempotency: Idempotency,
) -> Output:
    """Have a text written. It is queued at once; `GET /api/v1/outputs/{id}/events` tells how it goes on."""
    output_id = idempotency.id()
    if not idempotency.replayed:
        tools: Tools = kit_of(request).tools
        authorization = request.headers["authorization"]
        await tools.materials.check_project(project_id, authorization)
        platform, prompt = await _form(request, user.user_id, kind, body)
        text, file_ids = await _source(tools, user.user_id, project_id, body, authorization)
        command = RequestOutput(
            output_id=output_id,
            project_id=project_id,
            user_id=user.user_id,
            kind=kind,
            platform=platform,
            now=datetime.now(UTC),
            request=body.model_dump(mode="json", exclude={"text"}, exclude_defaults=True)
            | {"tone_of_voice": body.tone_of_voice},
            text=text,
            file_ids=file_ids,
            prompt=prompt,
        )
        await idempotency.handle(command, actor=user.user_id)
    response.headers["Location"] = f"/api/v1/outputs/{output_id}"
    return await _output(request, user.user_id, output_id)


@router.get("/outputs")
async def list_outputs(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    project_id: Annotated[UUID | None, Query(description="Only those of this project.")] = None,
    status: Annotated[OutputStatus | None, Query(description="Only those in this state.")] = None,
    kind: Annotated[OutputKind | None, Query(description="Only those of this kind.")] = None,
    archived: Annotated[bool, Query(description="Those that were put away instead.")] = False,
) -> Page[Output]:
    """Your outputs, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.outputs(
            connection, user.user_id, page, project_id=project_id, status=status, kind=kind, archived=archived
        )
    return page.page(rows, Output.of)


@router.get("/outputs/queue")
async def list_queued_outputs(request: Request, user: Moderator, page: PageQuery) -> Page[WatchedOutput]:
    """Everybody's outputs that wait to be written, the first in line first."""
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        rows = await queries.queue(connection, page)
    return page.page(rows, WatchedOutput.of)


@router.get("/outputs/stuck")
async def list_stuck_outputs(
    request: Request,
    user: Moderator,
    page: PageQuery,
    minutes: Annotated[int, Query(ge=1, le=43_200, description="For how long nothing has been heard of them.")] = 60,
) -> Page[WatchedOutput]:
    """Everybody's outputs that have been in the making for too long, the longest first."""
    before = datetime.now(UTC) - timedelta(minutes=minutes)
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        rows = await queries.stuck(connection, page, before)
    return page.page(rows, WatchedOutput.of, by="updated_at")


@router.get("/outputs/{output_id}")
async def read_output(output_id: UUID, request: Request, user: CurrentUser) -> Output:
    """One output, put away or not."""
    return await _output(request, user.user_id, output_id, user.role)


@router.get("/outputs/{output_id}/events", response_class=EventSourceResponse)
async def stream_output(
    output_id: UUID, request: Request, user: CurrentUser, last_event_id: LastEventId = "0"
) -> EventSourceResponse:
    """The output's events as they happen, until it is deleted. Each `id` is the event's number in the output."""
    await _output(request, user.user_id, output_id)
    tools: Tools = kit_of(request).tools
    return tools.live.response(output_id, last_event_id, last=(OutputDeleted,))


@router.patch("/outputs/{output_id}")
async def edit_output(output_id: UUID, body: OutputChange, request: Request, user: CurrentUser) -> Output:
    """Put another text in the place of a completed one."""
    await kit_of(request).handle(EditOutput(output_id, user.user_id, body.body), actor=user.user_id)
    return await _output(request, user.user_id, output_id)


@router.delete("/outputs/{output_id}", status_code=204)
async def delete_output(output_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Delete an output, whatever its state; one that is being written is not kept."""
    await kit_of(request).handle(DeleteOutput(output_id, user.user_id), actor=user.user_id)
    return Response(status_code=204)


@router.post("/outputs/{output_id}/retry", status_code=202)
async def retry_output(output_id: UUID, request: Request, user: CurrentUser) -> Output:
    """Try a failed output again, of the same material."""
    await kit_of(request).handle(RetryOutput(output_id, user.user_id), actor=user.user_id)
    return await _output(request, user.user_id, output_id)


@router.post("/outputs/{output_id}/copy", status_code=201)
async def copy_output(
    output_id: UUID, request: Request, response: Response, user: CurrentUser, idempotency: Idempotency
) -> Output:
    """Make another output of a completed one, put away or not, to change it and keep the first as it is."""
    copy_id = idempotency.id()
    if not idempotency.replayed:
        original = await _output(request, user.user_id, output_id)
        if original.status != "completed" or original.body is None:
            detail = f"Only a completed output can be copied; this one is {original.status}."
            raise Conflict(detail, current=original.status)
        command = CopyOutput(
            output_id=copy_id,
            project_id=original.project_id,
            user_id=user.user_id,
            kind=original.kind,
            platform=str(original.metadata.get("platform") or original.kind),
            now=datetime.now(UTC),
            copied_from=output_id,
            body=original.body,
            request=original.request,
            metadata=original.metadata,
        )
        await idempotency.handle(command, actor=user.user_id)
    response.headers["Location"] = f"/api/v1/outputs/{copy_id}"
    return await _output(request, user.user_id, copy_id)


@router.post("/outputs/{output_id}/archive")
async def archive_output(output_id: UUID, request: Request, user: CurrentUser) -> Output:
    """Put a completed or failed output away: it leaves the usual lists and stays as it is."""
    await kit_of(request).handle(ArchiveOutput(output_id, user.user_id), actor=user.user_id)
    return await _output(request, user.user_id, output_id)


async def _form(request: Request, user_id: UUID, kind: OutputKind, body: Generate) -> tuple[str, str | None]:
    """What to write for, and the prompt of the template that was named."""
    if body.platform is not None and kind != "social":
        raise Invalid("`platform` is for social outputs only; leave it out.")
    if body.target_length is not None and kind == "social":
        raise Invalid("The length of a social post is its network's; leave `target_length` out.")
    platform = (body.platform or "linkedin") if kind == "social" else kind
    if body.template_id is None:
        return platform, None
    async with kit_of(request).database.reading(user_id) as connection:
        row = await templates.template(connection, body.template_id)
    if row is None:
        raise NotFound(NO_TEMPLATE)
    type_kind, type_platform = _FOR[row["type"]]
    if type_kind != kind or (body.platform is not None and body.platform != type_platform):
        wanted = body.platform or kind
        raise Invalid(f"The template {row['name']!r} is for {row['type']}, not for {wanted}; choose another template.")
    given = {
        "topic": body.topic or body.title or "the main subject of the source",
        "title": body.title or body.topic or "the source",
        "kind": kind,
        "platform": type_platform,
        "tone_of_voice": body.tone_of_voice,
        "target_length": str(body.target_length or _LENGTHS[type_platform]),
    }
    return type_platform, fill(row["prompt"], given, body.variables)


async def _source(
    tools: Tools, user_id: UUID, project_id: UUID, body: Generate, authorization: str
) -> tuple[str | None, tuple[UUID, ...]]:
    """A short text, or the files to read."""
    if body.text is not None:
        if len(body.text) <= _INLINE:
            return body.text, ()
        return None, (await tools.materials.keep_text(user_id, body.title or "", body.text),)
    if body.file_ids is not None:
        await tools.materials.check_files(body.file_ids, authorization)
        return None, tuple(body.file_ids)
    return None, await tools.materials.readable_files(project_id, authorization)


async def _output(request: Request, user_id: UUID, output_id: UUID, role: str = "") -> Output:
    async with kit_of(request).database.reading(user_id, role) as connection:
        row = await queries.output(connection, output_id)
    if row is None:
        raise NotFound(NO_OUTPUT)
    return Output.of(row)
