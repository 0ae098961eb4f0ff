"""Imports over HTTP: a short file is imported at once, a long one in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.workflow.domain.post_import import RequestImport
from services.workflow.importing import queries
from services.workflow.importing.lines import examined
from services.workflow.importing.reading import AT_ONCE, MOST, read
from services.workflow.importing.working import carry_out, parts
from shared.decider import Invalid, NotFound
from shared.http.idempotency import Idempotency, IdempotentRequest
from shared.http.pagination import Page, PageQuery
from shared.http.problem import Problem
from shared.http.user import CurrentUser
from shared.kit import Kit, kit_of

router = APIRouter(prefix="/api/v1/import", tags=["import"])

_MOST_TOLD = 1000  # refused lines of one answer
_NONE = "There is no such import; list your imports to see which there are."
_EXAMPLE = "platform,content,title,scheduled_for,time_zone\r\nblog,Bread rises.,Bread,2090-05-01T09:00:00,Europe/Berlin"
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}, "maxItems": MOST}},
        },
    }
}


class ImportedLine(BaseModel):
    line: int = Field(description="The how-manieth post of the file, from 1.")
    status: Literal["imported", "valid", "refused"]
    workflow_id: UUID | None = None
    error: str | None = None


class Imported(BaseModel):
    imported: int
    refused: int
    lines: list[ImportedLine]


class Import(BaseModel):
    """A file that is imported in the background."""

    id: UUID
    status: Literal["running", "completed"]
    lines: int = Field(description="Posts of the file.")
    imported: int = Field(description="How many of them are posts here by now.")
    refused: int = Field(description="How many are not; `GET /api/v1/import/{id}/refused` says why.")
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class Refusal(BaseModel):
    line: int = Field(description="The how-manieth post of the file, from 1.")
    error: str = Field(description="What to change.")


@router.post(
    "",
    openapi_extra=_BODY,
    responses={202: {"model": Import, "description": f"More than {AT_ONCE} posts: they are imported by and by."}},
)
async def import_posts(
    request: Request,
    response: Response,
    user: CurrentUser,
    idempotency: Idempotency,
    dry_run: Annotated[bool, Query(description="Only say what would become of each line.")] = False,
    partial: Annotated[bool, Query(description="Import the good lines although others are refused.")] = False,
) -> Imported | Import:
    """Posts written elsewhere. One with `scheduled_for` goes out then; one without awaits your review.

    Nothing is imported when a line is refused, unless `partial`. A line that was imported before changes nothing.
    """
    kit = kit_of(request)
    if idempotency.replayed and (known := await _find(kit, user.user_id, idempotency.id())) is not None:
        return _accepted(response, known)
    rows = await asyncio.to_thread(read, await request.body(), *_content_type(request))
    later = len(rows) > AT_ONCE and not dry_run
    if later and partial:
        return await _begin(kit, response, idempotency, user.user_id, rows)
    # A long file takes a while to look through.
    numbered = list(enumerate(rows, start=1))
    commands, refused = await asyncio.to_thread(examined, numbered, user.user_id, datetime.now(UTC))
    if refused and not partial and not dry_run:
        _refuse(refused, len(rows))
    if later:
        return await _begin(kit, response, idempotency, user.user_id, rows)
    if not dry_run:
        refused |= await carry_out(kit, commands, user.user_id)
    done: Literal["imported", "valid"] = "valid" if dry_run else "imported"
    lines = [
        ImportedLine(line=number, status="refused", error=refused[number])
        if number in refused
        else ImportedLine(line=number, status=done, workflow_id=None if dry_run else commands[number].workflow_id)
        for number, _ in numbered
    ]
    return Imported(imported=0 if dry_run else len(rows) - len(refused), refused=len(refused), lines=lines)


@router.get("")
async def list_imports(request: Request, user: CurrentUser, page: PageQuery) -> Page[Import]:
    """Your imports in the background, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.imports(connection, user.user_id, page)
    return page.page(rows, lambda row: Import(**row))


@router.get("/{import_id}")
async def read_import(import_id: UUID, request: Request, user: CurrentUser) -> Import:
    """How far an import is."""
    found = await _find(kit_of(request), user.user_id, import_id)
    if found is None:
        raise NotFound(_NONE)
    return found


@router.get("/{import_id}/refused")
async def list_refused(import_id: UUID, request: Request, user: CurrentUser, page: PageQuery) -> Page[Refusal]:
    """The lines that became no posts, as they were found, and what to change."""
    kit = kit_of(request)
    if await _find(kit, user.user_id, import_id) is None:
        raise NotFound(_NONE)
    async with kit.database.reading(user.user_id) as connection:
        rows = await queries.refusals(connection, import_id, page)
    return page.page(rows, lambda row: Refusal(line=row["line"], error=row["error"]))


async def _begin(
    kit: Kit, response: Response, idempotency: IdempotentRequest, user_id: UUID, rows: Sequence[Mapping[str, Any]]
) -> Import:
    """Take the lines in, to be imported by workers."""
    import_id = idempotency.id()
    tasks = parts(import_id, user_id, rows)
    await idempotency.handle(RequestImport(import_id, user_id, len(rows), len(tasks)), actor=user_id, also=tasks)
    found = await _find(kit, user_id, import_id)
    if found is None:
        raise NotFound("This import was removed; send the file under another Idempotency-Key.")
    return _accepted(response, found)


def _accepted(response: Response, found: Import) -> Import:
    response.status_code = 202
    response.headers["Location"] = f"/api/v1/import/{found.id}"
    return found


async def _find(kit: Kit, user_id: UUID, import_id: UUID) -> Import | None:
    async with kit.database.reading(user_id) as connection:
        row = await queries.post_import(connection, import_id)
    return None if row is None else Import(**row)


def _refuse(refused: Mapping[int, str], lines: int) -> None:
    """Raises Invalid with the first of the lines that are refused."""
    bad = [ImportedLine(line=number, status="refused", error=error) for number, error in refused.items()]
    detail = f"{len(bad)} of {lines} lines are refused, so nothing was imported; mend them, or ask for `partial`."
    raise Invalid(detail, lines=[line.model_dump(mode="json") for line in bad[:_MOST_TOLD]])


def _content_type(request: Request) -> tuple[str, str | None]:
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    media_type = header.get_content_type()
    if media_type not in ("text/csv", "application/json"):
        detail = "Send posts as text/csv or application/json, and say so in Content-Type."
        raise Problem(415, "unsupported-media-type", "Unsupported media type", detail)
    return media_type, header.get_content_charset()
