"""The SQL behind the reads of drafts and sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_SOURCE = "SELECT user_id, title, text, file_id, language, url FROM sources WHERE workflow_id = $1"

_COLUMNS = """id, workflow_id, platform, iteration, title, content, source, based_on_id, engine, model, language, tone,
       hashtags, usage, created_at"""

_DRAFT = f"SELECT {_COLUMNS} FROM drafts WHERE id = $1"

_DRAFTS_BY_ID = f"SELECT {_COLUMNS} FROM drafts WHERE id = ANY ($1::uuid[])"

_DRAFTS_OF_WORKFLOW = f"""
SELECT {_COLUMNS} FROM drafts
WHERE workflow_id = $1 AND (created_at, id) < ($2, $3) AND ($5::text IS NULL OR platform = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_DRAFTS_OF_USER = f"""
SELECT {_COLUMNS} FROM drafts
WHERE user_id = $1 AND (created_at, id) < ($2, $3) AND ($5::text IS NULL OR platform = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# Up the chain from the draft that was asked for, which is step 0.
_LINEAGE = f"""
WITH RECURSIVE lineage AS (
    SELECT drafts.*, 0 AS step FROM drafts WHERE id = $1
    UNION ALL
    SELECT earlier.*, later.step + 1
    FROM drafts AS earlier JOIN lineage AS later ON earlier.id = later.based_on_id
)
SELECT {_COLUMNS} FROM lineage ORDER BY step DESC
"""


async def source(connection: PoolConnection, workflow_id: UUID) -> Any:
    """What a workflow is about, or None when it was not heard of."""
    return await connection.fetchrow(_SOURCE, workflow_id)


async def draft(connection: PoolConnection, draft_id: UUID) -> Any:
    """The draft's row, or None when the reader may not see it."""
    return await connection.fetchrow(_DRAFT, draft_id)


async def drafts_by_id(connection: PoolConnection, draft_ids: Sequence[UUID]) -> list[Any]:
    """Those of the drafts that the reader may see, in no order."""
    found: list[Any] = await connection.fetch(_DRAFTS_BY_ID, draft_ids)
    return found


async def drafts(
    connection: PoolConnection, user_id: UUID, workflow_id: UUID | None, platform: str | None, page: PageRequest
) -> list[Any]:
    """A page of a workflow's drafts (or of all the user's), newest first, and one more."""
    sql, whose = (_DRAFTS_OF_USER, user_id) if workflow_id is None else (_DRAFTS_OF_WORKFLOW, workflow_id)
    found: list[Any] = await connection.fetch(sql, whose, *page.place, page.limit + 1, platform)
    return found


async def lineage(connection: PoolConnection, draft_id: UUID) -> list[Any]:
    """The draft and those it goes back to, oldest first; empty when the reader may not see it."""
    found: list[Any] = await connection.fetch(_LINEAGE, draft_id)
    return found
