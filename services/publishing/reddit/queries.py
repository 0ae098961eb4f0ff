"""The SQL behind collected posts. Row-level security adds whose rows they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_COLUMNS = """id, reddit_post_id, title, subreddit, score, num_comments, created_ts, url, summary_ko, tags,
       pain_points, product_ideas, content_hash, ghost_url, ghost_post_id, ghost_slug, publication_status,
       publication_error, published_at, takedown_status, takedown_reason, takedown_requested_at, unpublished_at,
       remove_after, removed_at, created_at, updated_at"""

_POST = f"SELECT {_COLUMNS} FROM posts WHERE id = $1"

_POSTS = f"""
SELECT {_COLUMNS} FROM posts
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
  AND ($5::text IS NULL OR subreddit = $5) AND ($6::text IS NULL OR takedown_status = $6)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_LOGS = """
SELECT id, service_name, status, error_message, processing_time_ms, created_at FROM processing_logs
WHERE post_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""


async def post(connection: PoolConnection, post_id: UUID) -> Any:
    """The post's row, or None when the reader may not see it."""
    return await connection.fetchrow(_POST, post_id)


async def posts(
    connection: PoolConnection, user_id: UUID, page: PageRequest, subreddit: str | None, takedown_status: str | None
) -> list[Any]:
    """A page of a user's posts, newest first, and one more."""
    place = (user_id, *page.place, page.limit + 1)
    found: list[Any] = await connection.fetch(_POSTS, *place, subreddit, takedown_status)
    return found


async def logs(connection: PoolConnection, post_id: UUID, page: PageRequest) -> list[Any]:
    """A page of what was done about a post, newest first, and one more."""
    found: list[Any] = await connection.fetch(_LOGS, post_id, *page.place, page.limit + 1)
    return found
