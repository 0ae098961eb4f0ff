"""Files that are kept: looking at them, reading them, deleting them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.media import queries
from services.media.api.reading import WaitQuery, find, storing, text_of
from services.media.api.views import FileView, TextView
from services.media.domain.file import DeleteFile
from shared.http.deadline import RequestDeadline
from shared.http.openapi import problem_answer
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/files", tags=["files"])


@router.get("")
async def list_files(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    project_id: Annotated[UUID | None, Query(description="Only the files of this project.")] = None,
) -> Page[FileView]:
    """Your files, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.files(connection, user.user_id, page, project_id)
    return page.page(rows, FileView.of)


@router.get("/{file_id}")
async def get_file(
    file_id: UUID, request: Request, user: CurrentUser, deadline: RequestDeadline, wait: WaitQuery = 0
) -> FileView:
    """One file. With `wait`, answers as soon as its text was read or could not be."""
    return FileView.of(await find(kit_of(request), user.user_id, file_id, wait, deadline))


@router.get(
    "/{file_id}/content",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The bytes as they were sent."}},
)
async def get_content(file_id: UUID, request: Request, user: CurrentUser, deadline: RequestDeadline) -> Response:
    """The bytes, for download."""
    kit = kit_of(request)
    row = await find(kit, user.user_id, file_id, 0, deadline)
    async with storing():
        data = await kit.tools.storage.get(row["path"])
    return Response(
        data,
        headers={
            "Content-Type": row["mime_type"],
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row['name'], safe='')}",
            "ETag": f'"{row["sha256"]}"',
            # A stranger's page must not run here.
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


@router.get("/{file_id}/text", responses={409: problem_answer(409)})
async def get_text(
    file_id: UUID, request: Request, user: CurrentUser, deadline: RequestDeadline, wait: WaitQuery = 0
) -> TextView:
    """What the file says, as Markdown. 409 while it is being read (`current`: pending) and if it cannot be (failed)."""
    kit = kit_of(request)
    return await text_of(kit, await find(kit, user.user_id, file_id, wait, deadline))


@router.delete("/{file_id}", status_code=204)
async def delete_file(file_id: UUID, request: Request, user: CurrentUser) -> None:
    """The file is gone at once; its bytes and its text leave the storage right after."""
    await kit_of(request).handle(DeleteFile(file_id, user.user_id), actor=user.user_id)
