"""The SQL that finds what hangs on a user, on a project or on a workflow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection

# The newest first: a draft goes before the one that it is based on.
_NEWEST = "ORDER BY created_at DESC LIMIT $2"

_DRAFTS = "SELECT id, user_id FROM drafts WHERE {column} = $1 " + _NEWEST
_SOURCES = "SELECT workflow_id, user_id FROM sources WHERE {column} = $1 " + _NEWEST
_OUTPUTS = f"""
(SELECT id, user_id, created_at FROM outputs WHERE {{column}} = $1 {_NEWEST})
UNION ALL
(SELECT id, user_id, created_at FROM outputs_archive WHERE {{column}} = $1 {_NEWEST})
"""
_TEMPLATES = f"SELECT id, user_id FROM templates WHERE user_id = $1 {_NEWEST}"
_CAPTION_TASKS = f"SELECT id, user_id FROM caption_generation_tasks WHERE user_id = $1 {_NEWEST}"
_CAPTION_SETTINGS = f"SELECT id, user_id FROM caption_generation_user_settings WHERE user_id = $1 {_NEWEST}"
_TOKEN_USAGE = f"SELECT id, user_id FROM token_usage WHERE user_id = $1 {_NEWEST}"

# By what something hangs on, and by table.
_WHAT = {
    "user_id": {
        "drafts": _DRAFTS.format(column="user_id"),
        "sources": _SOURCES.format(column="user_id"),
        "outputs": _OUTPUTS.format(column="user_id"),
        "templates": _TEMPLATES,
        "caption_generation_tasks": _CAPTION_TASKS,
        "caption_generation_user_settings": _CAPTION_SETTINGS,
        "token_usage": _TOKEN_USAGE,
    },
    "workflow_id": {
        "drafts": _DRAFTS.format(column="workflow_id"),
        "sources": _SOURCES.format(column="workflow_id"),
    },
    "project_id": {"outputs": _OUTPUTS.format(column="project_id")},
}


async def hanging_on(connection: PoolConnection, what: str, which: UUID, most: int) -> dict[str, list[Any]]:
    """Rows by table, at most so many of each; `what` is user_id, workflow_id or project_id."""
    return {table: await connection.fetch(sql, which, most) for table, sql in _WHAT[what].items()}
