"""Files that collected posts show."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.media import queries
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/media-files", tags=["media files"])


class MediaFileView(BaseModel):
    """A file that a collected post shows, kept here."""

    id: UUID
    post_id: UUID
    original_url: str
    ghost_url: str | None = Field(description="Where it lies on Ghost.")
    file_type: str = Field(description="Found in the bytes.", examples=["image/jpeg"])
    file_size: int = Field(description="In bytes.")
    processed_at: datetime
    created_at: datetime


@router.get("")
async def list_media_files(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    post_id: Annotated[UUID | None, Query(description="Only files of this collected post.")] = None,
) -> Page[MediaFileView]:
    """Files of your collected posts, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.media_files(connection, user.user_id, page, post_id)
    return page.page(rows, lambda row: MediaFileView(**row))
