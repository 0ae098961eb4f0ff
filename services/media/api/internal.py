"""What other services ask for: keeping a long text, and reading the text of a file."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.media.api.reading import MAX_WAIT, WaitQuery, find, storing, text_of
from services.media.api.views import TextView
from services.media.keeping import keep_text
from shared.http.deadline import RequestDeadline
from shared.http.internal import InternalOnly
from shared.kit import kit_of

router = APIRouter(prefix="/internal", dependencies=[InternalOnly], include_in_schema=False)


class NewText(BaseModel):
    """A text of a user that is too long to travel in an event."""

    user_id: UUID
    title: str = Field("", max_length=500)
    text: str = Field(min_length=1, max_length=10_000_000)


class KeptText(BaseModel):
    """Where the text is, and what it must hash to (SHA-256 of its UTF-8, in hexadecimal)."""

    file_id: UUID
    sha256: str
    characters: int


@router.post("/texts")
async def add_text(body: NewText, request: Request) -> KeptText:
    """Keep a text as a file; the same text of the same user is the same file."""
    async with storing():
        file_id, sha256 = await keep_text(kit_of(request), body.user_id, body.title, body.text)
    return KeptText(file_id=file_id, sha256=sha256, characters=len(body.text))


@router.get("/files/{file_id}/content")
async def read_content(
    file_id: UUID,
    request: Request,
    deadline: RequestDeadline,
    user_id: Annotated[UUID, Query(description="Only if the file is this user's.")],
) -> Response:
    """The bytes of a file."""
    kit = kit_of(request)
    row = await find(kit, user_id, file_id, 0, deadline)
    async with storing():
        data = await kit.tools.storage.get(row["path"])
    return Response(data, headers={"Content-Type": row["mime_type"]})


@router.get("/files/{file_id}/text")
async def read_text(
    file_id: UUID,
    request: Request,
    deadline: RequestDeadline,
    user_id: Annotated[UUID | None, Query(description="Only if the file is this user's.")] = None,
    wait: WaitQuery = MAX_WAIT,
) -> TextView:
    """The text of a file, waiting for it as long as the deadline allows unless `wait` says otherwise."""
    kit = kit_of(request)
    return await text_of(kit, await find(kit, user_id, file_id, wait, deadline))
