"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_PROJECT = "SELECT id, title, description, created_at, updated_at FROM projects WHERE id = $1"

_PROJECTS = """
SELECT id, title, description, created_at, updated_at FROM projects
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# Days of UTC, the newest first. Users of a day are told apart before they are counted, in one pass through the index;
# date_bin counts, where a time zone's name would be looked up for each row.
_ACTIVITY = """
SELECT (day AT TIME ZONE 'UTC')::date AS day, count(*)::integer AS active_users,
       sum(projects)::integer AS total_projects
FROM (
    SELECT date_bin('1 day', created_at, '2000-01-01 00:00Z') AS day, user_id, count(*) AS projects
    FROM projects WHERE created_at >= $1 GROUP BY 1, 2
) AS made
GROUP BY 1 ORDER BY 1 DESC
"""

_COLUMNS = """id, status, mode, title, source_content, template_input, manual_options, project_id,
       created_at, updated_at"""

# With the rows of its platforms in the same round trip, as JSON.
_WORKFLOW = f"""
SELECT {_COLUMNS},
       (SELECT coalesce(json_agg(s ORDER BY s.platform), '[]') FROM (
            SELECT id, platform, status, active_draft_id, iteration, score, job_id, url, reason, created_at, updated_at
            FROM platform_states WHERE workflow_id = $1
        ) AS s) AS states
FROM workflows WHERE id = $1
"""

_EXISTS = "SELECT EXISTS (SELECT FROM workflows WHERE id = $1)"

_PAGE = """
WHERE user_id = $1 AND (created_at, id) < ($2, $3) AND ($5::text IS NULL OR status = $5) {and_project}
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_WORKFLOWS = f"SELECT {_COLUMNS} FROM workflows" + _PAGE.format(and_project="")
# A statement of its own, so that the planner takes the project's index.
_WORKFLOWS_IN_PROJECT = f"SELECT {_COLUMNS} FROM workflows" + _PAGE.format(and_project="AND project_id = $6")


_EXECUTION_COLUMNS = """id, input_type, input_value, input_file_id, input_file_url, status, plan, current_step,
       auto_correct, max_retries, metadata, error_message, created_at, started_at, completed_at"""

_EXECUTION = f"SELECT {_EXECUTION_COLUMNS} FROM executions WHERE id = $1"

_EXECUTIONS = f"""
SELECT {_EXECUTION_COLUMNS} FROM executions
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
  AND ($5::text IS NULL OR status = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# What still runs after an hour is stuck, and no longer counts as active.
_ACTIVE_EXECUTIONS = f"""
SELECT {_EXECUTION_COLUMNS} FROM executions
WHERE user_id = $1 AND status IN ('running', 'validating', 'correcting') AND started_at > now() - interval '1 hour'
  AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

# Of everybody, the longest under way first.
_ACTIVE_EVERYWHERE = f"""
SELECT {_EXECUTION_COLUMNS}, user_id FROM executions
WHERE status IN ('running', 'validating', 'correcting') AND started_at > now() - interval '1 hour'
  AND (started_at, id) > ($1, $2)
ORDER BY started_at, id LIMIT $3
"""

_STATISTICS = """
SELECT count(*) AS total_executions,
       count(*) FILTER (WHERE status = 'completed') AS successful,
       count(*) FILTER (WHERE status = 'failed') AS failed,
       (avg(extract(epoch FROM completed_at - started_at)))::float8 AS avg_duration_sec
FROM executions WHERE user_id = $1
"""

_LOGS = """
SELECT id, timestamp AS created_at, level, message, metadata, step_id FROM execution_logs
WHERE execution_id = $1 AND (timestamp, id) < ($2, $3)
  AND ($5::text[] IS NULL OR level = ANY ($5))
ORDER BY timestamp DESC, id DESC LIMIT $4
"""

_ARTIFACTS = """
SELECT id, type, name, data, file_url, file_size_bytes, mime_type, verified, created_at FROM artifacts
WHERE execution_id = $1 AND (created_at, id) < ($2, $3)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_RUN_COLUMNS = """id, batch_id, status, platform_connection_id, platform_type, instance_url, posts_processed,
       images_processed, captions_generated, errors_count, retry_attempts, retry_successes, retry_failures,
       retry_total_time, retry_stats_json, started_at AS created_at, completed_at"""

_RUN = f"SELECT {_RUN_COLUMNS} FROM processing_runs WHERE id = $1"

_RUNS = f"""
SELECT {_RUN_COLUMNS} FROM processing_runs
WHERE user_id = $1 AND (started_at, id) < ($2, $3) AND ($5::text IS NULL OR status = $5)
ORDER BY started_at DESC, id DESC LIMIT $4
"""


_OWNED = ("workflows", "executions", "processing_runs", "projects", "imports")
_ALL_OF = "SELECT " + ", ".join(
    f"ARRAY(SELECT id FROM {table} WHERE user_id = $1 LIMIT $2) AS {table}" for table in _OWNED
)
_WORKFLOWS_OF = "SELECT id FROM workflows WHERE project_id = $1 LIMIT $2"


async def all_of(connection: PoolConnection, user_id: UUID, limit: int) -> Mapping[str, list[UUID]]:
    """The ids of a user's rows by table, at most so many of each."""
    found: Mapping[str, list[UUID]] = await connection.fetchrow(_ALL_OF, user_id, limit)
    return found


async def workflows_of(connection: PoolConnection, project_id: UUID, limit: int) -> list[UUID]:
    """The ids of a project's workflows, at most so many."""
    return [row["id"] for row in await connection.fetch(_WORKFLOWS_OF, project_id, limit)]


async def project(connection: PoolConnection, project_id: UUID) -> Any:
    """The project's row, or None when the reader may not see it."""
    return await connection.fetchrow(_PROJECT, project_id)


async def projects(connection: PoolConnection, user_id: UUID, page: PageRequest) -> list[Any]:
    """A page of a user's projects, newest first, and one more."""
    found: list[Any] = await connection.fetch(_PROJECTS, user_id, *page.place, page.limit + 1)
    return found


async def activity(connection: PoolConnection, since: datetime) -> list[Any]:
    """By day (UTC), newest first: how many users whose projects the reader may see made one, and how many were made."""
    found: list[Any] = await connection.fetch(_ACTIVITY, since)
    return found


async def workflow(connection: PoolConnection, workflow_id: UUID) -> Any:
    """The workflow's row with `states`, its platforms' rows, or None when the reader may not see it."""
    return await connection.fetchrow(_WORKFLOW, workflow_id)


async def is_workflow(connection: PoolConnection, workflow_id: UUID) -> bool:
    """Whether the reader may see such a workflow."""
    found: bool = await connection.fetchval(_EXISTS, workflow_id)
    return found


async def workflows(
    connection: PoolConnection, user_id: UUID, page: PageRequest, status: str | None, project_id: UUID | None
) -> list[Any]:
    """A page of a user's workflows, newest first, and one more."""
    place = (user_id, *page.place, page.limit + 1, status)
    found: list[Any] = await (
        connection.fetch(_WORKFLOWS, *place)
        if project_id is None
        else connection.fetch(_WORKFLOWS_IN_PROJECT, *place, project_id)
    )
    return found


async def execution(connection: PoolConnection, execution_id: UUID) -> Any:
    """The execution's row, or None when the reader may not see it."""
    return await connection.fetchrow(_EXECUTION, execution_id)


async def executions(connection: PoolConnection, user_id: UUID, page: PageRequest, status: str | None) -> list[Any]:
    """A page of a user's executions, newest first, and one more."""
    found: list[Any] = await connection.fetch(_EXECUTIONS, user_id, *page.place, page.limit + 1, status)
    return found


async def active_executions(connection: PoolConnection, user_id: UUID, page: PageRequest) -> list[Any]:
    """A page of a user's executions begun within the hour that have not ended, newest first, and one more."""
    found: list[Any] = await connection.fetch(_ACTIVE_EXECUTIONS, user_id, *page.place, page.limit + 1)
    return found


async def active_everywhere(connection: PoolConnection, page: PageRequest) -> list[Any]:
    """A page of the executions under way that the reader may see, the longest first, and one more; the cursor's time
    is `started_at`."""
    found: list[Any] = await connection.fetch(_ACTIVE_EVERYWHERE, *page.place_upwards, page.limit + 1)
    return found


async def statistics(connection: PoolConnection, user_id: UUID) -> Any:
    """How many executions a user had, how they ended, and their mean duration in seconds."""
    return await connection.fetchrow(_STATISTICS, user_id)


async def logs(
    connection: PoolConnection, execution_id: UUID, page: PageRequest, levels: Sequence[str] | None
) -> list[Any]:
    """A page of an execution's log, newest first, and one more; the time of each line is its `created_at`."""
    found: list[Any] = await connection.fetch(_LOGS, execution_id, *page.place, page.limit + 1, levels)
    return found


async def artifacts(connection: PoolConnection, execution_id: UUID, page: PageRequest) -> list[Any]:
    """A page of an execution's artifacts, newest first, and one more."""
    found: list[Any] = await connection.fetch(_ARTIFACTS, execution_id, *page.place, page.limit + 1)
    return found


async def run(connection: PoolConnection, run_id: UUID) -> Any:
    """The processing run's row, or None when the reader may not see it; `started_at` is its `created_at`."""
    return await connection.fetchrow(_RUN, run_id)


async def runs(connection: PoolConnection, user_id: UUID, page: PageRequest, status: str | None) -> list[Any]:
    """A page of a user's processing runs, newest first, and one more."""
    found: list[Any] = await connection.fetch(_RUNS, user_id, *page.place, page.limit + 1, status)
    return found


# Of workflows that go on, and of executions that have not ended.
_FILES_IN_USE = """
SELECT (coalesce(source_content, template_input) ->> 'file_id')::uuid AS file_id FROM workflows
WHERE coalesce(source_content, template_input) ->> 'file_id' = ANY ($1::text[])
  AND status NOT IN ('completed', 'failed', 'archived')
UNION
SELECT input_file_id FROM executions
WHERE input_file_id = ANY ($1::text[]::uuid[]) AND status NOT IN ('completed', 'failed', 'cancelled')
"""


async def files_in_use(connection: PoolConnection, file_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these files something under way was given."""
    rows = await connection.fetch(_FILES_IN_USE, [str(file_id) for file_id in file_ids])
    return [row["file_id"] for row in rows]
