"""The SQL behind the reads of templates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_COLUMNS = "id, user_id, name, type, prompt, is_custom, created_at, updated_at"

_TEMPLATE = f"SELECT {_COLUMNS} FROM templates WHERE id = $1"

# The user's own and the platform's, which the policies alone would give as well.
_TEMPLATES = f"""
SELECT {_COLUMNS} FROM templates
WHERE (user_id = $1 OR NOT is_custom) AND (created_at, id) < ($2, $3)
  AND ($5::template_type IS NULL OR type = $5) AND ($6::boolean IS NULL OR is_custom = $6)
ORDER BY created_at DESC, id DESC LIMIT $4
"""


async def template(connection: PoolConnection, template_id: UUID) -> Any:
    """The template's row, or None when the reader may not see it."""
    return await connection.fetchrow(_TEMPLATE, template_id)


async def templates(
    connection: PoolConnection, user_id: UUID, page: PageRequest, kind: str | None, is_custom: bool | None
) -> list[Any]:
    """A page of what a user may write by, newest first, and one more."""
    found: list[Any] = await connection.fetch(_TEMPLATES, user_id, *page.place, page.limit + 1, kind, is_custom)
    return found
