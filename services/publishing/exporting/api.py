"""Exports over HTTP, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from services.publishing.exporting import queries
from services.publishing.exporting.cells import as_csv, as_json
from services.publishing.schemas import JobStatus
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/export", tags=["export"])

Statuses = Annotated[
    list[JobStatus] | None,
    Query(description="Only posts in these states; `scheduled` gives what is to go out. Name it once for each."),
]


@router.get("/posts.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
async def export_csv(
    request: Request,
    user: CurrentUser,
    status: Statuses = None,
    byte_order_mark: Annotated[bool, Query(description="Begin with the mark by which Excel knows UTF-8.")] = False,
) -> StreamingResponse:
    """Your posts, oldest first, a line each; cells that a spreadsheet would calculate begin with an apostrophe."""
    pages = queries.posts(kit_of(request).database, user.user_id, status)
    return _file(as_csv(pages, mark=byte_order_mark), "text/csv; charset=utf-8; header=present", "posts.csv")


@router.get("/posts.json", response_class=StreamingResponse, responses={200: {"content": {"application/json": {}}}})
async def export_json(request: Request, user: CurrentUser, status: Statuses = None) -> StreamingResponse:
    """Your posts, oldest first, as one array of objects."""
    pages = queries.posts(kit_of(request).database, user.user_id, status)
    return _file(as_json(pages), "application/json", "posts.json")


def _file(content: AsyncIterator[bytes], media_type: str, name: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(content, media_type=media_type, headers=headers)
