"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

JOB_COLUMNS = """id, workflow_id, platform, draft_id, connection_id, status, scheduled_for, time_zone, published_at,
       response_data, response_data->>'url' AS url, attempt, next_attempt_at, error_class, error,
       created_at, updated_at"""

_JOB = f"SELECT {JOB_COLUMNS} FROM publishing_jobs WHERE id = $1"

_PAGE = """
WHERE user_id = $1 AND (created_at, id) < ($2, $3) AND ($5::text IS NULL OR status = $5) {and_workflow}
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_JOBS = f"SELECT {JOB_COLUMNS} FROM publishing_jobs" + _PAGE.format(and_workflow="")
# A statement of its own, so that the planner takes the workflow's index.
_JOBS_OF_WORKFLOW = f"SELECT {JOB_COLUMNS} FROM publishing_jobs" + _PAGE.format(and_workflow="AND workflow_id = $6")

# Never the token.
_CONNECTION_COLUMNS = """id, name, platform_type AS platform, instance_url, username, settings, is_active, is_default,
       token_expires_at, broken_at, broken_reason AS problem, paused_until, created_at, updated_at, last_used"""

_CONNECTION = f"SELECT {_CONNECTION_COLUMNS} FROM platform_connections WHERE id = $1"

_CONNECTIONS = f"""
SELECT {_CONNECTION_COLUMNS} FROM platform_connections
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_ACCOUNT = """
SELECT id, platform_type, instance_url, username, access_token, settings, refresh_token IS NOT NULL AS renewable,
       token_turn, broken_at, is_active
FROM platform_connections WHERE id = $1 AND user_id = $2 AND (is_active OR $3)
"""

# What jobs need before they begin, in one look: the job, the text (if heard of yet), and the account to use.
_BRIEFS = """
SELECT job.id AS job_id, job.status, job.workflow_id, job.user_id, job.platform, job.connection_id AS asked_id,
       coalesce(job.scheduled_for, job.created_at) AS due_at, job.created_at AS asked_at,
       text.draft_id IS NOT NULL AS has_text, text.title, text.content, text.hashtags, text.language,
       account.id, account.platform_type, account.instance_url, account.username, account.access_token,
       account.settings, account.refresh_token IS NOT NULL AS renewable, account.token_turn, account.token_at,
       account.broken_at, account.broken_reason, account.paused_until, same.url AS duplicate_of
FROM publishing_jobs AS job
LEFT JOIN draft_texts AS text ON text.draft_id = job.draft_id
LEFT JOIN LATERAL (
    SELECT * FROM platform_connections AS mine
    WHERE mine.user_id = job.user_id AND mine.platform_type = job.platform AND mine.is_active
      AND (job.connection_id IS NULL OR mine.id = job.connection_id)
    ORDER BY mine.is_default DESC, mine.created_at DESC LIMIT 1
) AS account ON true
-- The same text, out through the same account already. Few jobs are looked at, so it costs the same for everyone.
LEFT JOIN LATERAL (
    SELECT recent.response_data->>'url' AS url
    FROM (
        SELECT * FROM publishing_jobs AS before
        WHERE before.user_id = job.user_id AND (before.created_at, before.id) < (job.created_at, job.id)
        ORDER BY before.created_at DESC, before.id DESC LIMIT 30
    ) AS recent
    JOIN draft_texts AS said ON said.draft_id = recent.draft_id
    WHERE recent.platform = job.platform AND recent.status = 'published'
      AND recent.used_connection_id IS NOT DISTINCT FROM account.id
      AND said.content = text.content
    LIMIT 1
) AS same ON true
WHERE job.id = ANY ($1::uuid[])
"""

# All there is to know of a connection's token, wherever the connection is used.
_TOKEN = """
SELECT id, user_id, platform_type, access_token, refresh_token, client_key, client_secret, token_turn, token_at,
       broken_at, broken_reason
FROM platform_connections WHERE id = $1
"""

# A task that nobody holds is done now instead of later.
_HASTEN = """
UPDATE tasks SET due_at = now() WHERE id = $1 AND due_at > now() AND (leased_until IS NULL OR leased_until < now())
"""

_HELD = "SELECT id FROM publishing_jobs WHERE held_for = $1 LIMIT $2"

_ALL_OF = """
SELECT ARRAY(SELECT id FROM publishing_jobs WHERE user_id = $1 LIMIT $2) AS jobs,
       ARRAY(SELECT id FROM imported_posts WHERE user_id = $1 LIMIT $2) AS imports,
       ARRAY(SELECT id FROM posts WHERE user_id = $1 LIMIT $2) AS posts,
       ARRAY(SELECT id FROM slots WHERE user_id = $1 LIMIT $2) AS slots,
       ARRAY(SELECT id FROM platform_connections WHERE user_id = $1 LIMIT $2) AS connections,
       ARRAY(SELECT id FROM webhooks WHERE user_id = $1 LIMIT $2) AS webhooks
"""


async def job(connection: PoolConnection, job_id: UUID) -> Any:
    """The job's row, or None when the reader may not see it."""
    return await connection.fetchrow(_JOB, job_id)


async def jobs(
    connection: PoolConnection, user_id: UUID, page: PageRequest, workflow_id: UUID | None, status: str | None
) -> list[Any]:
    """A page of a user's jobs, newest first, and one more."""
    place = (user_id, *page.place, page.limit + 1, status)
    found: list[Any] = await (
        connection.fetch(_JOBS, *place)
        if workflow_id is None
        else connection.fetch(_JOBS_OF_WORKFLOW, *place, workflow_id)
    )
    return found


async def connection(connection: PoolConnection, connection_id: UUID) -> Any:
    """The connection's row without its token, or None when the reader may not see it."""
    return await connection.fetchrow(_CONNECTION, connection_id)


async def connections(connection: PoolConnection, user_id: UUID, page: PageRequest) -> list[Any]:
    """A page of a user's connections, newest first, and one more."""
    found: list[Any] = await connection.fetch(_CONNECTIONS, user_id, *page.place, page.limit + 1)
    return found


async def account(
    connection: PoolConnection, connection_id: UUID, user_id: UUID, *, also_inactive: bool = False
) -> Any:
    """The connection's row with its encrypted token, or None when the user has no such active connection."""
    return await connection.fetchrow(_ACCOUNT, connection_id, user_id, also_inactive)


async def briefs(connection: PoolConnection, job_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """What each of these jobs needs, by job."""
    return {row["job_id"]: row for row in await connection.fetch(_BRIEFS, list(job_ids))}


async def token(connection: PoolConnection, connection_id: UUID) -> Any:
    """The connection's row with its encrypted tokens, or None."""
    return await connection.fetchrow(_TOKEN, connection_id)


async def hasten(connection: PoolConnection, task_id: UUID) -> None:
    """Have a task done now that is due later."""
    await connection.execute(_HASTEN, task_id)


async def held(connection: PoolConnection, connection_id: UUID, limit: int) -> list[UUID]:
    """Ids of jobs that wait for the connection, at most `limit`."""
    return [row["id"] for row in await connection.fetch(_HELD, connection_id, limit)]


async def all_of(connection: PoolConnection, user_id: UUID, limit: int) -> dict[str, list[UUID]]:
    """Ids of what is the user's, of each kind at most `limit`: jobs, imports, posts, slots, connections, webhooks."""
    return dict(await connection.fetchrow(_ALL_OF, user_id, limit))


async def jobs_of(connection: PoolConnection, workflow_id: UUID) -> list[UUID]:
    """The ids of a workflow's jobs."""
    rows = await connection.fetch("SELECT id FROM publishing_jobs WHERE workflow_id = $1", workflow_id)
    return [row["id"] for row in rows]
