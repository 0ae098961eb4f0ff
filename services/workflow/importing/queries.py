"""The SQL behind the reads of imports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_COLUMNS = "id, status, lines, imported, refused, created_at, updated_at, completed_at"
_IMPORT = f"SELECT {_COLUMNS} FROM imports WHERE id = $1"
_IMPORTS = f"""
SELECT {_COLUMNS} FROM imports WHERE user_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_REFUSALS = """
SELECT id, line, error, created_at FROM import_refusals WHERE import_id = $1 AND (created_at, id) > ($2, $3)
ORDER BY created_at, id LIMIT $4
"""
_IS_RUNNING = "SELECT EXISTS (SELECT FROM imports WHERE id = $1 AND status = 'running')"


async def post_import(connection: PoolConnection, import_id: UUID) -> Any:
    """The import's row, or None when the reader may not see it."""
    return await connection.fetchrow(_IMPORT, import_id)


async def imports(connection: PoolConnection, user_id: UUID, page: PageRequest) -> list[Any]:
    """A page of a user's imports, newest first, and one more."""
    found: list[Any] = await connection.fetch(_IMPORTS, user_id, *page.place, page.limit + 1)
    return found


async def refusals(connection: PoolConnection, import_id: UUID, page: PageRequest) -> list[Any]:
    """A page of the lines that an import refused, as they were found, and one more."""
    found: list[Any] = await connection.fetch(_REFUSALS, import_id, *page.place_upwards, page.limit + 1)
    return found


async def is_running(connection: PoolConnection, import_id: UUID) -> bool:
    """Whether there is such an import with something left to do."""
    found: bool = await connection.fetchval(_IS_RUNNING, import_id)
    return found
