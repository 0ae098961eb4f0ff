"""The SQL behind the reads of caption tasks and settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_TASK_COLUMNS = """id, user_id, platform_connection_id AS connection_id, status::text AS status, settings_json,
       created_at, started_at, completed_at, error_message AS error, results_json, progress_percent, current_step"""

_TASK = f"SELECT {_TASK_COLUMNS} FROM caption_generation_tasks WHERE id = $1"

_TASKS = f"""
SELECT {_TASK_COLUMNS} FROM caption_generation_tasks
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
  AND ($5::task_status IS NULL OR status = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_ACTIVE = f"""
SELECT {_TASK_COLUMNS} FROM caption_generation_tasks WHERE user_id = $1 AND status IN ('queued', 'running')
"""

_STARTED_OF_LATE = """
SELECT count(*) FROM caption_generation_tasks WHERE user_id = $1 AND created_at > now() - interval '1 hour'
"""

_SETTINGS_COLUMNS = """id, platform_connection_id AS connection_id, max_posts_per_run, max_caption_length,
       optimal_min_length, optimal_max_length, reprocess_existing, processing_delay, created_at, updated_at"""

_SETTINGS = f"""
SELECT {_SETTINGS_COLUMNS} FROM caption_generation_user_settings WHERE user_id = $1 AND platform_connection_id = $2
"""

_ALL_SETTINGS = f"""
SELECT {_SETTINGS_COLUMNS} FROM caption_generation_user_settings
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""


async def task(connection: PoolConnection, task_id: UUID) -> Any:
    """The task's row, or None when the reader may not see it."""
    return await connection.fetchrow(_TASK, task_id)


async def tasks(connection: PoolConnection, user_id: UUID, page: PageRequest, status: str | None) -> list[Any]:
    """A page of a user's tasks, newest first, and one more."""
    found: list[Any] = await connection.fetch(_TASKS, user_id, *page.place, page.limit + 1, status)
    return found


async def active_task(connection: PoolConnection, user_id: UUID) -> Any:
    """The task that the user has under way, or None."""
    return await connection.fetchrow(_ACTIVE, user_id)


async def started_of_late(connection: PoolConnection, user_id: UUID) -> int:
    """How many tasks the user started within the last hour."""
    return int(await connection.fetchval(_STARTED_OF_LATE, user_id))


async def settings(connection: PoolConnection, user_id: UUID, connection_id: UUID) -> Any:
    """What the user chose for an account, or None."""
    return await connection.fetchrow(_SETTINGS, user_id, connection_id)


async def all_settings(connection: PoolConnection, user_id: UUID, page: PageRequest) -> list[Any]:
    """A page of what the user chose for accounts, newest first, and one more."""
    found: list[Any] = await connection.fetch(_ALL_SETTINGS, user_id, *page.place, page.limit + 1)
    return found
