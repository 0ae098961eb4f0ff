"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_FILE_COLUMNS = """id, user_id, project_id, path, name, mime_type, size_bytes, sha256, public_url,
       text_status, text_path, text_sha256, title, language, characters, error, created_at"""

_FILE = f"SELECT {_FILE_COLUMNS} FROM files WHERE id = $1"

_FILES = f"""
SELECT {_FILE_COLUMNS} FROM files
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# A statement of its own, so that the planner takes the project's index.
_FILES_IN_PROJECT = f"""
SELECT {_FILE_COLUMNS} FROM files
WHERE project_id = $5 AND user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_IDS_IN_PROJECT = "SELECT id FROM files WHERE project_id = $1 AND user_id = $2 LIMIT $3"

_RESOURCE_COLUMNS = "id, type, content, metadata, created_at"

_RESOURCE = f"SELECT {_RESOURCE_COLUMNS} FROM resources WHERE id = $1"

_RESOURCES = f"""
SELECT {_RESOURCE_COLUMNS} FROM resources
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
  AND ($5::text IS NULL OR type = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""


async def file(connection: PoolConnection, file_id: UUID) -> Any:
    """The file's row, or None when the reader may not see it."""
    return await connection.fetchrow(_FILE, file_id)


async def files(connection: PoolConnection, user_id: UUID, page: PageRequest, project_id: UUID | None) -> list[Any]:
    """A page of a user's files, newest first, and one more."""
    place = (user_id, *_after(page), page.limit + 1)
    found: list[Any] = await (
        connection.fetch(_FILES, *place)
        if project_id is None
        else connection.fetch(_FILES_IN_PROJECT, *place, project_id)
    )
    return found


async def files_of_project(connection: PoolConnection, user_id: UUID, project_id: UUID, limit: int) -> list[UUID]:
    """Ids of some files of a project."""
    return [row["id"] for row in await connection.fetch(_IDS_IN_PROJECT, project_id, user_id, limit)]


async def resource(connection: PoolConnection, resource_id: UUID) -> Any:
    """The resource's row, or None when the reader may not see it."""
    return await connection.fetchrow(_RESOURCE, resource_id)


async def resources(connection: PoolConnection, user_id: UUID, page: PageRequest, kind: str | None) -> list[Any]:
    """A page of a user's resources, newest first, and one more."""
    found: list[Any] = await connection.fetch(_RESOURCES, user_id, *_after(page), page.limit + 1, kind)
    return found


def _after(page: PageRequest) -> tuple[Any, Any]:
    return (page.after.created_at, page.after.id) if page.after else (None, None)
