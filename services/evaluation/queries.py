"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import Cursor, PageRequest

_COLUMNS = """id, draft_id, workflow_id, platform, iteration, score, criteria_scores, feedback, measures, judge, model,
       created_at"""

_EVALUATION = f"SELECT {_COLUMNS} FROM evaluations WHERE id = $1"

_PAGE = """AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4"""

_OF_DRAFT = f"SELECT {_COLUMNS} FROM evaluations WHERE draft_id = $1 AND ($5::uuid IS NULL OR workflow_id = $5) {_PAGE}"
_OF_WORKFLOW = f"SELECT {_COLUMNS} FROM evaluations WHERE workflow_id = $1 {_PAGE}"
_OF_USER = f"SELECT {_COLUMNS} FROM evaluations WHERE user_id = $1 {_PAGE}"

# Before every row there can be, so that the first page is read from the index as any other.
_NEWEST = Cursor(datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))


async def evaluation(connection: PoolConnection, evaluation_id: UUID) -> Any:
    """The evaluation's row, or None when the reader may not see it."""
    return await connection.fetchrow(_EVALUATION, evaluation_id)


async def evaluations(
    connection: PoolConnection, user_id: UUID, workflow_id: UUID | None, draft_id: UUID | None, page: PageRequest
) -> list[Any]:
    """A page of a draft's, a workflow's or all the user's evaluations, newest first, and one more."""
    after = page.after or _NEWEST
    bounds = (after.created_at, after.id, page.limit + 1)
    found: list[Any]
    if draft_id is not None:
        found = await connection.fetch(_OF_DRAFT, draft_id, *bounds, workflow_id)
    elif workflow_id is not None:
        found = await connection.fetch(_OF_WORKFLOW, workflow_id, *bounds)
    else:
        found = await connection.fetch(_OF_USER, user_id, *bounds)
    return found
