"""The rows of an export, page by page: no transaction stays open while somebody downloads slowly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from shared.database import Database

PAGE = 500

# Oldest first, so that what comes meanwhile comes at the end.
_POSTS = """
SELECT job.id, job.workflow_id, job.platform, job.status, text.title, text.content, text.hashtags, job.scheduled_for,
       job.time_zone, job.published_at, job.response_data->>'url' AS url, job.error, job.created_at
FROM publishing_jobs AS job LEFT JOIN draft_texts AS text ON text.draft_id = job.draft_id
WHERE job.user_id = $1 AND ($2::timestamptz IS NULL OR (job.created_at, job.id) > ($2, $3))
  AND ($4::text[] IS NULL OR job.status = ANY ($4))
ORDER BY job.created_at, job.id LIMIT $5
"""


async def posts(database: Database, user_id: UUID, statuses: Sequence[str] | None) -> AsyncIterator[Sequence[Any]]:
    """Pages of a user's posts, oldest first; at most PAGE rows each."""
    after: tuple[Any, Any] = (None, None)
    wanted = list(statuses) if statuses else None
    while True:
        async with database.reading(user_id) as connection:
            rows = await connection.fetch(_POSTS, user_id, *after, wanted, PAGE)
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1]["created_at"], rows[-1]["id"]
