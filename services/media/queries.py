"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_FILE_COLUMNS = """id, user_id, project_id, path, name, mime_type, size_bytes, sha256, public_url,
       text_status, text_path, text_sha256, title, language, characters, error, created_at"""

_FILE = f"SELECT {_FILE_COLUMNS} FROM files WHERE id = $1"

_FILES = f"""
SELECT {_FILE_COLUMNS} FROM files
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# A statement of its own, so that the planner takes the project's index.
_FILES_IN_PROJECT = f"""
SELECT {_FILE_COLUMNS} FROM files
WHERE project_id = $5 AND user_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_IDS_IN_PROJECT = "SELECT id FROM files WHERE project_id = $1 AND user_id = $2 LIMIT $3"

_BYTES_OF = "SELECT coalesce(sum(size_bytes), 0)::bigint FROM files WHERE user_id = $1"

_RESOURCE_COLUMNS = "id, type, content, metadata, created_at"

_RESOURCE = f"SELECT {_RESOURCE_COLUMNS} FROM resources WHERE id = $1"

_RESOURCES = f"""
SELECT {_RESOURCE_COLUMNS} FROM resources
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
  AND ($5::text IS NULL OR type = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_IMAGE_COLUMNS = """image.id, image.post_id, image.image_url, image.local_path, image.original_filename,
       image.media_type, image.image_post_id, image.attachment_index, image.platform_connection_id AS connection_id,
       image.platform_type AS platform, image.instance_url, image.original_caption, image.generated_caption,
       image.reviewed_caption, image.final_caption, image.image_category, image.status::text AS status,
       image.reviewed_at, image.posted_at, image.original_post_date, image.reviewer_notes, image.processing_error,
       image.caption_quality_score, image.needs_special_review, image.user_id, image.size_bytes, image.sha256,
       image.created_at, image.updated_at, post.post_url, post.post_content"""
_IMAGE_FROM = "FROM images AS image LEFT JOIN posts AS post ON post.id = image.post_id"

_IMAGE = f"SELECT {_IMAGE_COLUMNS} {_IMAGE_FROM} WHERE image.id = $1"

_IMAGES = f"""
SELECT {_IMAGE_COLUMNS} {_IMAGE_FROM}
WHERE image.user_id = $1 AND (image.created_at, image.id) < ($2, $3)
  AND ($5::text IS NULL OR image.status = $5::processing_status)
  AND ($6::integer IS NULL OR image.caption_quality_score >= $6)
  AND ($7::integer IS NULL OR image.caption_quality_score <= $7)
  AND ($8::boolean IS NULL OR image.needs_special_review = $8)
  AND ($9::timestamptz IS NULL OR image.created_at >= $9)
  AND ($10::timestamptz IS NULL OR image.created_at < $10)
  AND ($11::text IS NULL OR image.platform_type = $11)
  AND ($12::uuid IS NULL OR image.platform_connection_id = $12)
  AND ($13::uuid IS NULL OR image.post_id = $13)
ORDER BY image.created_at DESC, image.id DESC LIMIT $4
"""

# Whose rows these are is for row-level security alone: a reviewer sees everybody's.
_TO_REVIEW = f"""
SELECT {_IMAGE_COLUMNS} {_IMAGE_FROM}
WHERE image.status = 'pending' AND image.generated_caption IS NOT NULL
  AND (image.created_at, image.id) < ($1, $2)
  AND ($4::boolean IS NULL OR image.needs_special_review = $4)
ORDER BY image.created_at DESC, image.id DESC LIMIT $3
"""

_MEDIA_FILES = """
SELECT id, post_id, original_url, ghost_url, file_type, file_size, processed_at, created_at FROM media_files
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
  AND ($5::uuid IS NULL OR post_id = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_FILES_OF_POST = "SELECT id FROM media_files WHERE post_id = $1"

# All whose bytes are in storage; `kind` and `id` are their order.
_CONTENTS = """
SELECT 'files' AS kind, id, path, name, mime_type, size_bytes, sha256 FROM files WHERE user_id = $1
UNION ALL
SELECT 'images', id, local_path, NULL, media_type, size_bytes, sha256 FROM images
WHERE user_id = $1 AND sha256 IS NOT NULL
UNION ALL
SELECT 'media_files', id, path, NULL, file_type, file_size, sha256 FROM media_files WHERE user_id = $1
"""
_CONTENTS_PAGE = f"SELECT * FROM ({_CONTENTS}) AS kept WHERE (kind, id) > ($2, $3) ORDER BY kind, id LIMIT $4"
_PATH_OF = f"SELECT path FROM ({_CONTENTS}) AS kept WHERE kind = $2 AND id = $3"

_ALL_OF = """
SELECT ARRAY(SELECT id FROM files WHERE user_id = $1 LIMIT $2) AS files,
       ARRAY(SELECT id FROM resources WHERE user_id = $1 LIMIT $2) AS resources,
       ARRAY(SELECT id FROM images WHERE user_id = $1 LIMIT $2) AS images,
       ARRAY(SELECT post.id FROM posts AS post
             WHERE user_id = $1 AND NOT EXISTS (SELECT FROM images WHERE post_id = post.id) LIMIT $2) AS posts,
       ARRAY(SELECT id FROM media_files WHERE user_id = $1 LIMIT $2) AS media_files
"""


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """What is looked for; None: anything. `since` and `until` are about when the image came here."""

    status: str | None = None
    min_score: int | None = None
    max_score: int | None = None
    needs_special_review: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    platform: str | None = None
    connection_id: UUID | None = None
    post_id: UUID | None = None


async def file(connection: PoolConnection, file_id: UUID) -> Any:
    """The file's row, or None when the reader may not see it."""
    return await connection.fetchrow(_FILE, file_id)


async def files(connection: PoolConnection, user_id: UUID, page: PageRequest, project_id: UUID | None) -> list[Any]:
    """A page of a user's files, newest first, and one more."""
    place = (user_id, *page.place, page.limit + 1)
    found: list[Any] = await (
        connection.fetch(_FILES, *place)
        if project_id is None
        else connection.fetch(_FILES_IN_PROJECT, *place, project_id)
    )
    return found


async def files_of_project(connection: PoolConnection, user_id: UUID, project_id: UUID, limit: int) -> list[UUID]:
    """Ids of some files of a project."""
    return [row["id"] for row in await connection.fetch(_IDS_IN_PROJECT, project_id, user_id, limit)]


async def bytes_of(connection: PoolConnection, user_id: UUID) -> int:
    """What the user's files weigh together, in bytes."""
    found: int = await connection.fetchval(_BYTES_OF, user_id)
    return found


async def resource(connection: PoolConnection, resource_id: UUID) -> Any:
    """The resource's row, or None when the reader may not see it."""
    return await connection.fetchrow(_RESOURCE, resource_id)


async def resources(connection: PoolConnection, user_id: UUID, page: PageRequest, kind: str | None) -> list[Any]:
    """A page of a user's resources, newest first, and one more."""
    found: list[Any] = await connection.fetch(_RESOURCES, user_id, *page.place, page.limit + 1, kind)
    return found


async def image(connection: PoolConnection, image_id: UUID) -> Any:
    """The image's row, or None when the reader may not see it."""
    return await connection.fetchrow(_IMAGE, image_id)


async def images(connection: PoolConnection, user_id: UUID, page: PageRequest, wanted: ImageFilter) -> list[Any]:
    """A page of a user's images, newest first, and one more."""
    place = (user_id, *page.place, page.limit + 1)
    found: list[Any] = await connection.fetch(_IMAGES, *place, *astuple(wanted))
    return found


async def to_review(connection: PoolConnection, page: PageRequest, special: bool | None) -> list[Any]:
    """A page of images whose captions await a person, newest first, and one more: all that the reader may see."""
    found: list[Any] = await connection.fetch(_TO_REVIEW, *page.place, page.limit + 1, special)
    return found


async def media_files(connection: PoolConnection, user_id: UUID, page: PageRequest, post_id: UUID | None) -> list[Any]:
    """A page of files of a user's collected posts, newest first, and one more."""
    found: list[Any] = await connection.fetch(_MEDIA_FILES, user_id, *page.place, page.limit + 1, post_id)
    return found


async def files_of_post(connection: PoolConnection, post_id: UUID) -> list[UUID]:
    """Ids of the files that a collected post shows."""
    return [row["id"] for row in await connection.fetch(_FILES_OF_POST, post_id)]


async def all_of(connection: PoolConnection, user_id: UUID, limit: int) -> dict[str, list[UUID]]:
    """Ids of what is the user's, of each kind at most `limit`; posts only when their images are gone."""
    return dict(await connection.fetchrow(_ALL_OF, user_id, limit))


async def contents(connection: PoolConnection, user_id: UUID, after: str, after_id: UUID, limit: int) -> list[Any]:
    """What of the user's has bytes in storage, by kind and id, from after that place on."""
    found: list[Any] = await connection.fetch(_CONTENTS_PAGE, user_id, after, after_id, limit)
    return found


async def path_of(connection: PoolConnection, user_id: UUID, kind: str, content_id: UUID) -> str | None:
    """Where the bytes of one of them lie, or None when it is not there (any more)."""
    found: str | None = await connection.fetchval(_PATH_OF, user_id, kind, content_id)
    return found
