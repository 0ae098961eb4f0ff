"""The SQL behind comments and approval links. Row-level security adds whose rows they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

# Of a platform that the reader may see, with what its workflow tells them.
_PLATFORM = """
SELECT s.workflow_id, s.user_id, s.platform, s.status, s.active_draft_id, s.iteration, s.score
FROM platform_states s WHERE s.workflow_id = $1 AND s.platform = $2
"""
_PLATFORMS = """
SELECT s.platform, s.status, s.active_draft_id, s.iteration, s.score, s.url
FROM platform_states s WHERE s.workflow_id = $1 AND s.platform = ANY ($2::text[]) ORDER BY s.platform
"""

_COMMENT_COLUMNS = """id, workflow_id, platform, draft_id, author_id, link_id, author, body, resolved_at, resolved_by,
       created_at"""
_COMMENT = f"SELECT {_COMMENT_COLUMNS} FROM draft_comments WHERE id = $1"
_COMMENTS = f"""
SELECT {_COMMENT_COLUMNS} FROM draft_comments
WHERE workflow_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
  AND ($5::text IS NULL OR platform = $5) AND ($6::uuid IS NULL OR draft_id = $6)
  AND ($7::boolean IS NULL OR (resolved_at IS NOT NULL) = $7)
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_SAID_WITH_LINK = f"""
SELECT {_COMMENT_COLUMNS} FROM draft_comments WHERE workflow_id = $1 AND link_id = $2
ORDER BY created_at, id LIMIT 200
"""

_LINK_COLUMNS = """id, workflow_id, user_id, platforms, label, expires_at, uses, opened_at, last_used_at, revoked_at,
       created_at"""
_LINK = f"SELECT {_LINK_COLUMNS} FROM approval_links WHERE id = $1"
_LINKS = f"""
SELECT {_LINK_COLUMNS} FROM approval_links
WHERE workflow_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_HANGING = """
SELECT ARRAY(SELECT id FROM draft_comments WHERE workflow_id = $1 LIMIT $2) AS comments,
       ARRAY(SELECT id FROM approval_links WHERE workflow_id = $1 LIMIT $2) AS links
"""
_SAID_BY = "SELECT id, workflow_id FROM draft_comments WHERE author_id = $1 LIMIT $2"


async def platform(connection: PoolConnection, workflow_id: UUID, name: str) -> Any:
    """A platform's row, or None when the reader may not see it."""
    return await connection.fetchrow(_PLATFORM, workflow_id, name)


async def platforms(connection: PoolConnection, workflow_id: UUID, names: list[str]) -> list[Any]:
    """The rows of these platforms of a workflow, by name."""
    found: list[Any] = await connection.fetch(_PLATFORMS, workflow_id, names)
    return found


async def comment(connection: PoolConnection, comment_id: UUID) -> Any:
    """The comment's row, or None when the reader may not see it."""
    return await connection.fetchrow(_COMMENT, comment_id)


async def comments(
    connection: PoolConnection,
    workflow_id: UUID,
    page: PageRequest,
    platform: str | None,
    draft_id: UUID | None,
    resolved: bool | None,
) -> list[Any]:
    """A page of what was said about a workflow's drafts, newest first, and one more."""
    after = (page.after.created_at, page.after.id) if page.after else (None, None)
    found: list[Any] = await connection.fetch(
        _COMMENTS, workflow_id, *after, page.limit + 1, platform, draft_id, resolved
    )
    return found


async def said_with_link(connection: PoolConnection, workflow_id: UUID, link_id: UUID) -> list[Any]:
    """What was said with an approval link, oldest first, at most 200."""
    found: list[Any] = await connection.fetch(_SAID_WITH_LINK, workflow_id, link_id)
    return found


async def link(connection: PoolConnection, link_id: UUID) -> Any:
    """The approval link's row, or None when the reader may not see it."""
    return await connection.fetchrow(_LINK, link_id)


async def links(connection: PoolConnection, workflow_id: UUID, page: PageRequest) -> list[Any]:
    """A page of a workflow's approval links, newest first, and one more."""
    after = (page.after.created_at, page.after.id) if page.after else (None, None)
    found: list[Any] = await connection.fetch(_LINKS, workflow_id, *after, page.limit + 1)
    return found


async def hanging(connection: PoolConnection, workflow_id: UUID, limit: int) -> Any:
    """The ids of `comments` and `links` of a workflow, at most so many of each."""
    return await connection.fetchrow(_HANGING, workflow_id, limit)


async def said_by(connection: PoolConnection, author_id: UUID, limit: int) -> list[Any]:
    """`id` and `workflow_id` of what a user said about anybody's drafts, at most so many."""
    found: list[Any] = await connection.fetch(_SAID_BY, author_id, limit)
    return found
