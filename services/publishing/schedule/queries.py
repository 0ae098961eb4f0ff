"""The SQL behind slots and the calendar. Row-level security adds whose rows they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.publishing.queries import JOB_COLUMNS
from shared.database import PoolConnection

_SLOT_COLUMNS = "id, platform, connection_id, weekdays, local_time, time_zone, created_at"

_SLOTS = f"SELECT {_SLOT_COLUMNS} FROM slots WHERE user_id = $1 ORDER BY created_at, id"

_SLOT = f"SELECT {_SLOT_COLUMNS} FROM slots WHERE id = $1"

# What a job that looks for a time has to keep clear of, and the account that it goes out through.
_SITUATION = """
SELECT ARRAY(SELECT scheduled_for FROM publishing_jobs
             WHERE user_id = $1 AND platform = $2 AND status = 'scheduled' AND scheduled_for > now()
               AND id IS DISTINCT FROM $3) AS busy,
       (SELECT id FROM platform_connections
        WHERE user_id = $1 AND platform_type = $2 AND is_default LIMIT 1) AS default_id
"""

_CALENDAR = f"""
SELECT {JOB_COLUMNS} FROM publishing_jobs
WHERE user_id = $1 AND coalesce(scheduled_for, published_at, created_at) >= $2
  AND coalesce(scheduled_for, published_at, created_at) < $3 AND status <> 'cancelled'
ORDER BY coalesce(scheduled_for, published_at, created_at), id LIMIT $4
"""

_DEFAULTS = "SELECT platform_type, id FROM platform_connections WHERE user_id = $1 AND is_default"

# Not done, due for a while, and waiting for no account: who is at it has a task.
_OVERDUE = """
SELECT id, turn, platform, coalesce(next_attempt_at, updated_at) AS due_at FROM publishing_jobs
WHERE status::text = ANY (ARRAY['queued', 'scheduled', 'publishing'])
  AND coalesce(next_attempt_at, updated_at) < $1 AND held_for IS NULL
  AND (coalesce(next_attempt_at, updated_at), id) > ($2, $3)
ORDER BY coalesce(next_attempt_at, updated_at), id LIMIT $4
"""

# They wait for an account that works, or is gone: released a moment before they began to wait.
_FORGOTTEN = """
SELECT job.id, job.held_for FROM publishing_jobs AS job
LEFT JOIN platform_connections AS account ON account.id = job.held_for
WHERE job.held_for IS NOT NULL AND job.updated_at < $1 AND account.broken_at IS NULL
  AND NOT EXISTS (SELECT FROM tasks WHERE tasks.kind = 'renew_token' AND tasks.due_at < now() + interval '1 minute'
                  AND tasks.payload->>'connection_id' = job.held_for::text)
LIMIT $2
"""


async def slots(connection: PoolConnection, user_id: UUID) -> list[Any]:
    """All slots of a user, oldest first."""
    found: list[Any] = await connection.fetch(_SLOTS, user_id)
    return found


async def slot(connection: PoolConnection, slot_id: UUID) -> Any:
    """The slot's row, or None when the reader may not see it."""
    return await connection.fetchrow(_SLOT, slot_id)


async def situation(connection: PoolConnection, user_id: UUID, platform: str, job_id: UUID | None) -> Any:
    """`busy`: times of the user's other posts on the platform; `default_id`: the connection used when none is named."""
    return await connection.fetchrow(_SITUATION, user_id, platform, job_id)


async def calendar(
    connection: PoolConnection, user_id: UUID, begins: datetime, ends: datetime, limit: int
) -> list[Any]:
    """The user's jobs of that time, in order."""
    found: list[Any] = await connection.fetch(_CALENDAR, user_id, begins, ends, limit)
    return found


async def defaults(connection: PoolConnection, user_id: UUID) -> dict[str, UUID]:
    """The default connection of each platform."""
    return {row["platform_type"]: row["id"] for row in await connection.fetch(_DEFAULTS, user_id)}


async def overdue(connection: PoolConnection, since: datetime, after: tuple[datetime, UUID], limit: int) -> list[Any]:
    """Jobs that were due before `since`, beyond a place in their order: what it costs depends on these alone."""
    found: list[Any] = await connection.fetch(_OVERDUE, since, *after, limit)
    return found


async def known_tasks(connection: PoolConnection, task_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these tasks are on the list."""
    rows = await connection.fetch("SELECT id FROM tasks WHERE id = ANY ($1::uuid[])", list(task_ids))
    return {row["id"] for row in rows}


async def forgotten(connection: PoolConnection, since: datetime, limit: int) -> list[Any]:
    """Jobs that have waited since then for an account that needs no waiting for."""
    found: list[Any] = await connection.fetch(_FORGOTTEN, since, limit)
    return found
