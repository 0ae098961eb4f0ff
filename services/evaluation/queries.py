"""The SQL behind the reads. Row-level security adds whose rows they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_COLUMNS = """id, draft_id, workflow_id, platform, iteration, score, criteria_scores, criteria_weights, feedback,
       measures, judge, model, created_at"""

_EVALUATION = f"SELECT {_COLUMNS} FROM evaluations WHERE id = $1"

_PAGE = """AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4"""

_OF_DRAFT = f"SELECT {_COLUMNS} FROM evaluations WHERE draft_id = $1 AND ($5::uuid IS NULL OR workflow_id = $5) {_PAGE}"
_OF_WORKFLOW = f"SELECT {_COLUMNS} FROM evaluations WHERE workflow_id = $1 {_PAGE}"
_OF_USER = f"SELECT {_COLUMNS} FROM evaluations WHERE user_id = $1 {_PAGE}"


async def evaluation(connection: PoolConnection, evaluation_id: UUID) -> Any:
    """The evaluation's row, or None when the reader may not see it."""
    return await connection.fetchrow(_EVALUATION, evaluation_id)


async def evaluations(
    connection: PoolConnection, user_id: UUID, workflow_id: UUID | None, draft_id: UUID | None, page: PageRequest
) -> list[Any]:
    """A page of a draft's, a workflow's or all the user's evaluations, newest first, and one more."""
    bounds = (*page.place, page.limit + 1)
    found: list[Any]
    if draft_id is not None:
        found = await connection.fetch(_OF_DRAFT, draft_id, *bounds, workflow_id)
    elif workflow_id is not None:
        found = await connection.fetch(_OF_WORKFLOW, workflow_id, *bounds)
    else:
        found = await connection.fetch(_OF_USER, user_id, *bounds)
    return found


_CAPTION_COLUMNS = "id, image_id, score, level, needs_special_review, criteria_scores, feedback, created_at"

_CAPTION = f"SELECT {_CAPTION_COLUMNS} FROM caption_evaluations WHERE id = $1"
_CAPTIONS_OF_IMAGE = f"""
SELECT {_CAPTION_COLUMNS} FROM caption_evaluations WHERE user_id = $1 AND image_id = $5 {_PAGE}
"""
_CAPTIONS_OF_USER = f"SELECT {_CAPTION_COLUMNS} FROM caption_evaluations WHERE user_id = $1 {_PAGE}"


async def caption_evaluation(connection: PoolConnection, evaluation_id: UUID) -> Any:
    """The row of a verdict on a description, or None when the reader may not see it."""
    return await connection.fetchrow(_CAPTION, evaluation_id)


async def caption_evaluations(
    connection: PoolConnection, user_id: UUID, image_id: UUID | None, page: PageRequest
) -> list[Any]:
    """A page of the verdicts on an image's descriptions, or on all the user's, newest first, and one more."""
    place = (user_id, *page.place, page.limit + 1)
    found: list[Any] = await (
        connection.fetch(_CAPTIONS_OF_USER, *place)
        if image_id is None
        else connection.fetch(_CAPTIONS_OF_IMAGE, *place, image_id)
    )
    return found


_IDS = {
    column: f"SELECT id, user_id FROM evaluations WHERE {column} = $1 ORDER BY created_at DESC LIMIT $2"
    for column in ("user_id", "workflow_id")
}
_CAPTION_IDS = (
    "SELECT id, image_id, user_id FROM caption_evaluations WHERE user_id = $1 ORDER BY created_at DESC LIMIT $2"
)


async def of_user(connection: PoolConnection, user_id: UUID, most: int) -> list[Any]:
    """Id and user of some of a user's evaluations."""
    found: list[Any] = await connection.fetch(_IDS["user_id"], user_id, most)
    return found


async def of_workflow(connection: PoolConnection, workflow_id: UUID, most: int) -> list[Any]:
    """Id and user of some of a workflow's evaluations."""
    found: list[Any] = await connection.fetch(_IDS["workflow_id"], workflow_id, most)
    return found


async def captions_of_user(connection: PoolConnection, user_id: UUID, most: int) -> list[Any]:
    """Id and image of some of the verdicts on descriptions of a user's images."""
    found: list[Any] = await connection.fetch(_CAPTION_IDS, user_id, most)
    return found
