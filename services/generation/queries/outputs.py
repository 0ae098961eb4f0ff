"""The SQL behind the reads of outputs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import PoolConnection
from shared.http.pagination import PageRequest

_COLUMNS = """id, user_id, project_id, kind::text AS kind, status::text AS status, request, body, metadata, created_at,
       updated_at"""

_OUTPUT = f"""
SELECT {_COLUMNS}, false AS archived FROM outputs WHERE id = $1
UNION ALL
SELECT {_COLUMNS}, true FROM outputs_archive WHERE id = $1
"""

_PAGE = """
WHERE user_id = $1 AND (created_at, id) < ($2, $3)
  AND ($5::output_status IS NULL OR status = $5) AND ($6::output_kind IS NULL OR kind = $6)
  {and_project}
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_ALL = _PAGE.format(and_project="")
# A statement of its own, so that the planner takes the project's index.
_PROJECT = _PAGE.format(and_project="AND project_id = $7")

_LISTS = {
    (archived, of_project): f"SELECT {_COLUMNS}, {archived} AS archived FROM {table} {_PROJECT if of_project else _ALL}"
    for archived, table in ((False, "outputs"), (True, "outputs_archive"))
    for of_project in (False, True)
}


# Everybody's, as they are worked off: first come, first served.
_QUEUE = f"""
SELECT {_COLUMNS}, false AS archived FROM outputs
WHERE status = 'queued' AND (created_at, id) > ($1, $2)
ORDER BY created_at, id LIMIT $3
"""

# Everybody's that nothing has been heard of since.
_STUCK = f"""
SELECT {_COLUMNS}, false AS archived FROM outputs
WHERE status = 'processing' AND updated_at < $4 AND (updated_at, id) > ($1, $2)
ORDER BY updated_at, id LIMIT $3
"""


async def output(connection: PoolConnection, output_id: UUID) -> Any:
    """The output's row, put away or not, or None when the reader may not see it."""
    return await connection.fetchrow(_OUTPUT, output_id)


async def outputs(
    connection: PoolConnection,
    user_id: UUID,
    page: PageRequest,
    *,
    project_id: UUID | None,
    status: str | None,
    kind: str | None,
    archived: bool,
) -> list[Any]:
    """A page of a user's outputs (those put away with `archived`), newest first, and one more."""
    place = (user_id, *page.place, page.limit + 1, status, kind)
    of_project = () if project_id is None else (project_id,)
    found: list[Any] = await connection.fetch(_LISTS[archived, project_id is not None], *place, *of_project)
    return found


async def queue(connection: PoolConnection, page: PageRequest) -> list[Any]:
    """A page of the outputs that wait to be written and that the reader may see, oldest first, and one more."""
    found: list[Any] = await connection.fetch(_QUEUE, *page.place_upwards, page.limit + 1)
    return found


async def stuck(connection: PoolConnection, page: PageRequest, before: datetime) -> list[Any]:
    """A page of the outputs that are being written since before a moment and that the reader may see, the longest
    first, and one more; the cursor's time is `updated_at`."""
    found: list[Any] = await connection.fetch(_STUCK, *page.place_upwards, page.limit + 1, before)
    return found
