"""The SQL behind imported posts. Row-level security adds whose rows they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_COLUMNS = """id, connection_id, platform_type AS platform, instance_url, platform_post_id, author, url, content,
       ARRAY(SELECT image.id FROM imported_images AS image WHERE image.post_id = imported_posts.id
             ORDER BY attachment_index) AS image_ids,
       created_at"""

_POST = f"SELECT {_COLUMNS} FROM imported_posts WHERE id = $1"

_POSTS = f"""
SELECT {_COLUMNS} FROM imported_posts
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
  AND ($5::uuid IS NULL OR connection_id = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# Where a caption goes, and the account to put it there with.
_PLACE = """
SELECT post.platform_post_id, image.image_post_id,
       account.id, account.user_id, account.platform_type, account.instance_url, account.username,
       account.access_token, account.settings
FROM imported_images AS image
JOIN imported_posts AS post ON post.id = image.post_id
LEFT JOIN platform_connections AS account ON account.id = post.connection_id AND account.is_active
WHERE image.id = $1
"""

_OF_CONNECTION = "SELECT id, user_id FROM imported_posts WHERE connection_id = $1 LIMIT $2"


async def post(connection: PoolConnection, post_id: UUID) -> Any:
    """The post's row, or None when the reader may not see it."""
    return await connection.fetchrow(_POST, post_id)


async def posts(connection: PoolConnection, user_id: UUID, page: PageRequest, connection_id: UUID | None) -> list[Any]:
    """A page of a user's imported posts, newest first, and one more."""
    found: list[Any] = await connection.fetch(_POSTS, user_id, *page.place, page.limit + 1, connection_id)
    return found


async def place(connection: PoolConnection, image_id: UUID) -> Any:
    """Where an image's caption goes; its account's columns are null when that is gone; None for an unknown image."""
    return await connection.fetchrow(_PLACE, image_id)


async def of_connection(connection: PoolConnection, connection_id: UUID, limit: int) -> list[Any]:
    """Some posts imported through a connection, with their owners."""
    found: list[Any] = await connection.fetch(_OF_CONNECTION, connection_id, limit)
    return found
