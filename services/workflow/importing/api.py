"""Imports over HTTP: every line is looked at before any is carried out."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from email.message import Message
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.events.workflow import Source
from services.workflow.api.decisions import check_length, publication_of
from services.workflow.domain.commands import ImportPost
from services.workflow.importing.reading import MOST, read
from services.workflow.schemas import PlatformName, PublishIn, Text
from shared.decider import DomainError, Invalid
from shared.http.problem import Problem
from shared.http.user import CurrentUser
from shared.ids import derive
from shared.kit import Kit

router = APIRouter(prefix="/api/v1/import", tags=["import"])

_TOGETHER = 50  # posts on their way at once; they share transactions
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


class _Post(BaseModel):
    model_config = ConfigDict(extra="forbid")

    platform: PlatformName
    content: Annotated[Text, Field(max_length=60_000)]
    title: Annotated[Text, Field(max_length=300)] = ""
    scheduled_for: datetime | None = None
    time_zone: Annotated[Text, Field(max_length=64)] | None = None
    connection_id: UUID | None = None


class ImportedLine(BaseModel):
    line: int = Field(description="The how-manieth post of the file, from 1.")
    status: Literal["imported", "valid", "refused"]
    workflow_id: UUID | None = None
    error: str | None = None


class Imported(BaseModel):
    imported: int
    refused: int
    lines: list[ImportedLine]


@router.post("", openapi_extra=_BODY)
async def import_posts(
    request: Request,
    user: CurrentUser,
    dry_run: Annotated[bool, Query(description="Only say what would become of each line.")] = False,
    partial: Annotated[bool, Query(description="Import the good lines although others are refused.")] = False,
) -> Imported:
    """Posts written elsewhere. One with `scheduled_for` goes out then; one without awaits your review.

    Nothing is imported when a line is refused, unless `partial`. A line that was imported before changes nothing.
    """
    kit: Kit = request.app.state.kit
    media_type, charset = _content_type(request)
    now = datetime.now(UTC)
    commands: dict[int, ImportPost] = {}
    lines: list[ImportedLine] = []
    for number, row in enumerate(read(await request.body(), media_type, charset), start=1):
        try:
            commands[number] = _command(row, user.user_id, now)
        except (ValidationError, DomainError) as error:
            lines.append(ImportedLine(line=number, status="refused", error=_said(error)))
        else:
            workflow_id = None if dry_run else commands[number].workflow_id
            lines.append(ImportedLine(line=number, status="valid", workflow_id=workflow_id))
    refused = len(lines) - len(commands)
    if refused and not partial and not dry_run:
        bad = [line.model_dump(mode="json") for line in lines if line.status == "refused"]
        detail = (
            f"{refused} of {len(lines)} lines are refused, so nothing was imported; mend them, or ask for `partial`."
        )
        raise Invalid(detail, lines=bad)
    if dry_run:
        return Imported(imported=0, refused=refused, lines=lines)
    wanted = list(commands.values())
    for start in range(0, len(wanted), _TOGETHER):
        await asyncio.gather(*(kit.handle(each, actor=user.user_id) for each in wanted[start : start + _TOGETHER]))
    for line in lines:
        line.status = "imported" if line.status == "valid" else line.status
    return Imported(imported=len(wanted), refused=refused, lines=lines)


def _content_type(request: Request) -> tuple[str, str | None]:
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    media_type = header.get_content_type()
    if media_type not in ("text/csv", "application/json"):
        detail = "Send posts as text/csv or application/json, and say so in Content-Type."
        raise Problem(415, "unsupported-media-type", "Unsupported media type", detail)
    return media_type, header.get_content_charset()


def _command(row: dict[str, Any], user_id: UUID, now: datetime) -> ImportPost:
    """Raises ValidationError and DomainError. Ids follow from the line, so that it is imported once."""
    post = _Post.model_validate(row)
    content = post.content.strip()
    if not content:
        raise Invalid("The content is empty; send the text of the post.")
    check_length(post.platform, content)
    when = None if post.scheduled_for is None else post.scheduled_for.isoformat()
    line = derive("import", user_id, post.platform, post.title, content, when, post.time_zone, post.connection_id)
    publication = None
    if post.scheduled_for is not None:
        how = PublishIn(
            scheduled_for=post.scheduled_for, time_zone=post.time_zone, connection_id=post.connection_id
        )  # fmt: skip
        publication = publication_of(post.platform, how, derive(line, "job"), now)
    elif post.time_zone is not None:
        raise Invalid("`time_zone` says nothing without `scheduled_for`; send both or neither.")
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    source = Source(
        title=post.title or content.splitlines()[0][:200], text=content, sha256=sha256, characters=len(content)
    )
    return ImportPost(line, user_id, post.platform, source, content, derive(line, "draft"), publication)


def _said(error: ValidationError | DomainError) -> str:
    if isinstance(error, DomainError):
        return error.message
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False))
