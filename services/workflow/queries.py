"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_PROJECT = "SELECT id, title, description, created_at, updated_at FROM projects WHERE id = $1"

_PROJECTS = """
SELECT id, title, description, created_at, updated_at FROM projects
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_COLUMNS = """id, status, mode, title, source_content, template_input, manual_options, project_id,
       created_at, updated_at"""

_WORKFLOW = f"SELECT {_COLUMNS} FROM workflows WHERE id = $1"

_WORKFLOWS = f"""
SELECT {_COLUMNS} FROM workflows
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
  AND ($5::text IS NULL OR status = $5)
ORDER BY created_at DESC, id DESC LIMIT $4
"""

_STATES = """
SELECT id, platform, status, active_draft_id, iteration, score, job_id, url, reason, created_at, updated_at
FROM platform_states WHERE workflow_id = $1 ORDER BY platform
"""


async def project(connection: PoolConnection, project_id: UUID) -> Any:
    """The project's row, or None when the reader may not see it."""
    return await connection.fetchrow(_PROJECT, project_id)


async def projects(connection: PoolConnection, user_id: UUID, page: PageRequest) -> list[Any]:
    """A page of a user's projects, newest first, and one more."""
    found: list[Any] = await connection.fetch(_PROJECTS, user_id, *_after(page), page.limit + 1)
    return found


async def workflow(connection: PoolConnection, workflow_id: UUID) -> tuple[Any, list[Any]] | None:
    """The workflow's row and its platforms' rows, or None when the reader may not see it."""
    row = await connection.fetchrow(_WORKFLOW, workflow_id)
    return None if row is None else (row, await connection.fetch(_STATES, workflow_id))


async def workflows(connection: PoolConnection, user_id: UUID, page: PageRequest, status: str | None) -> list[Any]:
    """A page of a user's workflows, newest first, and one more."""
    found: list[Any] = await connection.fetch(_WORKFLOWS, user_id, *_after(page), page.limit + 1, status)
    return found


def _after(page: PageRequest) -> tuple[Any, Any]:
    return (page.after.created_at, page.after.id) if page.after else (None, None)
